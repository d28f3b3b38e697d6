"""Twice and three times the server's capacity: goodput, refusals, and the time to recover.

First the capacity is measured by rising rates and by halving the last step, without the load controller: it must not
decide what it is judged by. Then come rounds: each load once with the controller and once without (load.enabled=false),
each on a new server, in the order on, off, off, on, with the same callers at the same times. Each server first gets
what was carried: the share of it that the server without the controller serves in time now is the drift of the machine,
by which the peak is scaled that the round is judged by; beside it stands what others had of the CPUs.

One worker with the larger of the embedded models serves, so that few callers are too many: what counts is the shape of
the curve, not its height. Targets, for the middle of the rounds: goodput at least 90 % of its peak, the accepted within
the target at p95, refusals within 50 ms at p95; and in each round the load level as it was before within 30 s (0,
unless others keep the machine busy), no actor started again. Exits with 1 where the server with the controller misses
one.

    sayso bench overload           some nine minutes
    sayso bench overload --short   some two: one round of twice the capacity
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import psutil

from bench.load.callers import Crowds
from bench.load.capacity import FIRST_PER_S, HALVINGS, HEADING, SLOW, Load, capacity, row, search, shown
from bench.load.clips import clips
from bench.load.company import Company
from bench.load.options import CALLERS
from bench.load.server import poll, running, strain, watching
from bench.part import Flag, Part, Report, at_least_one
from bench.report import table

FACTORS: Final = (2.0, 3.0)
ROUNDS: Final = 2
GOODPUT: Final = 0.9
REFUSAL_MS: Final = 50.0
RECOVERY_S: Final = 30.0
SHORT: Final[Mapping[str, Any]] = {"step": 5.0, "duration": 12.0, "factors": (2.0,), "rounds": 1, "halvings": 1}
Row = Mapping[str, Any]


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Search for the capacity, offer more in rounds, and judge what came of it."""
    if options.short:
        vars(options).update(SHORT)
    made = clips(options.corpus)
    with Crowds(options.processes) as crowds:
        bench = Bench(crowds, options, Load("", made, options.step, options.target_ms, options.seed))
        steps = bench.steps()
        carried = options.capacity or capacity(steps, options.target_ms)
        if not carried:
            sys.exit(f"not even {FIRST_PER_S:g} caller a second was served within {options.target_ms:g} ms")
        print(f"\ncapacity: {carried:g} callers/s")
        runs = schedule(options.rounds, options.factors)
        rows = drifted([bench.overload(carried, number, factor, is_on=is_on) for number, factor, is_on in runs])
    peak = max([step["goodput_per_s"] for step in steps], default=carried)
    missed, ratios = judged(rows, peak, options.target_ms), compared(rows)
    table("", COLUMNS, cells(rows))
    print("\n".join(["", *ratios, *(f"missed: {line}" for line in missed or ["nothing"])]))
    report = {"server": SLOW, "steps": steps, "capacity_per_s": carried, "peak_per_s": peak, "overload": rows}
    yield report | {"compared": ratios, "missed": missed}


def schedule(rounds: int, factors: Sequence[float]) -> Iterator[tuple[int, float, bool]]:
    """Yield round, factor and whether the controller is on: on, off, off, on, so that neither is always the first."""
    for number in range(rounds):
        for factor in factors:
            for is_on in (True, False) if number % 2 == 0 else (False, True):
                yield number, factor, is_on


@attrs.frozen
class Bench:
    """The measurements; each has a server of its own."""

    crowds: Crowds
    options: argparse.Namespace
    load: Load

    def steps(self) -> list[dict[str, Any]]:
        """Search for the capacity."""
        if self.options.capacity:
            return []
        with running(self._settings(is_on=False)) as server:
            print(HEADING)
            return search(self.crowds, attrs.evolve(self.load, url=server.url), FIRST_PER_S, self.options.halvings)

    def overload(self, carried_per_s: float, number: int, factor: float, *, is_on: bool) -> dict[str, Any]:
        """Offer the capacity and then ``factor`` times as much; return the figures of both."""
        with running(self._settings(is_on=is_on)) as server, watching(server) as watch:
            before = strain(server)
            load = attrs.evolve(self.load, url=server.url)
            usual = load.measured(self.crowds.run(load.plan(carried_per_s)))
            alone = Company.now()
            again = attrs.evolve(load, seed=load.seed + number, step_s=self.options.duration)
            measured = again.measured(self.crowds.run(again.plan(factor * carried_per_s)))
            others = alone.share_until(Company.now(), psutil.cpu_count() or 1)
            recovered_s = poll(lambda: strain(server)[0] <= before[0], RECOVERY_S)
            left = strain(server)
        print(f"\nround {number + 1}, controller {'on' if is_on else 'off'}: the capacity, then {factor:g} times it")
        print(HEADING, row(usual), row(measured), sep="\n")
        print(f"  {watch.seen()}, level from {before} to {left} after {recovered_s} s", flush=True)
        return {"round": number, "factor": factor, "controller": is_on, **measured} | {
            "usual": usual,
            "others": others,
            "seen": watch.seen(),
            "recovered_s": recovered_s,
            "level_before": before,
            "level_left": left,
        }

    def _settings(self, *, is_on: bool) -> dict[str, object]:
        return {**SLOW, **dict(self.options.set), "load.enabled": is_on}


# --- judging -------------------------------------------------------------------------------------


def drifted(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows with the drift of their round: the share of the usual load that is served in time by its twin.

    The twin is the server without the controller; 1.0 where the machine is as it was for the search.
    """
    usual: dict[tuple[int, float], Row] = {_run(one): one["usual"] for one in rows if not one["controller"]}
    return [{**one, "drift": _share(usual.get(_run(one)) or one["usual"])} for one in rows]


def _run(one: Row) -> tuple[int, float]:
    return one["round"], one["factor"]


def _share(usual: Row) -> float:
    return round(usual["goodput_per_s"] / usual["offered_per_s"], 2) if usual["offered_per_s"] else 0.0


def judged(rows: Sequence[Row], peak_per_s: float, target_ms: float) -> list[str]:
    """Return a line for every target that was missed with the controller on."""
    missed: list[str] = []
    for factor, own in _by_factor([one for one in rows if one["controller"]]):
        # a twin that served no caller says that the machine stood still: then its drift is ignored
        share = statistics.median(one["goodput_per_s"] / (peak_per_s * (one["drift"] or 1.0)) for one in own)
        p95_ms, refusal_ms = (statistics.median(one[key] or 0.0 for one in own) for key in ("p95_ms", "refusal_p95_ms"))
        targets = {
            f"goodput {share:.0%} of the peak of {peak_per_s:g}/s, not {GOODPUT:.0%}": share >= GOODPUT,
            f"p95 of the accepted {p95_ms:.0f} ms, not {target_ms:g}": p95_ms <= target_ms,
            f"refusals within {refusal_ms:.0f} ms at p95, not {REFUSAL_MS:g}": refusal_ms <= REFUSAL_MS,
            f"level not as before within {RECOVERY_S:g} s": all(one["recovered_s"] is not None for one in own),
            "actors started again": all(one["seen"]["restarts"] == 0 for one in own),
        }
        missed += [f"at {factor:g} times: {name}" for name, holds in targets.items() if not holds]
    return missed


def compared(rows: Sequence[Row]) -> list[str]:
    """Return a line for each factor: the controller's effect on goodput and answers, round by round."""
    lines: list[str] = []
    for factor, own in _by_factor(rows):
        off = {one["round"]: one for one in own if not one["controller"]}
        pairs = [(one, off[one["round"]]) for one in own if one["controller"] and one["round"] in off]
        shown_ratios = [
            f"{name} {_spread([on[key] / twin[key] for on, twin in pairs if twin[key]])}"
            for name, key in (("goodput", "goodput_per_s"), ("answered", "answered_per_s"))
        ]
        drift, others = (_spread([one[key] for one in own]) for key in ("drift", "others"))
        lines.append(f"{factor:g}x, on/off: {', '.join(shown_ratios)}; drift {drift}, CPUs taken by others {others}")
    return lines


def _by_factor(rows: Sequence[Row]) -> Iterator[tuple[float, list[Row]]]:
    for factor in sorted({one["factor"] for one in rows}):
        yield factor, [one for one in rows if one["factor"] == factor]


def _spread(values: Sequence[float]) -> str:
    """Return the median with the lowest and the highest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})" if values else "-"


COLUMNS: Final = (
    *("round", "controller", "good/s", "answered/s", "p95 ms", "refused", "refusal p50", "p95"),
    *("max level", "well after s", "restarts", "others"),
)


def cells(rows: Sequence[Row]) -> list[list[str]]:
    """Return a row for each run with the load, by factor and round."""
    made: list[list[str]] = []
    for one in sorted(rows, key=lambda one: (one["factor"], one["round"], one["controller"])):
        well = "never" if one["recovered_s"] is None else f"{one['recovered_s']:.1f}"
        row = [f"{one['factor']:g}x", str(one["round"] + 1), "on" if one["controller"] else "off"]
        row += [f"{one['goodput_per_s']:g}", f"{one['answered_per_s']:g}", shown(one["p95_ms"])]
        row += [str(one["results"].get("refused", 0)), shown(one["refusal_p50_ms"]), shown(one["refusal_p95_ms"])]
        row += [str(one["seen"]["max_level"]), well if one["controller"] else "-"]  # no controller, no level
        made.append([*row, str(one["seen"]["restarts"]), f"{one['others']:.0%}"])
    return made


PART: Final = Part(
    "overload",
    measure,
    (
        *CALLERS,
        Flag("--capacity", 0.0, "callers a second, if it is known"),
        Flag("--step", 8.0, "seconds of load, for each step of the search"),
        Flag("--duration", 16.0, "seconds of too much load; a call alone takes 3"),
        Flag("--factors", FACTORS, "multiples of the capacity", float, {"nargs": "+"}),
        Flag("--rounds", ROUNDS, "how often each load comes, with and without", at_least_one),
        Flag("--halvings", HALVINGS, "of the last step of the search"),
        Flag("--short", False, ", ".join(f"{key} {value}" for key, value in SHORT.items())),
    ),
)
