"""The playback of one answer: playing, held or over, and how much was heard; pure: time is an argument.

Rules kept here:

* The legal changes are the table below, with the notices to the client at each; the rest is a bug of ours.
* The timeline is that of the answer, not of the clock: a gap in which nothing was sent does not count as heard.
* An answer that was held in the middle goes on at the beginning of the clause that was cut, because half a clause is
  no language; what is kept for that is what has not been heard yet.
"""

import enum
import math
from collections import deque
from collections.abc import Mapping
from typing import Final

import attrs

from protocol.messages.errors import LocalProtocolError
from protocol.messages.speaking import SpokenAudio

LAST_SYLLABLE_S: Final = 0.25  # a clause that was cut in its last syllable has been understood


class PlaybackState(enum.Enum):
    """The states of an answer's playback."""

    SILENT = "silent"
    """Nothing has been sent."""
    WAITING = "waiting"
    """Held before its first sound."""
    SPEAKING = "speaking"
    HELD = "held"
    """Held after its first sound."""
    SENT = "sent"
    """All of it was sent; the client may still be hearing it."""
    HELD_AT_END = "held at end"
    """Held after all of it was sent."""
    OVER = "over"
    """Cut off."""


class PlaybackEvent(enum.Enum):
    """Events that change the state of an answer."""

    CLAUSE_BEGUN = "clause begun"
    HELD = "held"
    RESUMED = "resumed"
    """And there is something to send, or more may come."""
    RESUMED_AT_END = "resumed at end"
    """And nothing has to be sent again."""
    ALL_SENT = "all sent"
    CUT = "cut"


class PlaybackNotice(enum.Enum):
    """Notices about an answer to the connection and the client."""

    STARTED = "speech_audio_start"
    PAUSED = "speech_audio_paused"
    RESUMED = "speech_audio_resumed"
    ENDED = "speech_audio_end"
    DROP = "drop what has not left"


_S, _E, _N = PlaybackState, PlaybackEvent, PlaybackNotice
Change = tuple[PlaybackState, tuple[PlaybackNotice, ...]]

PLAYBACK: Final[Mapping[PlaybackState, Mapping[PlaybackEvent, Change]]] = {
    _S.SILENT: {
        _E.CLAUSE_BEGUN: (_S.SPEAKING, (_N.STARTED,)),
        _E.HELD: (_S.WAITING, ()),
        _E.RESUMED: (_S.SILENT, ()),
        _E.ALL_SENT: (_S.SILENT, ()),
        _E.CUT: (_S.OVER, ()),
    },
    _S.WAITING: {
        _E.HELD: (_S.WAITING, ()),
        _E.RESUMED: (_S.SILENT, ()),
        _E.ALL_SENT: (_S.WAITING, ()),
        _E.CUT: (_S.OVER, ()),
    },
    _S.SPEAKING: {
        _E.CLAUSE_BEGUN: (_S.SPEAKING, ()),
        _E.HELD: (_S.HELD, (_N.DROP, _N.PAUSED)),
        _E.RESUMED: (_S.SPEAKING, ()),
        _E.ALL_SENT: (_S.SENT, (_N.ENDED,)),
        _E.CUT: (_S.OVER, (_N.DROP, _N.ENDED)),
    },
    _S.HELD: {
        _E.HELD: (_S.HELD, ()),
        _E.RESUMED: (_S.SPEAKING, (_N.RESUMED,)),
        _E.ALL_SENT: (_S.HELD, ()),  # it ends when it has been resumed
        _E.CUT: (_S.OVER, (_N.DROP, _N.ENDED)),
    },
    _S.SENT: {
        _E.HELD: (_S.HELD_AT_END, (_N.DROP, _N.PAUSED)),
        _E.RESUMED: (_S.SENT, ()),
        _E.ALL_SENT: (_S.SENT, ()),
        _E.CUT: (_S.OVER, (_N.DROP,)),
    },
    _S.HELD_AT_END: {
        _E.HELD: (_S.HELD_AT_END, ()),
        _E.RESUMED: (_S.SPEAKING, (_N.RESUMED,)),
        _E.RESUMED_AT_END: (_S.SENT, (_N.RESUMED,)),
        _E.ALL_SENT: (_S.HELD_AT_END, ()),
        _E.CUT: (_S.OVER, (_N.DROP,)),
    },
    _S.OVER: {
        _E.HELD: (_S.OVER, ()),
        _E.RESUMED: (_S.OVER, ()),
        _E.ALL_SENT: (_S.OVER, ()),
        _E.CUT: (_S.OVER, ()),
    },
}

HELD_STATES: Final = frozenset({PlaybackState.WAITING, PlaybackState.HELD, PlaybackState.HELD_AT_END})


@attrs.frozen(eq=False)
class Clause:
    """A piece of the answer, and where it lies in the answer's audio."""

    text: str
    start_s: float
    end_s: float


@attrs.define
class Playback:
    """One answer on its way to the client."""

    state: PlaybackState = attrs.field(default=PlaybackState.SILENT, init=False)
    sent_s: float = attrs.field(default=0.0, init=False)
    """How much of the answer has been sent."""
    _started_s: float | None = attrs.field(default=None, init=False)
    """When it would have begun if it had been played without a gap."""
    _heard_s: float | None = attrs.field(default=None, init=False)
    """While it is held, and after it was cut: how much had been heard then."""
    _to_send: deque[tuple[str, SpokenAudio]] = attrs.field(factory=deque, init=False)
    _clauses: list[Clause] = attrs.field(factory=list, init=False)
    """All that were begun."""
    _audio: deque[SpokenAudio] = attrs.field(factory=deque, init=False)
    """Of the last clauses: those that may have to be said again."""

    # --- what the sender asks --------------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        """Whether nothing may be sent now."""
        return self.state in HELD_STATES

    @property
    def is_drained(self) -> bool:
        """Whether nothing is left to send, now or after the answer has been resumed."""
        return self.state is PlaybackState.OVER or not (self._to_send or self.is_held)

    @property
    def sample_rate(self) -> int:
        """Of the clause that is begun next, in Hz; there must be one."""
        return self._to_send[0][1].sample_rate

    @property
    def end_s(self) -> float:
        """When all that was sent will have been heard."""
        return 0.0 if self._started_s is None else self._started_s + self.sent_s

    @property
    def audible_until_s(self) -> float:
        """Until when the client hears something, as far as that is known now: for ever while it is held."""
        if self.state in (PlaybackState.HELD, PlaybackState.HELD_AT_END):
            return math.inf
        return -math.inf if self.state is PlaybackState.OVER else self.end_s

    def is_audible(self, now_s: float) -> bool:
        """Return whether the client is hearing something, or will again."""
        return now_s < self.audible_until_s

    def is_current(self, clause: Clause) -> bool:
        """Return whether ``clause`` is the one that is being sent, and has not been taken back."""
        return self.state is PlaybackState.SPEAKING and bool(self._clauses) and self._clauses[-1] is clause

    # --- what happens ----------------------------------------------------------------------------

    def add(self, text: str, audio: SpokenAudio) -> None:
        """Queue a clause."""
        self._to_send.append((text, audio))

    def start(self) -> tuple[PlaybackNotice, ...]:
        """Note that the next clause is about to be begun; raises ``LocalProtocolError`` while it may not be."""
        return self._change(PlaybackEvent.CLAUSE_BEGUN)

    def begin(self, now_s: float) -> tuple[Clause, SpokenAudio]:
        """Take the next clause; if the client has run out of audio meanwhile, it is heard that much later."""
        text, audio = self._to_send.popleft()
        started_s = now_s if self._started_s is None else self._started_s
        self._started_s = max(started_s, now_s - self.sent_s)
        clause = Clause(text, self.sent_s, self.sent_s + len(audio.pcm) / 2 / audio.sample_rate)
        self._clauses.append(clause)
        self._audio.append(audio)
        while len(self._audio) > 1 and self._clauses[-len(self._audio)].end_s <= self.heard_s(now_s):
            self._audio.popleft()
        return clause, audio

    def hold(self, now_s: float) -> tuple[PlaybackNotice, ...]:
        """Pause, until ``resume``."""
        if not self.is_held:
            self._freeze(now_s)
        return self._change(PlaybackEvent.HELD)

    def resume(self, now_s: float) -> tuple[PlaybackNotice, ...]:
        """Go on now, at the clause that was cut: what has to be sent again is queued before the rest."""
        if not self.is_held:
            return self._change(PlaybackEvent.RESUMED)
        again = self._rewind(now_s) if self._started_s is not None else []
        self._heard_s = None
        is_at_end = self.state is PlaybackState.HELD_AT_END and not again
        return self._change(PlaybackEvent.RESUMED_AT_END if is_at_end else PlaybackEvent.RESUMED)

    def finish(self) -> tuple[PlaybackNotice, ...]:
        """Note that all has been sent."""
        return self._change(PlaybackEvent.ALL_SENT)

    def cut(self, now_s: float) -> tuple[PlaybackNotice, ...]:
        """End it for good."""
        self._freeze(now_s)
        return self._change(PlaybackEvent.CUT)

    # --- what was heard --------------------------------------------------------------------------

    def heard_s(self, now_s: float) -> float:
        """Return how much of the answer has been heard."""
        if self._heard_s is not None:
            return self._heard_s
        return 0.0 if self._started_s is None else min(now_s - self._started_s, self.sent_s)

    def heard_until(self, heard_s: float) -> list[str]:
        """Return the clauses that were heard to at least their half by ``heard_s``."""
        if self._started_s is None:
            return []
        return [clause.text for clause in self._clauses if (clause.start_s + clause.end_s) / 2 <= heard_s]

    # --- inside ----------------------------------------------------------------------------------

    def _freeze(self, now_s: float) -> None:
        if self._heard_s is None:
            self._heard_s = self.heard_s(now_s)

    def _change(self, event: PlaybackEvent) -> tuple[PlaybackNotice, ...]:
        change = PLAYBACK[self.state].get(event)
        if change is None:
            raise LocalProtocolError(f"an answer: {event.name} must not happen while {self.state.name}")
        self.state, notices = change
        return notices

    def _rewind(self, now_s: float) -> list[Clause]:
        """Take back the clauses that were not heard to their end, and let time run again from the first of them."""
        heard_s = self.heard_s(now_s)
        first = len(self._clauses) - len(self._audio)
        while first < len(self._clauses) and self._is_done(self._clauses[first], heard_s):
            first += 1
        again = self._clauses[first:]
        self._to_send.extendleft((clause.text, self._audio.pop()) for clause in reversed(again))
        if again:
            self.sent_s = again[0].start_s
            del self._clauses[first:]
        self._started_s = now_s - self.sent_s
        return again

    def _is_done(self, clause: Clause, heard_s: float) -> bool:
        return clause.end_s <= min(self.sent_s, heard_s + LAST_SYLLABLE_S)
