"""How much of the recogniser those who speak now will want, learnt from those who have spoken. Pure.

One who speaks occupies a worker for the computing of what is said, once in the time that saying it and computing it
take (Little's law). So a share is known before the work arrives: a queue tells only when it is too late.
"""

from typing import Final

import attrs

LEARNING_RATE: Final = 0.1  # of an exponential average: some ten utterances
PATIENCE_S: Final = 0.5  # that one may wait for a worker besides: people do not end all at the same time


@attrs.define
class Capacity:
    """What an utterance is like, on average."""

    _spoken_s: float | None = None
    _compute_s: float = 0.0

    def learn(self, spoken_s: float, compute_s: float) -> None:
        """Take one utterance that was transcribed."""
        if self._spoken_s is None:
            self._spoken_s, self._compute_s = spoken_s, compute_s
        else:
            self._spoken_s += LEARNING_RATE * (spoken_s - self._spoken_s)
            self._compute_s += LEARNING_RATE * (compute_s - self._compute_s)

    def use(self, busy: int, workers: int) -> float | None:
        """Return the share of ``workers`` that ``busy`` people want, who speak or wait for their words.

        Over 1 if they are too many; ``None`` while nothing is known.
        """
        if self._spoken_s is None or workers < 1:
            return None
        return busy * self._compute_s / (workers * (self._spoken_s + self._compute_s + PATIENCE_S))
