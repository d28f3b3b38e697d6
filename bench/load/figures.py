"""Statistics of many calls: percentiles, goodput, counts. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.load.records import Call, Turn
from bench.report import table


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile, a value that was really measured; NaN of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def turns(calls: Sequence[Call]) -> list[Turn]:
    """Return all turns of the calls that were served."""
    return [turn for call in calls for turn in call.turns]


def transcript_ms(calls: Sequence[Call]) -> list[float]:
    """Return the time from the last voice to the transcript of every turn that got one."""
    return [turn.transcript_ms for turn in turns(calls) if turn.transcript_ms is not None]


def good_turns(calls: Sequence[Call], target_ms: float) -> int:
    """Return how many turns ended well with their transcript within the target."""
    return sum(turn.is_done and (turn.transcript_ms or math.inf) <= target_ms for turn in turns(calls))


def summary(calls: Sequence[Call], duration_s: float, target_ms: float) -> dict[str, Any]:
    """Return the figures of one period of load; rates are per second of it, times in milliseconds."""
    times, refusals = transcript_ms(calls), [call.refused_ms for call in calls if call.refused_ms is not None]
    return {
        "offered": len(calls),
        "offered_per_s": round(len(calls) / duration_s, 2),
        "results": dict(Counter(call.result for call in calls)),
        "goodput_per_s": round(good_turns(calls, target_ms) / duration_s, 2),
        "answered_per_s": round(good_turns(calls, math.inf) / duration_s, 2),
        "p50_ms": rounded(percentile(times, 50)),
        "p95_ms": rounded(percentile(times, 95)),
        "refusal_p50_ms": rounded(percentile(refusals, 50)),
        "refusal_p95_ms": rounded(percentile(refusals, 95)),
        "errors": dict(Counter(error for call in calls for error in call.errors)),
        "close_codes": {str(code): count for code, count in Counter(call.close_code for call in calls).items()},
        "caller_late_p95_ms": rounded(percentile([call.late_ms for call in calls], 95)),
    }


Stages = Mapping[str, Mapping[str, float | None]]
"""``count``, ``p50`` and ``p95`` of each."""


def stages(times_ms: Iterable[Mapping[str, float]]) -> Stages:
    """Return the figures of every stage that happened, from its times in each turn."""
    rows: dict[str, list[float]] = {}
    for one in times_ms:
        for stage, spent_ms in one.items():
            rows.setdefault(stage, []).append(spent_ms)
    return {
        stage: {"count": len(values)} | {f"p{p}": rounded(percentile(values, p)) for p in (50, 95)}
        for stage, values in rows.items()
    }


def print_stages(title: str, rows: Stages) -> None:
    """Print the figures of stages as a table."""
    table(title, ("count", "p50 ms", "p95 ms"), [[stage, *row.values()] for stage, row in rows.items()])


def rounded(value: float) -> float | None:
    """Return one decimal; None for NaN, which JSON lacks."""
    return None if math.isnan(value) else round(value, 1)
