"""Turns as JSON."""

import json

import attrs

from backends.storage.json_lines import lines_of, shown_turn
from protocol.messages.history import KeptTurn, Position
from tests.backends.storage.record_fixtures import CALL, TURN


def test_a_turn_is_shown_with_its_calls_and_says_nothing_twice() -> None:
    shown = shown_turn(KeptTurn(TURN, (CALL,), Position(1.0, "1")))
    (call,) = shown.pop("calls")
    assert shown == attrs.asdict(TURN)
    assert call == {
        "call_id": "c1",
        "timestamp": 1_001.5,
        "server": "home",
        "tool": "light",
        "arguments": {"on": True, "rooms": ["Küche"]},
        "ok": True,
        "result": "on",
        "duration_ms": 12.5,
        "transcript": "Turn on the kitchen light",
        "confidence": 0.9,
    }


def test_each_turn_is_a_line_whatever_was_said() -> None:
    turns = [KeptTurn(attrs.evolve(TURN, heard=text), (), Position(1.0, "1")) for text in ("a\nb", "\u2028", "\x1b")]
    lines = lines_of(turns).split(b"\n")
    assert [json.loads(line)["heard"] for line in lines[:-1]] == ["a\nb", "\u2028", "\x1b"]
    assert lines[-1] == b""
    assert lines_of(()) == b""
