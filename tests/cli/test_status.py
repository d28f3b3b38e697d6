import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from cli import main
from cli.status import Unreachable, ask, current, http_address, picture

PAGE: dict[str, Any] = {
    "name": "sayso",
    "version": "1.2.3",
    "uptime_s": 61.4,
    "sessions": 12,
    "load_level": 3,
    "drain": {"phase": "draining", "reason": "deploy", "deadline_in_s": 42.0},
    "load": {
        "level": 3,
        "driver": "memory",
        "signals": {
            "memory": {"value": 0.91, "unit": "share", "marks": {"3": [0.88, 0.82]}},
            "cpu_stalls": {"value": None, "unit": "%", "marks": {"1": [40, 25]}},
        },
    },
    "tree": {
        "id": "root",
        "state": "ready",
        "children": [
            {
                "id": "transcription",
                "state": "ready",
                "restarts": 2,
                "mailbox": {"queued": 7, "head_age_s": 1.25},
                "last_exit": {"kind": "abnormal", "reason": "ValueError: [odd]"},
                "statistics": {
                    "pool": {
                        "workers": [{"state": "busy", "pid": 77, "role": "spare", "jobs": 5}],
                        "remote": {"addresses": [{"url": "http://a/v1", "breaker": "open", "failures": 3}]},
                    }
                },
                "children": [],
            },
            {"id": "sessions", "state": "ready", "children": [{"id": f"s{n}", "state": "ready"} for n in range(14)]},
            {"id": "tools", "state": "ready", "children": [{"id": "tools.clock", "state": "backoff"}]},
        ],
    },
}


def shown(page: dict[str, Any]) -> str:
    screen = io.StringIO()
    Console(file=screen, width=140, color_system=None).print(picture(page))
    return screen.getvalue()


def test_a_server_without_sessions_shows_what_it_is_for() -> None:
    assert "up 61 s · for others: recognise, speak · load level 3" in shown(PAGE | {"roles": ["recognise", "speak"]})


def test_of_summed_up_sessions_the_worst_mailboxes_are_shown() -> None:
    summary = {"count": 5_000, "worst_mailboxes": [{"id": "ab.audio", "queued": 64, "head_age_s": 2.5}]}
    node = {"id": "sessions", "state": "ready", "children": [{"id": "ab", "state": "ready"}], "summary": summary}
    screen = shown(PAGE | {"tree": {"id": "root", "state": "ready", "children": [node]}})
    assert "and 4999 more" in screen
    assert "ab.audio  64 queued, the oldest for 2.5 s" in screen


class Server:
    """Answers every request with ``body``."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/api/status" else 404)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def serve() -> Iterator[Any]:
    servers: list[tuple[Server, threading.Thread]] = []

    def start(body: bytes, status: int = 200) -> str:
        server = Server(body, status)
        thread = threading.Thread(target=server.http.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return server.url

    yield start
    for server, thread in servers:
        server.http.shutdown()
        server.http.server_close()
        thread.join()


def test_the_picture_shows_what_an_operator_looks_for():
    text = shown(PAGE)

    for words in (
        "sayso 1.2.3 · up 61 s · 12 sessions · load level 3 · draining: deploy, 42.0 s left",
        "memory",
        "L3 0.88",
        "transcription ready",
        "2 restarts",
        "7 queued, the oldest for 1.2 s",
        "abnormal: ValueError: [odd]",
        "worker busy role spare pid 77 jobs 5",
        "server http://a/v1 breaker open failures 3",
        "tools.clock backoff",
        "s9 ready",
        "and 4 more",
    ):
        assert words in text, words
    assert "s10" not in text


def test_a_server_that_tells_little_is_shown_too():
    text = shown({"tree": {"id": "root", "state": "ready"}})

    assert "load is not measured" in text
    assert "root ready" in text


def test_without_a_terminal_one_picture_is_printed(serve):
    result = CliRunner().invoke(main, ["status", "--url", serve(json.dumps(PAGE).encode())])

    assert result.exit_code == 0
    assert "transcription ready" in result.output


def test_without_a_terminal_a_server_that_is_gone_is_an_error(serve):
    result = CliRunner().invoke(main, ["status", "--url", serve(b"", status=500)])

    assert result.exit_code == 1
    assert "no status from http://127.0.0.1" in result.output


def test_once_prints_a_picture(serve):
    result = CliRunner().invoke(main, ["status", "--once", "--url", serve(json.dumps(PAGE).encode())])

    assert result.exit_code == 0
    assert "transcription ready" in result.output


def test_json_prints_what_the_server_sent(serve):
    result = CliRunner().invoke(main, ["status", "--json", "--url", serve(json.dumps(PAGE).encode())])

    assert json.loads(result.output) == PAGE


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [(b"hello", 200, "no status from"), (b"[]", 200, "is no status of sayso"), (b"", 500, "no status from")],
)
def test_what_is_no_status_is_told_and_the_exit_code_is_1(serve, body, status, words):
    result = CliRunner().invoke(main, ["status", "--once", "--url", serve(body, status)])

    assert result.exit_code == 1
    assert words in result.output


def test_a_missing_server_is_reported():
    result = CliRunner().invoke(main, ["status", "--once", "--url", "http://127.0.0.1:9"])

    assert result.exit_code == 1
    assert "no status from http://127.0.0.1:9/api/status" in result.output


def test_while_it_is_live_a_server_that_is_gone_is_waited_for(serve):
    assert "trying again" in str(current("http://127.0.0.1:9"))
    assert not isinstance(current(serve(json.dumps(PAGE).encode())), str)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://a:1", "http://a:1"),
        ("http://a:1/", "http://a:1"),
        ("ws://a:1/ws", "http://a:1"),
        ("wss://a/ws", "https://a"),
    ],
)
def test_the_address_of_the_websocket_will_do(url, base):
    assert http_address(url) == base


@pytest.mark.parametrize("url", ["a:1", "ftp://a", "http://"])
def test_what_is_no_address_is_told(url):
    with pytest.raises(Unreachable, match="must begin with"):
        ask(url)
