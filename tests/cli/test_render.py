import io

import pytest
from rich.console import Console

from cli.render import LINES, show
from sayso_client import UnknownEvent


def shown(name: str, **data: object) -> str:
    screen = io.StringIO()
    show(Console(file=screen, width=120, color_system=None), UnknownEvent(name, data))
    return screen.getvalue()


def test_what_was_heard_is_shown_with_its_confidence() -> None:
    assert shown("transcript", text="turn it on", confidence=0.876).strip() == "heard  turn it on (0.88)"


def test_a_call_is_shown_like_a_call() -> None:
    assert "set_timer(seconds=3)" in shown("tool_call", tool="set_timer", arguments={"seconds": 3})
    assert "nothing() by command" in shown("understood", tool="nothing", source="command", confidence=1)
    assert "help by command" in shown("understood", source="command", confidence=1.0)
    assert "a question by model" in shown("understood", source="model", confidence=1.0)


def test_a_failed_call_says_why() -> None:
    assert "failed: no such timer (3 ms)" in shown("tool_result", ok=False, error="no such timer", duration_ms=3)


def test_a_completed_turn_is_a_table_of_latencies() -> None:
    text = shown("turn_completed", outcome="done", latency_ms={"stt": 120.4, "total": 900.0})
    assert "done" in text
    assert "120 ms" in text
    assert "total" in text


def test_a_turn_without_latencies_is_shown_too() -> None:
    assert "failed" in shown("turn_completed", outcome="failed", latency_ms={})


def test_text_of_the_server_is_never_markup() -> None:
    assert "[bold]loud[/bold]" in shown("reply", text="[bold]loud[/bold]")


@pytest.mark.parametrize("name", ["status", "reply_delta", "audio_ack", "something_new"])
def test_what_happens_often_or_is_unknown_is_not_shown(name: str) -> None:
    assert shown(name) == ""


@pytest.mark.parametrize("name", sorted(LINES))
def test_an_event_without_its_fields_does_not_break_the_terminal(name: str) -> None:
    assert shown(name)
