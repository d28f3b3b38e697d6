import pytest
from quart import Response, jsonify
from quart_trio import QuartTrio

from backends.ingress.http_answers import admitted, failure
from protocol.messages.identity import RequestSource
from tests.backends.ingress.ingress_fixtures import ask, serving


def app() -> QuartTrio:
    app = QuartTrio(__name__)

    async def who() -> Response:
        return jsonify(str(admitted().identity.source.value))

    app.add_url_rule("/who", view_func=who)
    return app


@pytest.mark.parametrize(
    ("headers", "source"),
    [
        (b"Host: localhost", RequestSource.THIS_MACHINE),
        (b"Host: localhost\r\nX-Forwarded-For: 203.0.113.9", RequestSource.PROXY),
        (b"Host: x", RequestSource.ELSEWHERE),
        (b"Host: x\r\nAdmitted: this machine", RequestSource.ELSEWHERE),
    ],
)
async def test_a_route_gets_the_sender_from_the_admission_and_from_no_header(
    headers: bytes, source: RequestSource
) -> None:
    async with serving(app=app()) as server:
        answer = await ask(server.port, b"GET /who HTTP/1.1\r\n" + headers + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert answer.rstrip().endswith(b'"%s"' % source.value.encode())


async def test_an_error_is_json_with_one_sentence() -> None:
    async with QuartTrio(__name__).app_context():
        response = failure(418, "it is a teapot")
        assert (response.status_code, await response.get_json()) == (418, {"error": "it is a teapot"})
