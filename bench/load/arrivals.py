"""When callers come: open-loop, so that a slow server does not slow the callers down."""

import random


def poisson(rate_per_s: float, duration_s: float, rng: random.Random) -> list[float]:
    """Return arrival times in seconds from 0 on, with exponential gaps; raises ``ValueError`` for a rate <= 0."""
    if rate_per_s <= 0:
        raise ValueError(f"rate_per_s must be > 0, not {rate_per_s}")
    times: list[float] = []
    at_s = rng.expovariate(rate_per_s)
    while at_s < duration_s:
        times.append(at_s)
        at_s += rng.expovariate(rate_per_s)
    return times


def burst(count: int, duration_s: float) -> list[float]:
    """Return ``count`` arrival times, evenly spread over ``duration_s``."""
    return [duration_s * number / count for number in range(count)]
