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

from bench._report import heading, write
from bench.load import options as flags
from bench.load.callers import Crowds
from bench.load.capacity import FIRST_PER_S, HALVINGS, HEADING, SLOW, Load, capacity, row, search, shown
from bench.load.clips import clips
from bench.load.company import Company
from bench.load.server import poll, running, strain, watching

FACTORS: Final = (2.0, 3.0)
ROUNDS: Final = 2
GOODPUT: Final = 0.9
REFUSAL_MS: Final = 50.0
RECOVERY_S: Final = 30.0
SHORT: Final[Mapping[str, Any]] = {"step": 5.0, "duration": 12.0, "factors": (2.0,), "rounds": 1, "halvings": 1}
Row = Mapping[str, Any]


def main() -> None:
    """Measure, print tables, write bench/results/overload.json; exit with 1 where a target is missed."""
    options = _options()
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
    print("\n".join([*table(rows), *ratios]))
    report = heading(options)
    report |= {"server": SLOW, "steps": steps, "capacity_per_s": carried, "peak_per_s": peak, "overload": rows}
    write("overload", report | {"compared": ratios, "missed": missed})
    print("\n".join(["", *(f"missed: {line}" for line in missed)]) if missed else "\nall targets held")
    sys.exit(bool(missed))


def _options() -> argparse.Namespace:
    parser = flags.parser(__doc__)
    parser.add_argument("--capacity", type=float, default=0.0, help="callers a second, if it is known")
    parser.add_argument("--step", type=float, default=8.0, help="seconds of load, for each step of the search")
    parser.add_argument("--duration", type=float, default=16.0, help="seconds of too much load; a call alone takes 3")
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS, help="multiples of the capacity")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each load comes, with and without")
    parser.add_argument("--halvings", type=int, default=HALVINGS, help="of the last step of the search")
    parser.add_argument(
        "--short", action="store_true", help=", ".join(f"{key} {value}" for key, value in SHORT.items())
    )
    options = flags.parsed(parser)
    if options.rounds < 1:
        parser.error(f"--rounds must be >= 1, not {options.rounds}")
    if options.short:
        vars(options).update(SHORT)
    return options


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
        return {**SLOW, **flags.settings(self.options), "load.enabled": is_on}


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


def table(rows: Sequence[Row]) -> list[str]:
    """Return a table of all runs with the load, by factor and round."""
    first = f"{'load':>6}{'round':>7}{'controller':>12}{'good/s':>9}{'answered/s':>12}{'p95 ms':>9}{'refused':>9}"
    lines = [
        "",
        f"{first}{'refusal p50':>13}{'p95':>6}{'max level':>11}{'well after s':>14}{'restarts':>10}{'others':>8}",
    ]
    for one in sorted(rows, key=lambda one: (one["factor"], one["round"], one["controller"])):
        well = "never" if one["recovered_s"] is None else f"{one['recovered_s']:.1f}"
        after = well if one["controller"] else "-"  # no controller, no level
        is_on, refused = "on" if one["controller"] else "off", one["results"].get("refused", 0)
        first = f"{one['factor']:>5g}x{one['round'] + 1:>7}{is_on:>12}{one['goodput_per_s']:>9g}"
        refusals = f"{refused:>9}{shown(one['refusal_p50_ms']):>13}{shown(one['refusal_p95_ms']):>6}"
        last = f"{one['seen']['max_level']:>11}{after:>14}{one['seen']['restarts']:>10}{one['others']:>8.0%}"
        lines.append(f"{first}{one['answered_per_s']:>12g}{shown(one['p95_ms']):>9}{refusals}{last}")
    return lines


if __name__ == "__main__":
    main()
