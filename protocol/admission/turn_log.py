"""The turns that ended last, with their tool calls, and how long their stages took; pure, time is an argument.

Rules kept here:

* Everything is bounded: 200 turns, 8 calls of each, 500 characters of each text; some 2 MB at the very most.
* Words are private: ``LoggedTurn.shown`` leaves them out unless its caller says that they may be seen.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from protocol.messages.records import ToolRecord, TurnRecord

TURNS_MAX: Final = 200
CALLS_MAX: Final = 8  # of one turn
PENDING_MAX: Final = 256  # turns with calls that have not ended
TEXT_CHARS: Final = 500
STAGES_OVER_S: Final = 300.0
STAGES_MAX: Final = 1_000  # turns within that time: three a second


@attrs.frozen
class LoggedCall:
    """One tool call of a turn."""

    server: str
    tool: str
    ok: bool
    duration_ms: float
    arguments: Mapping[str, Any]
    result: str

    def shown(self, *, has_words: bool) -> dict[str, object]:
        """Return it as JSON types."""
        page: dict[str, object] = {
            "server": self.server,
            "tool": self.tool,
            "ok": self.ok,
            "duration_ms": self.duration_ms,
        }
        return page | {"arguments": self.arguments, "result": self.result} if has_words else page


@attrs.frozen
class LoggedTurn:
    """One turn that has ended."""

    number: int
    """1, 2, ... since the server's start."""
    record: TurnRecord
    calls: Sequence[LoggedCall]

    def shown(self, *, has_words: bool) -> dict[str, object]:
        """Return the turn as JSON types; without words what was said, answered and done is left out."""
        record = self.record
        page: dict[str, object] = {
            "number": self.number,
            "at": round(record.timestamp, 3),
            "turn_id": record.turn_id,
            "session_id": record.session_id,
            "user": record.user_id,
            "outcome": record.outcome,
            "source": record.source,
            "latency_ms": record.latency_ms,
            "calls": [call.shown(has_words=has_words) for call in self.calls],
        }
        return page | {"heard": record.heard, "replied": record.replied} if has_words else page


@attrs.frozen
class StageFigures:
    """How long one stage took, of the turns of the last five minutes."""

    count: int
    p50_ms: float
    p95_ms: float


@attrs.define(eq=False)
class TurnLog:
    """The newest turns."""

    failed: int = attrs.field(default=0, init=False)
    """How many did not end well, since the server's start."""
    _turns: deque[LoggedTurn] = attrs.field(factory=lambda: deque(maxlen=TURNS_MAX), init=False)
    _calls: OrderedDict[str, list[LoggedCall]] = attrs.field(factory=OrderedDict, init=False)
    """Of turns that have not ended, by turn."""
    _latencies: deque[tuple[float, Mapping[str, float]]] = attrs.field(
        factory=lambda: deque(maxlen=STAGES_MAX), init=False
    )
    _last: int = attrs.field(default=0, init=False)

    @property
    def last(self) -> int:
        """The number of the newest, 0 before the first."""
        return self._last

    def add_call(self, record: ToolRecord) -> None:
        """Keep a call until its turn ends."""
        calls = self._calls.setdefault(record.turn_id, [])
        while len(self._calls) > PENDING_MAX:
            self._calls.popitem(last=False)
        if len(calls) < CALLS_MAX:
            is_short = len(str(record.arguments)) <= TEXT_CHARS
            arguments = record.arguments if is_short else {"…": "too long to be shown"}
            result = record.result[:TEXT_CHARS]
            calls.append(LoggedCall(record.server, record.tool, record.ok, record.duration_ms, arguments, result))

    def add(self, record: TurnRecord, now_s: float) -> None:
        """Keep a turn that has ended; ``now_s`` is of a monotonic clock."""
        self._last += 1
        calls = tuple(self._calls.pop(record.turn_id, ()))
        short = attrs.evolve(record, heard=record.heard[:TEXT_CHARS], replied=record.replied[:TEXT_CHARS])
        self._turns.append(LoggedTurn(self._last, short, calls))
        self._latencies.append((now_s, record.latency_ms))
        self.failed += record.outcome == "failed"

    def after(self, number: int) -> Sequence[LoggedTurn]:
        """Return the turns that are kept and newer than ``number``, oldest first."""
        return tuple(turn for turn in self._turns if turn.number > number)

    def of_session(self, session_id: str) -> Sequence[LoggedTurn]:
        """Return the turns of one session that are kept, oldest first."""
        return tuple(turn for turn in self._turns if turn.record.session_id == session_id)

    def stages(self, now_s: float) -> Mapping[str, StageFigures]:
        """Return the figures of each stage over the last five minutes; none of a stage that no turn had."""
        found: dict[str, list[float]] = {}
        for at_s, latencies in self._latencies:
            if now_s - at_s <= STAGES_OVER_S:
                for stage, value_ms in latencies.items():
                    found.setdefault(stage, []).append(value_ms)
        return {stage: _figures(sorted(values)) for stage, values in found.items()}


def _figures(ordered: Sequence[float]) -> StageFigures:
    """Return the figures of sorted values; a percentile is the nearest rank."""
    last = len(ordered) - 1
    return StageFigures(len(ordered), ordered[round(0.5 * last)], ordered[round(0.95 * last)])
