"""Which faults happen when: drawn from a seed, two at once now and then; pure."""

import random
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

TOUCHED: Final[Mapping[int, str]] = {
    1: "worker",
    2: "worker",
    3: "worker",
    4: "worker",
    9: "loop",
    10: "loop",
    11: "client",
    12: "client",
    19: "files",
    24: "files",
}
"""The faults that a server survives, by their number in ``bench.load.faults``, and what each one touches.

Of two at once each touches something else: both would set the same limit, or signal the same worker.
"""
PAIRED: Final = 0.4
"""Share of the times at which two come at once."""
FIRST_S: Final = 10.0
LAST_BEFORE_S: Final = 20.0
"""None begins later than that before the end, so that the server has recovered."""


@attrs.frozen
class Due:
    """One or two faults, and when they begin."""

    at_s: float
    numbers: tuple[int, ...]


def drawn(seed: int, duration_s: float, every_s: float) -> Iterator[Due]:
    """Yield the faults of a soak in order, ``every_s`` apart; the same for the same seed."""
    rng = random.Random(seed)
    at_s = min(FIRST_S, every_s)
    while at_s < duration_s - min(LAST_BEFORE_S, duration_s / 2):
        first = rng.choice(list(TOUCHED))
        others = [number for number, touched in TOUCHED.items() if touched != TOUCHED[first]]
        yield Due(at_s, (first, rng.choice(others)) if rng.random() < PAIRED else (first,))
        at_s += every_s
