"""How far an answer has been heard, by the clock; pure: the time is passed in.

Rules kept here:

* The timeline is that of the answer, not of the clock: a gap in which nothing was sent does not count as heard.
* An answer that was held in the middle goes on at the beginning of the clause that was cut, because half a clause is
  no language; what is kept for that is what has not been heard yet.
"""

from collections import deque
from typing import Final

import attrs

from protocol.messages.speaking import SpokenAudio

LAST_SYLLABLE_S: Final = 0.25  # a clause that was cut in its last syllable has been understood


@attrs.frozen
class Clause:
    """A piece of the answer, and where it lies in the answer's audio."""

    text: str
    start_s: float
    end_s: float


@attrs.define
class Playback:
    """One answer on its way to somebody's ears."""

    sent_s: float = 0.0
    """How much of the answer has been sent."""
    _started_s: float | None = None
    """When it would have begun if it had been played without a gap."""
    _clauses: list[Clause] = attrs.field(factory=list)
    _audio: deque[SpokenAudio] = attrs.field(factory=deque)
    """Of the last clauses: those that may have to be said again."""

    @property
    def has_begun(self) -> bool:
        """Whether anything was sent."""
        return self._started_s is not None

    @property
    def end_s(self) -> float:
        """When all that was sent will have been heard."""
        return 0.0 if self._started_s is None else self._started_s + self.sent_s

    def begin(self, text: str, audio: SpokenAudio, now_s: float) -> None:
        """Take the next clause; if the client has run out of audio meanwhile, it is heard that much later."""
        started_s = now_s if self._started_s is None else self._started_s
        self._started_s = max(started_s, now_s - self.sent_s)
        duration_s = len(audio.pcm) / 2 / audio.sample_rate
        self._clauses.append(Clause(text, self.sent_s, self.sent_s + duration_s))
        self._audio.append(audio)
        while len(self._audio) > 1 and self._clauses[-len(self._audio)].end_s <= self.heard_s(now_s):
            self._audio.popleft()

    def heard_s(self, now_s: float) -> float:
        """Return how much of the answer has been heard."""
        return 0.0 if self._started_s is None else min(now_s - self._started_s, self.sent_s)

    def heard_until(self, heard_s: float) -> list[str]:
        """Return the clauses that were heard to at least their half by ``heard_s``."""
        if self._started_s is None:
            return []
        return [clause.text for clause in self._clauses if (clause.start_s + clause.end_s) / 2 <= heard_s]

    def rewind(self, heard_s: float, now_s: float) -> list[tuple[str, SpokenAudio]]:
        """Go on now, at the clause that was cut at ``heard_s``; return what has to be sent again, in order."""
        first = len(self._clauses) - len(self._audio)
        while first < len(self._clauses) and self._is_done(self._clauses[first], heard_s):
            first += 1
        clauses = self._clauses[first:]
        audio = [self._audio.pop() for _ in clauses][::-1]
        if clauses:
            self.sent_s = clauses[0].start_s
            del self._clauses[first:]
        self._started_s = now_s - self.sent_s
        return [(clause.text, piece) for clause, piece in zip(clauses, audio, strict=True)]

    def _is_done(self, clause: Clause, heard_s: float) -> bool:
        return clause.end_s <= min(self.sent_s, heard_s + LAST_SYLLABLE_S)
