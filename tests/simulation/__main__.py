"""Runs many seeds: ``python -m tests.simulation --seeds 2000 --processes 2``, or one: ``--seed 435 --trace``.

Ends with 1 if a claim is broken, and shows the seed, the claim and the last lines of its trace.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.simulation.judging import SHOWN_LINES, Verdict, judge, judge_in_processes
from tests.simulation.kept import Kept, keep, kept_runs
from tests.simulation.world import plan_run


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Return the flags."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many, after the kept runs")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="show the whole trace of --seed")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write failing runs into failing_seeds.json")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run; return the exit status."""
    flags = parsed(argv)
    begun_s = time.perf_counter()
    count, failed = 0, []
    for verdict in verdicts(flags):
        count += 1
        show(verdict)
        if verdict.problems:
            failed.append(verdict)
    if flags.keep:
        keep([Kept(verdict.problems[0], verdict.plan) for verdict in failed])
    took_s = time.perf_counter() - begun_s
    which = "".join(f" {verdict.plan.seed}" for verdict in failed)
    sys.stdout.write(f"{count} runs in {took_s:.1f} s, {len(failed)} failed{which}\n")
    return 1 if failed else 0


def verdicts(flags: argparse.Namespace) -> Sequence[Verdict]:
    """Judge what the flags ask for."""
    if flags.seed is not None:
        return [judge(plan_run(flags.seed), lines=sys.maxsize if flags.trace else SHOWN_LINES)]
    plans = [kept.plan for kept in kept_runs()]
    plans += [plan_run(seed) for seed in range(flags.first, flags.first + flags.seeds)]
    return list(judge_in_processes(plans, flags.processes))


def show(verdict: Verdict) -> None:
    """Write what went wrong, and the story if there is one."""
    if verdict.story:
        what = "\n".join(f"  {problem}" for problem in verdict.problems) or "  all claims hold"
        sys.stdout.write(f"seed {verdict.plan.seed} ({verdict.digest})\n{what}\n{verdict.story}\n\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
