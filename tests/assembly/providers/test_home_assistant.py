import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from assembly.providers.home_assistant import Home, findings, home
from assembly.providers.provider import Finding
from backends.home_assistant.sentences import UnknownLanguage
from backends.home_assistant.tools import HomeToolServers
from config.load import load
from config.settings import Settings
from protocol.messages.home import HomeEntity, HomeNames
from tests.fakes import FakeGrammar

TOKEN = "a-secret"


def settings(url: str, languages: str = "en") -> Settings:
    flags = {"home_assistant.url": url, "home_assistant.token": TOKEN, "home_assistant.languages": languages}
    return load(None, {"HOME": "/home/ada"}, flags).settings


@contextmanager
def answering(*, api: object = None, mcp: int = 200, token: str = TOKEN) -> Iterator[str]:
    """Run a server with Home Assistant's two pages on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/api/" and api is not None
            self._answer(200 if known else 404, api)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self._answer(mcp if self.path == "/api/mcp" else 404, {"jsonrpc": "2.0", "id": 1, "result": {}})

        def _answer(self, status: int, body: object) -> None:
            status = status if self.headers["authorization"] == f"Bearer {token}" else 401
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def told(found: Iterator[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.name, finding.state, finding.text.partition(": ")[0]) for finding in found]


def test_without_a_url_nothing_is_made_or_checked() -> None:
    usual = load(None, {"HOME": "/home/ada"}, {}).settings
    assert home(usual.home_assistant) is None
    assert [finding.state for finding in findings(usual)] == ["ok"]


def test_a_home_adds_its_sentences_below_those_that_are_there() -> None:
    made = home(settings("http://ha:8123").home_assistant)
    assert isinstance(made, Home)
    made.grammar.take(HomeNames((HomeEntity("light.a", ("Lamp",)),)))
    match = made.above(FakeGrammar()).match(["turn on the lamp"], "en")
    assert match is not None
    assert match.server == "home-assistant"
    assert isinstance(made.speaking(lambda name, *, on_announcement: NotImplemented), HomeToolServers)


def test_a_language_without_sentences_stops_the_start_and_fails_the_check() -> None:
    wrong = settings("http://127.0.0.1:9", "tlh")
    with pytest.raises(UnknownLanguage, match="'tlh'"):
        home(wrong.home_assistant)
    assert next(findings(wrong)).state == "fail"


def test_a_home_assistant_with_its_mcp_server_is_fine() -> None:
    with answering(api={"message": "API running."}) as url:
        assert [finding.state for finding in findings(settings(url))] == ["ok", "ok"]


def test_a_home_assistant_without_its_mcp_server_is_told_how_to_get_it() -> None:
    with answering(api={"message": "API running."}, mcp=404) as url:
        [_, finding] = findings(settings(url))
    assert finding.state == "warn"
    assert "status 404" in finding.text
    assert "Model Context Protocol Server" in finding.fix


def test_a_revoked_token_is_told() -> None:
    with answering(api={"message": "API running."}, token="another") as url:
        [finding] = findings(settings(url))
    assert (finding.state, "does not accept the token" in finding.text) == ("warn", True)
    assert TOKEN not in finding.text


@pytest.mark.parametrize("api", [None, {"hello": 1}, "text"])
def test_another_server_is_told(api: object) -> None:
    with answering(api=api) as url:
        [finding] = findings(settings(url))
    assert (finding.state, "no Home Assistant at" in finding.text) == ("warn", True)


def test_a_home_assistant_that_is_down_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    [finding] = findings(settings(url))
    assert (finding.state, "no answer at" in finding.text) == ("warn", True)
