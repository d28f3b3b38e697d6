"""The demand of speaking sessions on the recogniser, learnt from earlier utterances. Pure.

A speaker occupies a worker for the computing time of an utterance, once in the time of speaking and computing it
(Little's law). So the demand is known before the work arrives: a queue shows it only when it is too late.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import attrs

LEARNING_RATE: Final = 0.1  # of an exponential average: some ten utterances
COMPANY_PAYS: Final = (
    0.85  # of an utterance's computing alone; above that a batch makes all wait for the last for nothing
)
TRIAL_BATCH: Final = 4  # utterances, while it is unknown whether a batch pays: on a CPU they would wait in vain
COMPANY_AGAIN: Final = 200  # utterances alone, then a batch is tried again: a machine's neighbours change
PATIENCE_S: Final = 0.5  # that an utterance may wait for a worker: speakers do not all end at the same time


@attrs.frozen
class Demand:
    """The demand on the recogniser of sessions that speak or wait for their transcript."""

    share: float
    """As a share of its workers; over 1 if there are too many speakers."""
    each: float
    """The share of one of them."""
    per_s: float
    """How many utterances can be transcribed in a second."""
    busy: Mapping[str, int] = attrs.field(factory=dict)
    """Number of speakers of each tenant."""


@attrs.frozen
class Capacity:
    """Averages of an utterance's duration and computing time, as a value."""

    _spoken_s: float | None = None
    _compute_s: float = 0.0
    _alone_s: float | None = None
    """Of computing, for each that was decoded alone; and for each of a batch."""
    _together_s: float | None = None
    _alone_since: int = 0

    def learnt(self, spoken_s: float, compute_s: float, batch: int = 1) -> "Capacity":
        """Return the averages with one more utterance, transcribed in a batch, that took ``compute_s`` of it."""
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
        """Return the demand of the speakers of each tenant on ``workers``; ``None`` before the first utterance."""
        if self._spoken_s is None or self._compute_s <= 0 or workers < 1:
            return None
        per_s = workers / self._compute_s
        each = 1 / (per_s * (self._spoken_s + self._compute_s + PATIENCE_S))
        return Demand(busy.total() * each, each, per_s, busy)


def _learnt(average: float | None, value: float) -> float:
    return value if average is None else average + LEARNING_RATE * (value - average)
