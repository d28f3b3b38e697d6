"""How many callers a second a server carries: rising open-loop rates until the target breaks."""

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

GROWTH: Final = 1.5  # from step to step: the answer is known to that factor
REFUSED: Final = 0.02  # share of callers that may be refused below capacity
MAX_RATE_PER_S: Final = 60.0  # beyond that the callers themselves need a core
SETTLE_S: Final = 3.0  # between steps: the queues of one are not the load of the next


@attrs.frozen
class Load:
    """How callers come and what they want."""

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
        calls = crowds.run(load.plan(rate_per_s))
        steps.append({"rate_per_s": rate_per_s, **load.measured(calls)})
        print(row(steps[-1]), flush=True)
        if not holds(steps[-1], load.target_ms):
            break
        time.sleep(SETTLE_S)
    return steps


def holds(step: Mapping[str, Any], target_ms: float) -> bool:
    """Return whether a step is within the target, and almost everybody was served."""
    unserved = step["offered"] - step["results"].get("served", 0)
    return (step["p95_ms"] or float("inf")) <= target_ms and unserved <= REFUSED * step["offered"]


def capacity(steps: Sequence[Mapping[str, Any]], target_ms: float) -> float:
    """Return the highest offered rate that held; 0.0 where not even the first did."""
    return max((step["offered_per_s"] for step in steps if holds(step, target_ms)), default=0.0)


HEADING: Final = (
    f"{'callers/s':>10}{'offered':>9}{'served':>8}{'refused':>9}{'lost':>6}"
    f"{'good/s':>8}{'p50 ms':>8}{'p95 ms':>8}{'refusal p95':>13}"
)


def row(step: Mapping[str, Any]) -> str:
    """Return a line below ``HEADING``."""
    results = step["results"]
    return (
        f"{step['offered_per_s']:>10g}{step['offered']:>9}{results.get('served', 0):>8}{results.get('refused', 0):>9}"
        f"{results.get('lost', 0):>6}{step['goodput_per_s']:>8g}{shown(step['p50_ms']):>8}{shown(step['p95_ms']):>8}"
        f"{shown(step['refusal_p95_ms']):>13}"
    )


def shown(value: float | None) -> str:
    """Return a number without decimals, or a dash."""
    return "-" if value is None else f"{value:.0f}"
