"""The report of a finished turn: its words, its outcome and the durations of its stages; pure."""

import attrs

from protocol.messages.events import LatencyMs, Outcome, Source, TurnCompleted
from protocol.messages.records import TurnRecord


@attrs.define
class TurnReport:
    """One turn's words and times."""

    turn_id: str
    origin_s: float
    """From when ``first_audio`` and ``total`` count: the last voiced sample of speech, else the turn's beginning."""
    heard: str = attrs.field(default="", init=False)
    replied: str = attrs.field(default="", init=False)
    """The whole answer; of one that was cut, what was heard of it."""
    heard_s: float | None = attrs.field(default=None, init=False)
    """How much of the answer's speech was heard, in seconds, as the client says."""
    source: Source | None = attrs.field(default=None, init=False)
    """What understood it."""
    language: str | None = attrs.field(default=None, init=False)
    """Of the words."""
    confidence: float | None = attrs.field(default=None, init=False)
    """0..1, how sure the words are; ``None`` if there are none."""
    _latency_ms: dict[str, float] = attrs.field(factory=dict, init=False)

    def mark(self, stage: str, seconds: float) -> None:
        """Note how long a stage of ``LatencyMs`` took."""
        self._latency_ms[stage] = round(max(0.0, seconds) * 1000, 1)

    def mark_until(self, stage: str, now_s: float) -> None:
        """Note when a stage came, counted from the turn's origin."""
        self.mark(stage, now_s - self.origin_s)

    def completed(self, outcome: Outcome) -> TurnCompleted:
        """Return the event for the client."""
        return TurnCompleted(self.turn_id, outcome, LatencyMs(**self._latency_ms))

    def record(self, outcome: Outcome, *, session_id: str, user_id: str, timestamp: float) -> TurnRecord:
        """Return the record for history and metrics."""
        return TurnRecord(
            session_id=session_id,
            turn_id=self.turn_id,
            user_id=user_id,
            timestamp=timestamp,
            heard=self.heard,
            replied=self.replied,
            outcome=outcome,
            source=self.source,
            latency_ms=self._latency_ms,
            language=self.language,
            confidence=self.confidence,
        )
