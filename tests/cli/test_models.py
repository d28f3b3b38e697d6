import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from cli import main

LOADED = {"name": "tiny.en", "state": "loaded", "is_usual": True, "memory_bytes": 76_000_000, "idle_s": 4.2}
LOADED |= {"in_work": 2, "device": "cpu", "compute_type": "int8"}
OTHER = {"name": "base", "state": "available", "is_usual": False, "memory_bytes": 0, "idle_s": 0.0, "in_work": 0}


@attrs.define(eq=False)
class ModelServer:
    """Answers requests by method and path, and keeps what was asked."""

    answers: dict[tuple[str, str], tuple[int, Any]] = attrs.field(factory=dict)
    asked: list[tuple[str, str, str, str | None]] = attrs.field(factory=list)
    url: str = ""

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["models", "--url", self.url, *arguments])


@pytest.fixture
def server() -> Iterator[ModelServer]:
    found = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            found.asked.append((self.command, self.path, body, self.headers.get("authorization")))
            status, page = found.answers.get((self.command, self.path), (404, {"error": "no such page"}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(page if isinstance(page, bytes) else json.dumps(page).encode())

        do_GET = answer  # noqa: N815 - as the standard library names it
        do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"ws://127.0.0.1:{listening.server_port}/ws"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_the_models_are_listed_the_default_one_first(server: ModelServer) -> None:
    server.answers["GET", "/api/models"] = (200, {"models": [OTHER, LOADED]})
    lines = server.run().output.splitlines()
    assert lines[0].split() == ["model", "state", "memory", "idle", "in", "work", "on"]
    assert lines[1].split() == ["tiny.en", "(default)", "loaded", "76", "MB", "4", "s", "2", "cpu", "int8"]
    assert lines[2].split() == ["base", "available"]


def test_a_model_is_loaded_and_unloaded_by_its_name_with_the_key(server: ModelServer) -> None:
    server.answers["POST", "/api/models/load"] = (200, OTHER | {"state": "loaded", "memory_bytes": 142_000_000})
    server.answers["POST", "/api/models/unload"] = (200, OTHER)
    assert server.run("--key", "sayso_k", "load", "base").output == "base is loaded: 142 MB\n"
    assert server.run("--key", "sayso_k", "unload", "base").output == "base is available\n"
    assert server.asked == [
        ("POST", "/api/models/load", '{"name":"base"}', "Bearer sayso_k"),
        ("POST", "/api/models/unload", '{"name":"base"}', "Bearer sayso_k"),
    ]


@pytest.mark.parametrize(
    ("status", "page", "told"),
    [
        (403, {"error": "a request about models needs a key with the scope operate"}, "needs a key with the scope"),
        (401, {"error": {"message": "there is no key"}}, "there is no key"),
        (500, {}, "answers 500"),
        (200, [], "is none of sayso"),
        (200, b"<html>", "no answer from"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(server: ModelServer, status: int, page: object, told: str) -> None:
    server.answers["POST", "/api/models/unload"] = (status, page)
    result = server.run("unload", "base")
    assert result.exit_code == 1
    assert told in result.output


def test_a_server_that_is_not_there_is_told(server: ModelServer) -> None:
    server.url = "http://127.0.0.1:9"
    result = server.run()
    assert result.exit_code == 1
    assert "no answer from http://127.0.0.1:9/api/models" in result.output
