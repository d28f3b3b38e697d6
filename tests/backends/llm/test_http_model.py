"""The thin HTTP shell; what the dialects make of it is in test_openai.py and test_ollama.py."""

import pytest
import trio

from backends.llm.http_model import LlmServer, ModelServerRefused, error_text_of, explanation_of, is_this_machine
from backends.protocols import ProviderError
from tests.backends.llm.scripted_http import Hold, page, scripted
from tests.unreadable_json import UNREADABLE_JSON


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "no  such\\nmodel"}}', "no such model"),
        (b'{"error": "busy"}', "busy"),
        (b'{"message": "hm"}', "hm"),
        (b'{"detail": [1]}', '{"detail":[1]}'),
        (b"plain", "plain"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        *((data, data.decode(errors="replace").strip()[:200]) for data in UNREADABLE_JSON),
        (b"", ""),
        (b"x" * 1_000, "x" * 200),
    ],
)
def test_the_words_of_an_error_are_found_in_its_body(body: bytes, words: str) -> None:
    assert error_text_of(body) == words


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(401, "key"), (403, "key"), (404, "no such"), (429, "busy"), (503, "busy"), (500, "failed"), (400, "refused the")],
)
def test_a_status_has_a_meaning(status: int, meaning: str) -> None:
    assert meaning in explanation_of(status)


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://localhost/v1", True),
        ("http://[::1]:80", True),
        ("http://10.0.0.7", False),
        ("https://api.example.com", False),
        ("http://[bad", False),
        ("", False),
    ],
)
def test_a_loopback_address_is_this_machine(url: str, is_here: bool) -> None:
    assert is_this_machine(url) is is_here


async def test_a_server_on_this_machine_is_reached_without_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with scripted(page({"ok": 1})) as server:
        assert await LlmServer(server.url).get("/x") == b'{"ok": 1}'


async def test_no_connection_to_this_machine_stays_open() -> None:
    willing = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    async with scripted([willing, Hold(trio.Event())]) as server:
        await LlmServer(server.url).get("/x")

        with trio.fail_after(5):
            await server.gone.wait()


async def test_a_refusal_keeps_status_and_words() -> None:
    async with scripted(page({"error": "busy"}, 429)) as server:
        with pytest.raises(ModelServerRefused) as caught:
            await LlmServer(server.url).get("/x")

    assert (caught.value.status, caught.value.said) == (429, "busy")


async def test_an_address_that_no_url_can_be_is_told() -> None:
    with pytest.raises(ProviderError, match="must begin with http:// or https://"):
        await LlmServer("nonsense").get("/x")
