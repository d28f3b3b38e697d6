"""Renders events in a terminal: one line each, a table of latencies at the end of a turn."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sayso_client import TextEvent, UnknownEvent, as_data, wire_name

Data = Mapping[str, Any]


def _call(data: Data) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in (data.get("arguments") or {}).items())
    return f"{data.get('tool')}({arguments})"


def _progress(data: Data) -> str:
    far = str(data.get("done")) if data.get("total") is None else f"{data.get('done')} of {data.get('total')}"
    return f"{far} {data.get('message') or ''}".rstrip()


def _result(data: Data) -> str:
    what = data.get("content") if data.get("ok") else f"failed: {data.get('error')}"
    return f"{what} ({data.get('duration_ms')} ms)"


def _understood(data: Data) -> str:
    what = _call(data) if data.get("tool") else {"command": "help"}.get(str(data.get("source")), "a question")
    return f"{what} by {data.get('source')}, confidence {data.get('confidence', 0):.2f}"


def _field(name: str) -> Callable[[Data], str]:
    return lambda data: str(data.get(name))


LINES: Final[Mapping[str, tuple[str, str, Callable[[Data], str]]]] = {
    "connection_accepted": ("dim", "session", _field("session_id")),
    "wake_detected": ("bold cyan", "woken by", _field("word")),
    "wake_state": ("dim", "wake word", _field("state")),
    "speech_stopped": ("dim", "speech ended", _field("reason")),
    "transcript": ("bold cyan", "heard", lambda data: f"{data.get('text')} ({data.get('confidence', 0):.2f})"),
    "no_speech": ("yellow", "no speech", _field("reason")),
    "understood": ("magenta", "understood", _understood),
    "tool_call": ("blue", "calling", _call),
    "tool_progress": ("dim", "so far", _progress),
    "tool_result": ("blue", "result", _result),
    "confirm_request": ("bold yellow", "asks", lambda data: f"{data.get('say')} {_call(data)}"),
    "reply": ("bold green", "reply", _field("text")),
    "degraded": ("yellow", "degraded", lambda data: f"{data.get('what')}: {data.get('reason')}"),
    "recovered": ("dim", "recovered", _field("what")),
    "audio_overrun": ("bold red", "audio lost", lambda data: f"from {data.get('from_sample')}"),
    "going_away": ("yellow", "going away", _field("reason")),
    "error": ("bold red", "error", lambda data: f"{data.get('message')} [{data.get('code')}]"),
}  # other events are too frequent, or of no use to a person


def show(console: Console, event: TextEvent | UnknownEvent) -> None:
    """Print one event, if it is in the table."""
    name = wire_name(event)
    if name == "turn_completed":
        console.print(latencies(as_data(event)))
    elif name in LINES:
        style, label, text = LINES[name]
        console.print(f"[{style}]{label:>12}[/]  {escape(text(as_data(event)))}", highlight=False)


def latencies(data: Data) -> Table:
    """Return a turn's outcome and the milliseconds of its stages as a table."""
    stages = data.get("latency_ms") or {}
    table = Table("turn", *stages)
    table.add_row(escape(str(data.get("outcome"))), *(f"{duration:.0f} ms" for duration in stages.values()))
    return table
