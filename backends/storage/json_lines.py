"""Turns as JSON: for the HTTP API, and for export as JSON Lines (https://jsonlines.org)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs
import msgspec

from protocol.messages.history import KeptTurn

_TOLD_BY_TURN: Final = frozenset({"session_id", "turn_id", "user_id"})


def shown_turn(turn: KeptTurn) -> dict[str, Any]:
    """Return a turn with its calls as JSON types."""
    return attrs.asdict(turn.record) | {"calls": [shown_call(attrs.asdict(call)) for call in turn.calls]}


def shown_call(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call without what its turn says already."""
    return {name: value for name, value in call.items() if name not in _TOLD_BY_TURN}


def lines_of(turns: Iterable[KeptTurn]) -> bytes:
    """Return turns as JSON Lines: one object a line."""
    return b"".join(msgspec.json.encode(shown_turn(turn)) + b"\n" for turn in turns)
