"""Records and counts, sent to ``history`` and ``metrics`` without waiting."""

from collections.abc import Mapping
from typing import Any

import attrs

from protocol.messages.ask import Ask


@attrs.frozen
class SessionRecord:
    """To history: a session opened."""

    session_id: str
    user_id: str
    started_at: float
    """Unix time, seconds."""


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


@attrs.frozen
class RecentTurns(Ask[list[dict[str, Any]]]):
    """To history; answered by ``list[dict]``, newest first."""

    limit: int
