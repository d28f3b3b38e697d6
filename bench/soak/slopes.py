"""Whether something grows over hours, told from noisy samples; pure.

A figure such as memory jumps with the sessions that are open, so the lowest value of each window is taken (what is left
when little is going on), and through these goes the line of Theil and Sen: the median of the slopes between all pairs,
which less than a third of the points cannot spoil (P. K. Sen, 1968, "Estimates of the regression coefficient based on
Kendall's tau").
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, groupby
from typing import Final

import attrs

HOUR_S: Final = 3_600.0
POINTS_MAX: Final = 400
"""Points of a line: the pairs of more would take seconds."""
Samples = Sequence[tuple[float, float]]
"""Seconds since the beginning, and the figure."""


def floor(samples: Samples, window_s: float) -> list[tuple[float, float]]:
    """Return the lowest sample of each window, in order.

    >>> floor([(0, 5.0), (9, 3.0), (10, 4.0)], 10)
    [(9, 3.0), (10, 4.0)]
    """
    windows = groupby(sorted(samples), key=lambda sample: sample[0] // window_s)
    return [min(window, key=lambda sample: sample[1]) for _, window in windows]


def slope_per_hour(samples: Samples) -> float | None:
    """Return by how much the figure grows in an hour; ``None`` for fewer than three points in time.

    >>> slope_per_hour([(0, 1.0), (1_800, 2.0), (3_600, 3.0)])
    2.0
    """
    points = thinned(samples)
    slopes = [
        (later - before) / (at_s - earlier_s)
        for (earlier_s, before), (at_s, later) in combinations(points, 2)
        if at_s > earlier_s
    ]
    return statistics.median(slopes) * HOUR_S if len(slopes) >= 3 else None


def thinned(samples: Samples) -> Samples:
    """Return at most ``POINTS_MAX`` of the samples, evenly chosen."""
    step = -(-len(samples) // POINTS_MAX) or 1
    return samples[::step]


@attrs.frozen
class Limit:
    """How much a figure may grow in an hour."""

    per_hour: float
    is_share: bool
    """Whether that is a share of the figure, instead of the figure itself."""


@attrs.frozen
class Growth:
    """What one figure did during the soak."""

    name: str
    first: float
    last: float
    highest: float
    per_hour: float | None
    share_per_hour: float | None
    """The same as a share of the first value."""

    def exceeds(self, limit: Limit) -> bool:
        """Return whether it grew by more than it may; not where that cannot be told."""
        found = self.share_per_hour if limit.is_share else self.per_hour
        return found is not None and found > limit.per_hour


def growths(figures: Mapping[str, Samples], warm_up_s: float, window_s: float) -> Iterator[Growth]:
    """Yield the growth of each figure after ``warm_up_s``."""
    for name, samples in figures.items():
        kept = floor([sample for sample in samples if sample[0] >= warm_up_s], window_s)
        if kept:
            per_hour = slope_per_hour(kept)
            share = per_hour / kept[0][1] if per_hour is not None and kept[0][1] else None
            yield Growth(name, kept[0][1], kept[-1][1], max(value for _, value in samples), per_hour, share)
