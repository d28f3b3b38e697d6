import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from cli import main
from cli.samples import sentences


@contextmanager
def serving(page: Any, status: int = 200, asked: list[str] | None = None) -> Iterator[str]:
    """Answer every request with ``page``; the paths are kept in ``asked``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if asked is not None:
                asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(page).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.server_port}/ws"
        finally:
            server.shutdown()
            thread.join()


def command(server: str, tool: str, *samples: str) -> dict[str, Any]:
    return {"server": server, "tool": tool, "samples": list(samples)}


def say(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["say", *arguments])


def test_sentences_are_grouped_by_server_and_tool() -> None:
    page = {
        "languages": ["en"],
        "commands": [
            command("home", "turn_on_light", "turn on the light"),
            command("home", "get_light", "is the light on"),
            command("home", "turn_on_light", "lights please", "turn on the light"),
            command("sayso-tools", "get_time", "what time is it"),
        ],
    }
    asked: list[str] = []
    with serving(page, asked=asked) as url:
        result = say("--help-me", "--url", url)
    assert result.exit_code == 0, result.output
    assert asked == ["/api/commands?language=en"]
    assert [line.rstrip() for line in result.stdout.splitlines()] == [
        "home",
        "  turn on light  turn on the light",
        "                 lights please",
        "  get light      is the light on",
        "sayso-tools",
        "  get time  what time is it",
    ]


def test_a_long_sentence_wraps_within_its_column() -> None:
    console = Console(width=40)
    with console.capture() as captured:
        console.print(sentences([command("home", "set_light", "dim the light in the living room to ten percent")]))
    lines = captured.get().splitlines()
    assert all(len(line) <= 40 for line in lines)
    assert lines[2].startswith(" " * 13)


def test_the_language_is_asked_for() -> None:
    asked: list[str] = []
    with serving({"commands": [command("home", "on", "mach an")]}, asked=asked) as url:
        assert "mach an" in say("--help-me", "--language", "de", "--url", url).stdout
    assert asked == ["/api/commands?language=de"]


@pytest.mark.parametrize(
    ("page", "status", "words"),
    [
        (
            {"commands": [], "languages": ["de", "en"]},
            200,
            "no sentences in 'fr' (--language), only in: de, en",
        ),
        ({"error": "no such language"}, 400, "no commands from"),
        ({"tree": {}}, 200, "is no list of commands of sayso"),
        ([], 200, "is no list of commands of sayso"),
    ],
)
def test_what_cannot_be_shown_is_exit_code_1_in_words(page: Any, status: int, words: str) -> None:
    with serving(page, status) as url:
        result = say("--help-me", "--language", "fr", "--url", url)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_a_server_that_is_not_there_is_said_so() -> None:
    result = say("--help-me", "--url", "ws://127.0.0.1:1/ws")
    assert result.exit_code == 1
    assert "no commands from http://127.0.0.1:1/api/commands" in result.stderr


def test_help_is_one_of_the_things_that_can_be_asked_at_a_time() -> None:
    assert say("--help-me", "what time is it").exit_code == 2
