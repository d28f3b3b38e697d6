"""Twice and three times what the server carries: what it still does, whom it refuses, how soon it is well again.

First the capacity is measured by rising rates, then callers come at multiples of it, once with the load controller and
once without (load.enabled=false), each time to a new server. One worker with the larger of the embedded models serves,
so that few callers are too many: what counts is the shape of the curve, not its height. Targets: goodput at least 90 %
of its peak, the accepted within the target at p95, refusals within 50 ms at p95, the load level as
it was before within 30 s (0, unless others keep the machine busy), no actor started
again. Exits with 1 where the server with the controller misses one.

    sayso bench overload           some five minutes
    sayso bench overload --short   some two, with steps of a few seconds: coarse, but the same comparison
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.load import options as flags
from bench.load.callers import Crowds
from bench.load.capacity import HEADING, Load, capacity, climb, row, shown
from bench.load.clips import clips
from bench.load.figures import heading
from bench.load.server import Server, poll, running, strain, watching

SLOW: Final = {"transcription.workers": 1, "transcription.spare_workers": 0, "transcription.model": "base"}
FIRST_PER_S: Final = 1.0
FACTORS: Final = (2.0, 3.0)
GOODPUT: Final = 0.9
REFUSAL_MS: Final = 50.0
RECOVERY_S: Final = 30.0
SHORT_S: Final = 8.0
STEADY_PER_S: Final = 0.5  # callers after the load: a server that is well serves them


def main() -> None:
    """Measure, print tables, write bench/results/overload.json; exit with 1 where a target is missed."""
    options = _options()
    made = clips(options.corpus)
    with Crowds(options.processes) as crowds:
        bench = Bench(crowds, options, Load("", made, options.duration, options.target_ms, options.seed))
        steps = bench.steps()
        carried = options.capacity or capacity(steps, options.target_ms)
        if not carried:
            sys.exit(f"not even {FIRST_PER_S:g} caller a second was served within {options.target_ms:g} ms")
        print(f"\ncapacity: {carried:g} callers/s")
        peak = max([step["goodput_per_s"] for step in steps], default=carried)
        rows = [bench.overload(carried, factor, is_on) for is_on in (True, False) for factor in options.factors]
    missed = judged(rows, max([peak, *(one["goodput_per_s"] for one in rows)]), options.target_ms)
    report = heading({name: str(value) for name, value in vars(options).items()})
    for line in compared(rows):
        print(line)
    report |= {"server": SLOW, "steps": steps, "capacity_per_s": carried, "peak_per_s": peak, "overload": rows}
    flags.write("overload", report | {"missed": missed})
    print("\n".join(["", *(f"missed: {line}" for line in missed)]) if missed else "\nall targets held")
    sys.exit(bool(missed))


def _options() -> argparse.Namespace:
    parser = flags.parser(__doc__)
    parser.add_argument("--capacity", type=float, default=0.0, help="callers a second, if it is known")
    parser.add_argument("--duration", type=float, default=25.0, help="seconds of load, for each step")
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS, help="multiples of the capacity")
    parser.add_argument("--short", action="store_true", help=f"{SHORT_S:g} s of load for each step")
    options = flags.parsed(parser)
    if options.short:
        options.duration = SHORT_S
    return options


@attrs.frozen
class Bench:
    """The measurements; each has a server of its own."""

    crowds: Crowds
    options: argparse.Namespace
    load: Load

    def steps(self) -> list[dict[str, Any]]:
        """Climb to the capacity, without the controller: it must not decide what it is judged by."""
        if self.options.capacity:
            return []
        with self._server(is_on=False) as server:
            print(HEADING)
            return climb(self.crowds, attrs.evolve(self.load, url=server.url), FIRST_PER_S)

    def overload(self, carried_per_s: float, factor: float, is_on: bool) -> dict[str, Any]:
        """Offer ``factor`` times the capacity, and return what came of it."""
        with self._server(is_on=is_on) as server, watching(server) as watch:
            load, before = attrs.evolve(self.load, url=server.url), strain(server)
            calls = self.crowds.run(load.plan(factor * carried_per_s))
            recovered_s = poll(lambda: strain(server)[0] <= before[0], RECOVERY_S)
            left = strain(server)
            after = load.measured(self.crowds.run(load.plan(STEADY_PER_S, 6.0)), 6.0)
        measured = load.measured(calls)
        print(
            f"\n{factor:g} times the capacity, controller {'on' if is_on else 'off'}", HEADING, row(measured), sep="\n"
        )
        print(f"  {watch.seen()}, level from {before} to {left} after {recovered_s} s, then p95 {after['p95_ms']} ms")
        return {"factor": factor, "controller": is_on, **measured} | {
            "seen": watch.seen(),
            "recovered_s": recovered_s,
            "level_before": before,
            "level_left": left,
            "after": after,
        }

    def _server(self, *, is_on: bool) -> AbstractContextManager[Server]:
        return running({**SLOW, **flags.settings(self.options), "load.enabled": is_on})


def compared(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table of what the controller makes of each factor."""
    lines = [
        "",
        f"{'load':>6}{'controller':>12}{'good/s':>9}{'p95 ms':>9}{'refused':>9}{'refusal p95':>13}{'well after s':>14}",
    ]
    for one in sorted(rows, key=lambda one: (one["factor"], one["controller"])):
        after = "never" if one["recovered_s"] is None else f"{one['recovered_s']:.1f}"
        is_on, refused = "on" if one["controller"] else "off", one["results"].get("refused", 0)
        line = f"{one['factor']:>5g}x{is_on:>12}{one['goodput_per_s']:>9g}{shown(one['p95_ms']):>9}{refused:>9}"
        lines.append(f"{line}{shown(one['refusal_p95_ms']):>13}{after:>14}")
    return lines


def judged(rows: Sequence[Mapping[str, Any]], peak_per_s: float, target_ms: float) -> list[str]:
    """Return a line for every target that was missed with the controller on."""
    targets: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
        f"goodput of {GOODPUT:.0%} of the peak of {peak_per_s:g}/s": lambda one: (
            one["goodput_per_s"] >= GOODPUT * peak_per_s
        ),
        f"p95 of the accepted within {target_ms:g} ms": lambda one: (one["p95_ms"] or 0.0) <= target_ms,
        f"refusals within {REFUSAL_MS:g} ms at p95": lambda one: (one["refusal_p95_ms"] or 0.0) <= REFUSAL_MS,
        f"level as before within {RECOVERY_S:g} s": lambda one: one["recovered_s"] is not None,
        "no actor started again": lambda one: one["seen"]["restarts"] == 0,
    }
    return [
        f"at {one['factor']:g} times: {name}"
        for one in rows
        if one["controller"]
        for name, holds in targets.items()
        if not holds(one)
    ]


if __name__ == "__main__":
    main()
