"""The cost of the runtime: ask, tell, restart, hand-over to a worker, and a worker killed during a job.

Each figure stands beside the same thing done without us, by turns in one run: bare Trio channels and nurseries, pykka
(actors on threads), trio-parallel, and ``concurrent.futures``. Read the ratio. pykka and trio-parallel are left out
unless they are installed (``pip install pykka trio-parallel``); nothing else of ours needs them.

    sayso bench runtime                       all of it, about two minutes
    sayso bench runtime --only ask,tell       some
"""

import argparse
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import attrs
import trio

from bench.part import Flag, Part, Report, some_of
from bench.report import Case, by_turns, compared, installed, show
from bench.runtime.actors import ask_cases, restart_cases, tell_cases
from bench.runtime.options import Options
from bench.runtime.workers import handover_cases, kill_cases

NOT_INSTALLED: Final = "not installed, so left out: {} (pip install {})"
Group = Callable[[Options, AsyncExitStack], Awaitable[Mapping[str, Case]]]
"""Sets its cases up; they are torn down with the stack."""


@attrs.frozen
class Comparison:
    """One group of cases."""

    title: str
    unit: str
    base: str
    set_up: Group


COMPARISONS: Final = {
    "ask": Comparison("ask and answer", "us", "trio channels", ask_cases),
    "tell": Comparison("tell, until handled", "us a message", "trio channels", tell_cases),
    "restart": Comparison("crash to ready", "us", "nursery in a loop", restart_cases),
    "handover": Comparison("1 MiB to a worker and a short answer", "us", "ProcessPoolExecutor", handover_cases),
    "kill": Comparison("kill -9 in a job to its right result", "ms", "sayso", kill_cases),
}


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Measure and print the comparisons that are wanted."""
    logging.disable(logging.CRITICAL)  # a restart is logged with its stack; a terminal's speed is not measured here
    for package in ("pykka", "trio-parallel"):
        if not installed(package):
            print(NOT_INSTALLED.format(package, package))
    sizes = Options(options.messages, options.restarts, options.jobs, options.kills, options.load_s)
    yield {"found": trio.run(_found, options.only, sizes, options.rounds)}


async def _found(names: list[str], options: Options, rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        comparison = COMPARISONS[name]
        async with AsyncExitStack() as stack:
            samples = await by_turns(await comparison.set_up(options, stack), rounds)
        rows = compared(samples, comparison.base)
        show(comparison.title, comparison.unit, rows, comparison.base)
        found[name] = {"unit": comparison.unit, "base": comparison.base, "cases": rows}
    return found


PART: Final = Part(
    "runtime",
    measure,
    (
        Flag("--only", list(COMPARISONS), "of " + ", ".join(COMPARISONS), some_of(tuple(COMPARISONS))),
        Flag("--rounds", 7),
        Flag("--messages", 5_000, "asks or tells a round"),
        Flag("--restarts", 200, "a round"),
        Flag("--jobs", 100, "hand-overs a round"),
        Flag("--kills", 1, "a round"),
        Flag("--load-s", 1.0, "how long a worker loads its model"),
    ),
    ("trio", "pykka", "trio-parallel"),
)
