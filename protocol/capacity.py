"""How much of the recogniser those who speak now will want, learnt from those who have spoken. Pure.

One who speaks occupies a worker for the computing of what is said, once in the time that saying it and computing it
take (Little's law). So a share is known before the work arrives: a queue tells only when it is too late.
"""

from typing import Final

import attrs

LEARNING_RATE: Final = 0.1  # of an exponential average: some ten utterances
PATIENCE_S: Final = 0.5  # that one may wait for a worker besides: people do not end all at the same time


@attrs.frozen
class Demand:
    """What those who speak, or wait for their words, want of the recogniser."""

    share: float
    """Of its workers; over 1 if they are too many."""
    each: float
    """The share of one of them."""
    per_s: float
    """How many can be understood in a second."""


@attrs.define
class Capacity:
    """What an utterance is like, on average."""

    _spoken_s: float | None = None
    _compute_s: float = 0.0

    def learn(self, spoken_s: float, compute_s: float) -> None:
        """Take one utterance that was transcribed, and took some time."""
        if self._spoken_s is None:
            self._spoken_s, self._compute_s = spoken_s, compute_s
        else:
            self._spoken_s += LEARNING_RATE * (spoken_s - self._spoken_s)
            self._compute_s += LEARNING_RATE * (compute_s - self._compute_s)

    def demand(self, busy: int, workers: int) -> Demand | None:
        """Return what ``busy`` people want of ``workers``; ``None`` while nothing is known."""
        if self._spoken_s is None or self._compute_s <= 0 or workers < 1:
            return None
        per_s = workers / self._compute_s
        each = 1 / (per_s * (self._spoken_s + self._compute_s + PATIENCE_S))
        return Demand(busy * each, each, per_s)
