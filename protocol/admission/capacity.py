"""How much of the recogniser those who speak now will want, learnt from those who have spoken. Pure.

One who speaks occupies a worker for the computing of what is said, once in the time that saying it and computing it
take (Little's law). So a share is known before the work arrives: a queue tells only when it is too late.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import attrs

LEARNING_RATE: Final = 0.1  # of an exponential average: some ten utterances
COMPANY_PAYS: Final = (
    0.85  # of an utterance's computing alone; above that a batch makes all wait for the last for nothing
)
TRIAL_BATCH: Final = 4  # utterances, while it is not known whether a batch pays: on a CPU they wait for nothing
COMPANY_AGAIN: Final = 200  # utterances alone, then a batch is tried again: a machine's neighbours change
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
    busy: Mapping[str, int] = attrs.field(factory=dict)
    """How many of each tenant there are."""


@attrs.frozen
class Capacity:
    """What an utterance is like, on average, as a value."""

    _spoken_s: float | None = None
    _compute_s: float = 0.0
    _alone_s: float | None = None
    """Of computing, for each that was decoded alone; and for each of a batch."""
    _together_s: float | None = None
    _alone_since: int = 0

    def learnt(self, spoken_s: float, compute_s: float, batch: int = 1) -> "Capacity":
        """Return it with one more utterance, transcribed in a batch of so many, that took ``compute_s`` of it."""
        is_alone = batch == 1
        return Capacity(
            spoken_s=_learnt(self._spoken_s, spoken_s),
            compute_s=compute_s if self._spoken_s is None else _learnt(self._compute_s, compute_s),
            alone_s=_learnt(self._alone_s, compute_s) if is_alone else self._alone_s,
            together_s=self._together_s if is_alone else _learnt(self._together_s, compute_s),
            alone_since=self._alone_since + 1 if is_alone else 0,
        )

    def batch_limit(self, limit: int) -> int:
        """Return how many should be decoded together: ``limit`` where that is cheaper for each, a few to try it."""
        if self._alone_s is None or self._together_s is None or self._alone_since >= COMPANY_AGAIN:
            return min(limit, TRIAL_BATCH)
        return limit if self._together_s <= COMPANY_PAYS * self._alone_s else 1

    def demand(self, busy: Counter[str], workers: int) -> Demand | None:
        """Return what so many people of each tenant want of ``workers``; ``None`` while nothing is known."""
        if self._spoken_s is None or self._compute_s <= 0 or workers < 1:
            return None
        per_s = workers / self._compute_s
        each = 1 / (per_s * (self._spoken_s + self._compute_s + PATIENCE_S))
        return Demand(busy.total() * each, each, per_s, busy)


def _learnt(average: float | None, value: float) -> float:
    return value if average is None else average + LEARNING_RATE * (value - average)
