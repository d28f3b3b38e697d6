"""Simulates plans and judges the runs, here or in processes of their own."""

import gc
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import chain
from multiprocessing import get_context

import attrs

from tests.simulation import clients, faults
from tests.simulation.claims import broken_claims
from tests.simulation.interleavings import struck
from tests.simulation.world import Plan, Report, simulate

SHOWN_LINES = 60
PLANS_AT_ONCE = 50


@attrs.frozen
class Verdict:
    """What came of one run."""

    plan: Plan
    digest: str
    problems: tuple[str, ...]
    struck: Counter[str]
    """How often each ingredient of an interleaving has met a turn."""
    story: str
    """The plan and the end of the trace, where something is wrong."""


def judge(plan: Plan, lines: int = SHOWN_LINES) -> Verdict:
    """Simulate and judge; with more ``lines`` than usual the story is told in any case."""
    with silent_logs():
        report = simulate(plan)
    problems = tuple(broken_claims(report))
    story = story_of(report, lines) if problems or lines > SHOWN_LINES else ""
    return Verdict(plan, report.trace.digest(), problems, struck(report), story)


def judge_all(plans: Sequence[Plan], lines: int = SHOWN_LINES) -> list[Verdict]:
    """Judge some plans, in a process of its own."""
    gc.freeze()  # all the modules: the collector need not look at them after each run
    return [judge(plan, lines) for plan in plans]


def judge_in_processes(plans: Sequence[Plan], processes: int, lines: int = SHOWN_LINES) -> Iterator[Verdict]:
    """Judge plans in several processes; verdicts come in order."""
    parts = [plans[at : at + PLANS_AT_ONCE] for at in range(0, len(plans), PLANS_AT_ONCE)]
    judge_part = partial(judge_all, lines=lines)
    if processes == 1:
        yield from chain.from_iterable(map(judge_part, parts))
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from chain.from_iterable(pool.map(judge_part, parts))


def story_of(report: Report, lines: int) -> str:
    """Return the plan of a run and the end of its trace."""
    plan = report.plan
    head = [f"callers:\n{clients.shown(plan.callers)}", f"faults: {faults.shown(plan.faults)}"]
    head.append(f"end: {plan.end}" + ("" if plan.end == "idle" else f" at {plan.end_s}"))
    return "\n".join([*head, *report.trace.last(lines)])


@contextmanager
def silent_logs() -> Iterator[None]:
    """Keep the house quiet: writing of every crash costs more than the crash."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
