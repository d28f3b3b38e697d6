import pytest
from quart_trio import QuartTrio

from backends.ingress.http_answers import FORWARDED, failure, refusal_for_strangers


async def asked(host: str, peer: str, **headers: str) -> str:
    app = QuartTrio(__name__)
    app.add_url_rule("/", view_func=lambda: refusal_for_strangers("a drain") or "welcome")
    scope = {"client": (peer, 1)}
    response = await app.test_client().get("/", headers={"Host": host, **headers}, scope_base=scope)
    return str(await response.get_data(as_text=True))


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
async def test_programs_on_this_machine_are_heard(host: str) -> None:
    assert await asked(host, "127.0.0.1") == "welcome"


async def test_others_are_told_why_not() -> None:
    assert await asked("localhost", "192.0.2.7") == "a drain is taken from this machine only"
    assert await asked("evil.example", "127.0.0.1") == "a drain is taken from this machine only"
    assert await asked("localhost", "::1", Origin="null") == "a drain is taken from programs, not from web pages"


@pytest.mark.parametrize("name", FORWARDED)
async def test_what_came_through_a_proxy_is_not_of_this_machine(name: str) -> None:
    answer = await asked("localhost", "127.0.0.1", **{name: "203.0.113.9"})
    assert answer == "a drain is taken from this machine only, and not through a proxy"


async def test_an_error_is_json_with_one_sentence() -> None:
    async with QuartTrio(__name__).app_context():
        response = failure(418, "it is a teapot")
        assert (response.status_code, await response.get_json()) == (418, {"error": "it is a teapot"})
