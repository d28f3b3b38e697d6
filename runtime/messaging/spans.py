"""Spans of the work of one task and of those that it starts: what took how long, and within what.

Rules kept here:

* Nothing is kept unless ``record_spans`` was called: then ``span`` and ``add_span`` cost a look-up.
* As the ids of ``log_ids.py`` do, a recorder reaches the tasks that its task starts (``contextvars``).
* A recorder keeps ``SPANS_MAX`` spans, and counts further ones.
* No span is open across the ``yield`` of an asynchronous generator: its consumer may be another task.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

import attrs
import trio

SPANS_MAX: Final = 64  # of one recorder: a turn with an answer of forty sentences has that many
ROOT: Final = 0
NOTHING: Final[Mapping[str, "SpanValue"]] = MappingProxyType({})

SpanValue = str | int | float | bool
"""What an attribute of a span may be."""


@attrs.frozen
class Span:
    """A stretch of work; its times are those of ``trio.current_time()``, in seconds."""

    number: int
    """From 1, in the order in which they began."""
    parent: int
    """The number of the span that it is a part of; 0 for none."""
    name: str
    start_s: float
    end_s: float
    attributes: Mapping[str, SpanValue] = NOTHING


@attrs.define(eq=False)
class SpanRecorder:
    """Keeps the spans of one piece of work."""

    dropped: int = attrs.field(default=0, init=False)
    """How many were not kept."""
    _kept: list[Span] = attrs.field(factory=list, init=False)
    _begun: int = attrs.field(default=0, init=False)

    @property
    def spans(self) -> tuple[Span, ...]:
        """Those that have ended, in the order of their ends."""
        return tuple(self._kept)

    def begin(self) -> int:
        """Return the number of a span that begins now."""
        self._begun += 1
        return self._begun

    def end(self, span: Span) -> None:
        """Keep a span, if there is room."""
        if len(self._kept) < SPANS_MAX:
            self._kept.append(span)
        else:
            self.dropped += 1


@attrs.frozen
class _Recording:
    """Where new spans go."""

    recorder: SpanRecorder
    parent: int = ROOT


_RECORDING: Final[ContextVar[_Recording | None]] = ContextVar("sayso_spans", default=None)


def record_spans() -> SpanRecorder:
    """Record the spans of this task from now on, and of the tasks that it starts."""
    recorder = SpanRecorder()
    _RECORDING.set(_Recording(recorder))
    return recorder


def recorded_spans() -> SpanRecorder | None:
    """Return the recorder of this task, if there is one."""
    current = _RECORDING.get()
    return None if current is None else current.recorder


def add_span(name: str, start_s: float, end_s: float, **attributes: SpanValue) -> None:
    """Record a stretch of time that is over; one that ends before it starts has no length."""
    current = _RECORDING.get()
    if current is not None:
        number = current.recorder.begin()
        current.recorder.end(Span(number, current.parent, name, start_s, max(start_s, end_s), attributes))


@contextmanager
def span(name: str, **attributes: SpanValue) -> Iterator[dict[str, SpanValue]]:
    """Record the block; spans of the block are parts of it. Attributes may be added to the dictionary that it gets."""
    current = _RECORDING.get()
    if current is None:
        yield attributes
        return
    number, start_s = current.recorder.begin(), trio.current_time()
    token = _RECORDING.set(_Recording(current.recorder, number))
    try:
        yield attributes
    finally:
        _RECORDING.reset(token)
        current.recorder.end(Span(number, current.parent, name, start_s, trio.current_time(), attributes))
