"""The utterances of a Deepgram stream: what the session tells of speech, as Deepgram's messages; sans-IO.

Rules kept here:

* Every utterance that has begun ends in one final ``Results``, with an empty transcript where there were no words or it
  failed: clients wait for it.
* ``Finalize`` is answered by one ``Results`` with ``from_finalize``, behind all that was said before.
* Silence is counted in the client's audio, so that a recording that is sent at once has the same results.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import attrs

from protocol.dialects.deepgram.listen_frames import HeardPiece, ListenFrames
from protocol.dialects.deepgram.listen_query import ListenQuery
from protocol.messages import events

Commit = Literal["finalize", "close"]


@attrs.define
class ListenTurn:
    """One utterance, as far as its client knows of it."""

    began_s: float
    reason: events.StopReason | None = None
    is_finalized: bool = False
    """Whether its result answers a ``Finalize``."""
    is_told: bool = False
    """Whether its final result was sent."""


@attrs.define
class ListenTurns:
    """The utterances of one stream that are not over."""

    query: ListenQuery
    frames: ListenFrames
    received_s: Callable[[], float]
    """Returns how much audio has come."""
    is_closed: bool = attrs.field(default=False, init=False)
    """Whether no utterance begins any more: the end of the stream has reached the session."""
    _turns: dict[str, ListenTurn] = attrs.field(factory=dict, init=False)
    _commits: deque[Commit] = attrs.field(factory=deque, init=False)
    """Why each ``AudioEnd`` was sent that is not answered."""
    _silent_since_s: float | None = attrs.field(default=None, init=False)
    """The end of the last word, until ``UtteranceEnd`` is told."""

    @property
    def is_all_told(self) -> bool:
        """Whether each utterance that has begun has its result."""
        return all(turn.is_told for turn in self._turns.values())

    def commit(self, why: Commit) -> None:
        """Note that an ``AudioEnd`` is sent to the session."""
        self._commits.append(why)

    def encode(self, event: events.ServerEvent) -> list[str]:
        """Return the frames for an event of the session that is about speech."""
        handler = _HANDLERS.get(type(event))
        return [] if handler is None else handler(self, event)

    def is_silent(self) -> bool:
        """Return whether nothing was said for as long as the client waits, of which it was not told."""
        return self._is_silent_at(self.received_s())

    def end_of_speech(self) -> list[str]:
        """Tell of the silence, if it is long enough."""
        return self._end_at(self.received_s())

    # --- what happens ----------------------------------------------------------------------------

    def _started(self, event: events.SpeechStarted) -> list[str]:
        began_s = event.at_ms / 1000
        told = self._end_at(began_s)
        self._turns[event.turn_id] = ListenTurn(began_s)
        self._silent_since_s = None
        return [*told, self.frames.speech_started(began_s)] if self.query.tells_speech else told

    def _stopped(self, event: events.SpeechStopped) -> list[str]:
        turn = self._turns.setdefault(event.turn_id, ListenTurn(event.at_ms / 1000))
        turn.reason = event.reason
        if event.reason == "manual":
            turn.is_finalized = self._committed() == "finalize"
        return []

    def _nothing_committed(self, event: events.NothingCommitted) -> list[str]:
        if self._committed() != "finalize":
            return []
        waiting = [turn for turn in self._turns.values() if not turn.is_told]
        if waiting:
            waiting[-1].is_finalized = True
            return []
        at_s = event.at_ms / 1000
        return [self.frames.results(HeardPiece("", at_s, at_s), is_final=True, from_finalize=True)]

    def _committed(self) -> Commit | None:
        """Return which of the client's messages is answered now."""
        commit = self._commits.popleft() if self._commits else None
        self.is_closed = self.is_closed or commit == "close"
        return commit

    def _grown(self, event: events.TranscriptPartial) -> list[str]:
        turn = self._turns.get(event.turn_id)
        if turn is None or turn.is_told or not self.query.interim:
            return []
        return [self.frames.results(self._until_now(turn, event.text), is_final=False)]

    def _transcribed(self, event: events.Transcript) -> list[str]:
        turn = self._turns.get(event.turn_id)
        if turn is None or turn.is_told:
            return []
        heard = HeardPiece.of(event)
        self._silent_since_s = heard.last_word_end_s
        return [self._final(turn, heard), *self.end_of_speech()]

    def _without_words(self, event: events.NoSpeech | events.TurnCompleted) -> list[str]:
        turn = self._turns.get(event.turn_id)
        return [] if turn is None or turn.is_told else [self._final(turn, self._until_now(turn, ""))]

    def _failed(self, event: events.Error) -> list[str]:
        return [self.frames.error(event.code, event.message)]  # its end follows

    def _completed(self, event: events.TurnCompleted) -> list[str]:
        told = self._without_words(event)
        self._turns.pop(event.turn_id, None)
        return told

    def _until_now(self, turn: ListenTurn, text: str) -> HeardPiece:
        return HeardPiece(text, turn.began_s, max(turn.began_s, self.received_s()))

    def _final(self, turn: ListenTurn, heard: HeardPiece) -> str:
        turn.is_told = True
        is_end = self.query.ends_speech and turn.reason != "max_length"
        return self.frames.results(heard, is_final=True, speech_final=is_end, from_finalize=turn.is_finalized)

    # --- silence ---------------------------------------------------------------------------------

    def _is_silent_at(self, at_s: float) -> bool:
        wait_ms, since_s = self.query.utterance_end_ms, self._silent_since_s
        return wait_ms is not None and since_s is not None and self.is_all_told and at_s - since_s >= wait_ms / 1000

    def _end_at(self, at_s: float) -> list[str]:
        since_s = self._silent_since_s
        if since_s is None or not self._is_silent_at(at_s):
            return []
        self._silent_since_s = None
        return [self.frames.utterance_end(since_s)]


_HANDLERS: Final[Mapping[type, Callable[[ListenTurns, Any], list[str]]]] = {
    events.SpeechStarted: ListenTurns._started,  # noqa: SLF001 - the table is a part of the class
    events.SpeechStopped: ListenTurns._stopped,  # noqa: SLF001
    events.NothingCommitted: ListenTurns._nothing_committed,  # noqa: SLF001
    events.TranscriptPartial: ListenTurns._grown,  # noqa: SLF001
    events.Transcript: ListenTurns._transcribed,  # noqa: SLF001
    events.NoSpeech: ListenTurns._without_words,  # noqa: SLF001
    events.Error: ListenTurns._failed,  # noqa: SLF001
    events.TurnCompleted: ListenTurns._completed,  # noqa: SLF001
}
