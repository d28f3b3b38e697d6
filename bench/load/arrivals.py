"""Arrival times of callers: open-loop, so that a slow server does not slow the callers down."""

import random


def poisson(rate_per_s: float, duration_s: float, rng: random.Random) -> list[float]:
    """Return arrival times, in seconds from 0 on, of a Poisson process whose number of arrivals is the expected one.

    Given their number they are independent and evenly distributed. It is given so that a few seconds of a rate are that
    rate, not a third more. Raises ``ValueError`` for a rate <= 0.
    """
    if rate_per_s <= 0:
        raise ValueError(f"rate_per_s must be > 0, not {rate_per_s}")
    return sorted(rng.uniform(0.0, duration_s) for _ in range(max(1, round(rate_per_s * duration_s))))


def burst(count: int, duration_s: float) -> list[float]:
    """Return ``count`` arrival times, evenly spread over ``duration_s``."""
    return [duration_s * number / count for number in range(count)]
