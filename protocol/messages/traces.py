"""The trace of a turn, sent to ``traces`` without waiting."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs


class TracedSpan(Protocol):
    """A stretch of work in a turn; ``runtime.messaging.spans.Span`` is one."""

    @property
    def number(self) -> int:
        """Its number in the turn, from 1."""

    @property
    def parent(self) -> int:
        """The number of the span that it is a part of; 0 for the turn itself."""

    @property
    def name(self) -> str:
        """What was done, such as ``recognise``."""

    @property
    def start_s(self) -> float:
        """When it began, by the server's clock."""

    @property
    def end_s(self) -> float:
        """When it ended, by the same clock."""

    @property
    def attributes(self) -> Mapping[str, str | int | float | bool]:
        """What else is known of it; nothing that anybody said."""


@attrs.frozen(kw_only=True)
class TurnTrace:
    """To traces: a turn ended. It has no words that were said or answered."""

    session_id: str
    turn_id: str
    outcome: str
    source: str | None
    language: str | None
    start_s: float
    """From when its latencies count, by the clock of the spans."""
    end_s: float
    unix_offset_s: float
    """Unix time minus the time of that clock."""
    spans: Sequence[TracedSpan]
    dropped_spans: int = 0


class TracesRefused(Exception):
    """A collector does not take these traces, and would not take them later; the message says why."""
