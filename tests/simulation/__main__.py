"""Runs many seeds: ``python -m tests.simulation --seeds 2000 --processes 2``, or one: ``--seed 435 --trace``.

Ends with 1 if a claim is broken, and shows the seed, the claim and the last lines of its trace.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.simulation.interleavings import INGREDIENTS, plan_interleaving
from tests.simulation.judging import SHOWN_LINES, Verdict, judge_in_processes, silent_logs
from tests.simulation.kept import Kept, keep, kept_runs
from tests.simulation.replicas import broken_promises, plan_replicas, simulate_replicas
from tests.simulation.world import Plan, plan_run


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Return the flags."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many, after the kept runs")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="show the whole trace of --seed")
    parser.add_argument("--interleavings", type=int, default=0, help="how many runs in which everything happens")
    parser.add_argument("--replicas", type=int, default=0, help="how many runs of two replicas that share a store")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write failing runs into failing_seeds.json")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run; return the exit status."""
    flags = parsed(argv)
    failed = run("runs", plans(flags), flags)
    if flags.interleavings:
        seeds = range(flags.first, flags.first + flags.interleavings)
        failed += run("interleavings", [plan_interleaving(seed) for seed in seeds], flags)
    if flags.replicas and run_replicas(range(flags.first, flags.first + flags.replicas), is_told=flags.trace):
        return 1
    if flags.keep:
        keep([Kept(verdict.problems[0], verdict.plan) for verdict in failed])
    return 1 if failed else 0


def run_replicas(seeds: Sequence[int], *, is_told: bool) -> int:
    """Run worlds of two replicas; return how many broke a promise."""
    failed, moves = 0, 0
    begun_s = time.perf_counter()
    with silent_logs():
        for seed in seeds:
            world = simulate_replicas(plan_replicas(seed))
            problems = list(broken_promises(world))
            failed += bool(problems)
            moves += sum(talker.moved for talker in world.talkers)
            if problems or is_told:
                told = "\n".join([*problems, *map(str, world.plan.misfortunes), *world.trace.last(SHOWN_LINES)])
                sys.stdout.write(f"replicas, seed {seed}\n{told}\n\n")
    took_s = time.perf_counter() - begun_s
    sys.stdout.write(f"{len(seeds)} runs of two replicas in {took_s:.1f} s, {moves} returns, {failed} failed\n")
    return failed


def plans(flags: argparse.Namespace) -> list[Plan]:
    """Return what the flags ask for, the interleavings aside."""
    if flags.seed is not None:
        return [plan_run(flags.seed)]
    kept = [kept.plan for kept in kept_runs()]
    return kept + [plan_run(seed) for seed in range(flags.first, flags.first + flags.seeds)]


def run(name: str, plans: Sequence[Plan], flags: argparse.Namespace) -> list[Verdict]:
    """Judge all, show what came of them, and return those that broke a claim."""
    begun_s = time.perf_counter()
    lines = sys.maxsize if flags.trace else SHOWN_LINES
    failed, hit = [], Counter[str]()
    for verdict in judge_in_processes(plans, flags.processes, lines):
        show(verdict)
        hit.update(what for what, count in verdict.struck.items() if count)
        if verdict.problems:
            failed.append(verdict)
    which = "".join(f" {verdict.plan.seed}" for verdict in failed)
    took_s = time.perf_counter() - begun_s
    sys.stdout.write(f"{len(plans)} {name} in {took_s:.1f} s, {len(failed)} failed{which}\n")
    sys.stdout.write(f"  with {', '.join(f'{what} in {hit[what]}' for what in INGREDIENTS)}\n")
    return failed


def show(verdict: Verdict) -> None:
    """Write what went wrong, and the story if there is one."""
    if verdict.story:
        what = "\n".join(f"  {problem}" for problem in verdict.problems) or "  all claims hold"
        sys.stdout.write(f"seed {verdict.plan.seed} ({verdict.digest})\n{what}\n{verdict.story}\n\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
