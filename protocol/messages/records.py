"""Records and counts, sent to ``history`` and ``metrics`` without waiting."""

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class SessionRecord:
    """To history: a session opened."""

    session_id: str
    user_id: str
    """The user of the key that the client was admitted with."""
    started_at: float
    """Unix time, seconds."""
    client_id: str = ""
    """What the client calls itself: such as the name of a device."""


@attrs.frozen
class TurnRecord:
    """To history and metrics: a turn ended."""

    session_id: str
    turn_id: str
    user_id: str
    timestamp: float
    """Unix time, seconds."""
    heard: str
    replied: str
    outcome: str
    source: str | None
    latency_ms: Mapping[str, float]
    language: str | None = None
    """Of the words, as a code such as ``de``; ``None`` if it is not known."""
    confidence: float | None = None
    """0..1, how sure the words are; 1 for typed ones, ``None`` if there are none."""


@attrs.frozen
class ToolRecord:
    """To history and metrics: a tool call ended; rows are only ever added."""

    session_id: str
    turn_id: str
    call_id: str
    timestamp: float
    server: str
    tool: str
    arguments: Mapping[str, Any]
    ok: bool
    result: str
    duration_ms: float
    transcript: str
    confidence: float
    user_id: str = ""
    """Empty if it is not known."""


@attrs.frozen
class Count:
    """To metrics: add ``amount`` to a counter."""

    name: str
    labels: tuple[str, ...] = ()
    amount: float = 1.0


@attrs.frozen
class Gauge:
    """To metrics: set a gauge."""

    name: str
    labels: tuple[str, ...]
    value: float


@attrs.frozen
class Observe:
    """To metrics: add ``value`` to a histogram."""

    name: str
    labels: tuple[str, ...]
    value: float
