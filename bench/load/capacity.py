"""How many callers a second a server carries: rising open-loop rates until the target breaks, then halves between."""

import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

import attrs

from bench.load.arrivals import poisson
from bench.load.callers import Crowds
from bench.load.clips import deal
from bench.load.figures import summary
from bench.load.records import Call, Clip, Plan

SLOW: Final[Mapping[str, object]] = {
    "transcription.workers": 1,
    "transcription.embedded.spare_workers": 0,
    "transcription.model": "base",
}
"""Settings of a server that few callers overload, so that the callers need little of the machine."""
FIRST_PER_S: Final = 1.0
GROWTH: Final = 1.5  # from step to step
HALVINGS: Final = 2  # of the last step afterwards: the answer is known to a factor of 1.11
REFUSED: Final = 0.02  # share of callers that may be refused below capacity
MAX_RATE_PER_S: Final = 60.0  # beyond that the callers themselves need a core
SETTLE_S: Final = 3.0  # between steps: the queues of one are not the load of the next


@attrs.frozen
class Load:
    """The callers: rate, clips and target."""

    url: str
    clips: Sequence[Clip]
    step_s: float
    target_ms: float
    """From the last voice to the transcript."""
    seed: int = 1
    turns: int = 1
    factor: float = 1.0

    def plan(self, rate_per_s: float, duration_s: float | None = None) -> Plan:
        """Return the plan of ``rate_per_s`` callers; the same for the same seed."""
        rng = random.Random(self.seed)
        arrivals = poisson(rate_per_s, duration_s or self.step_s, rng)
        return Plan(self.url, arrivals, deal(self.clips, len(arrivals), self.turns, rng), self.factor)

    def measured(self, calls: Sequence[Call], duration_s: float | None = None) -> dict[str, Any]:
        """Return the figures of calls that were made by this plan."""
        return summary(calls, duration_s or self.step_s, self.target_ms)


def rates(first_per_s: float) -> Iterator[float]:
    """Yield the rates of the ladder."""
    for step in count():
        rate_per_s = first_per_s * GROWTH**step
        if rate_per_s > MAX_RATE_PER_S:
            return
        yield round(rate_per_s, 2)


def climb(crowds: Crowds, load: Load, first_per_s: float) -> list[dict[str, Any]]:
    """Return the figures of each step up to the first that misses the target."""
    steps: list[dict[str, Any]] = []
    for rate_per_s in rates(first_per_s):
        steps.append(step(crowds, load, rate_per_s))
        if not holds(steps[-1], load.target_ms):
            break
    return steps


def search(crowds: Crowds, load: Load, first_per_s: float, halvings: int = HALVINGS) -> list[dict[str, Any]]:
    """Climb, then halve the way between the last rate that held and the first that did not; returns all steps."""
    steps = climb(crowds, load, first_per_s)
    for _ in range(halvings):
        if (rate_per_s := between(steps, load.target_ms)) is None:
            break
        steps.append(step(crowds, load, rate_per_s))
    return steps


def step(crowds: Crowds, load: Load, rate_per_s: float) -> dict[str, Any]:
    """Offer one rate, let the queues run empty, and return the figures."""
    found = {"rate_per_s": rate_per_s, **load.measured(crowds.run(load.plan(rate_per_s)))}
    print(row(found), flush=True)
    time.sleep(SETTLE_S)
    return found


def between(steps: Sequence[Mapping[str, Any]], target_ms: float) -> float | None:
    """Return the geometric middle of the highest rate that held and the lowest that did not; None if one is missing."""
    held = [one["rate_per_s"] for one in steps if holds(one, target_ms)]
    missed = [one["rate_per_s"] for one in steps if not holds(one, target_ms)]
    if not held or not missed or max(held) >= min(missed):
        return None
    return round(math.sqrt(max(held) * min(missed)), 2)


def holds(found: Mapping[str, Any], target_ms: float) -> bool:
    """Return whether a step is within the target, and almost all callers were served."""
    unserved = found["offered"] - found["results"].get("served", 0)
    return (found["p95_ms"] or float("inf")) <= target_ms and unserved <= REFUSED * found["offered"]


def capacity(steps: Sequence[Mapping[str, Any]], target_ms: float) -> float:
    """Return the highest offered rate that held; 0.0 where not even the first did."""
    return max((one["offered_per_s"] for one in steps if holds(one, target_ms)), default=0.0)


HEADING: Final = (
    f"{'callers/s':>10}{'offered':>9}{'served':>8}{'refused':>9}{'lost':>6}"
    f"{'good/s':>8}{'answered/s':>12}{'p50 ms':>8}{'p95 ms':>8}{'refusal p50':>13}{'p95':>6}"
)


def row(found: Mapping[str, Any]) -> str:
    """Return a line below ``HEADING``."""
    results = found["results"]
    return (
        f"{found['offered_per_s']:>10g}{found['offered']:>9}{results.get('served', 0):>8}{results.get('refused', 0):>9}"
        f"{results.get('lost', 0):>6}{found['goodput_per_s']:>8g}{found['answered_per_s']:>12g}"
        f"{shown(found['p50_ms']):>8}{shown(found['p95_ms']):>8}"
        f"{shown(found['refusal_p50_ms']):>13}{shown(found['refusal_p95_ms']):>6}"
    )


def shown(value: float | None) -> str:
    """Return a number without decimals, or a dash."""
    return "-" if value is None else f"{value:.0f}"
