"""Simulates plans and judges the runs, here or in processes of their own."""

import gc
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

import attrs

from tests.simulation import callers, faults
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
    """Simulate and judge; with more ``lines`` than usual the story is printed in any case."""
    with silent_logs():
        report = simulate(plan)
    problems = tuple(broken_claims(report))
    story = story_of(report, lines) if problems or lines > SHOWN_LINES else ""
    return Verdict(plan, report.trace.digest(), problems, struck(report), story)


def judge_in_processes(plans: Sequence[Plan], processes: int, lines: int = SHOWN_LINES) -> Iterator[Verdict]:
    """Judge plans in several processes; verdicts come in order.

    Each process has a pipe of its own and takes every ``processes``-th part. A pool would share named semaphores, which
    outlive a parent that is killed.
    """
    parts = [plans[at : at + PLANS_AT_ONCE] for at in range(0, len(plans), PLANS_AT_ONCE)]
    if processes == 1:
        for part in parts:
            yield from (judge(plan, lines) for plan in part)
        return
    context = get_context("spawn")
    started = []
    for number in range(processes):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=send_verdicts, args=(parts[number::processes], lines, sender), daemon=True)
        process.start()
        sender.close()  # the child has the only one: its end is the end of the stream
        started.append((process, receiver))
    for number in range(len(parts)):
        yield from started[number % processes][1].recv()
    for process, receiver in started:
        process.join()
        receiver.close()


def send_verdicts(parts: Sequence[Sequence[Plan]], lines: int, sender: Connection) -> None:
    """Judge parts in a process of its own, and send the verdicts of each."""
    gc.freeze()  # all the modules: the collector need not look at them after each run
    with suppress(BrokenPipeError):  # the parent has ended
        for part in parts:
            sender.send([judge(plan, lines) for plan in part])


def story_of(report: Report, lines: int) -> str:
    """Return the plan of a run and the end of its trace."""
    plan = report.plan
    head = [f"callers:\n{callers.shown(plan.callers)}", f"faults: {faults.shown(plan.faults)}"]
    head.append(f"end: {plan.end}" + ("" if plan.end == "idle" else f" at {plan.end_s}"))
    return "\n".join([*head, *report.trace.last(lines)])


@contextmanager
def silent_logs() -> Iterator[None]:
    """Keep the server quiet: writing of every crash costs more than the crash."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
