"""Where the real server touches the machine, and what the simulation puts there: one seed decides everything.

Rules kept here:

* Trio runs the tasks of a batch in an order that is drawn from the seed (the same switch that Trio's own Hypothesis
  plugin uses); time is virtual and jumps.
* Random ids, jitter and the time of day come from the seed too, and threads run their function in line: a real thread
  would take real time, which virtual time cannot wait for.
* Every seam is put back at the end: the product has no hooks for this.
"""

import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar
from unittest import mock

import trio
from trio.testing import MockClock

import actors.load
import actors.metrics
import assembly.factories
import supervisor
from protocol.admission.load import MEMORY, Look, Reading

T = TypeVar("T")
EPOCH_S = 1_800_000_000.0  # some time of day
QUIET_TICK_S = 30.0  # the loop's lag is not simulated, so measuring it ten times a second is only heat


def run_seeded(seed: int, run: Callable[[], Awaitable[T]], load: Sequence[tuple[float, int]] = ()) -> T:
    """Run ``run`` in a world where ``seed`` decides what is not decided by the code, and ``load`` how busy it is."""
    with seeded_machine(seed, load):
        return trio.run(run, clock=MockClock(autojump_threshold=0))


@contextmanager
def seeded_machine(seed: int, load: Sequence[tuple[float, int]] = ()) -> Iterator[None]:
    """Replace what a run may not depend on, for the block."""
    draw = stream(seed, "machine")
    trio_run = trio._core._run
    replaced: list[tuple[Any, Mapping[str, Any]]] = [
        (trio_run, {"_ALLOW_DETERMINISTIC_SCHEDULING": True, "_r": stream(seed, "schedule")}),
        (trio.to_thread, {"run_sync": run_in_line}),
        (secrets, {"token_hex": hex_from(draw), "token_urlsafe": hex_from(draw)}),
        (random, {"Random": random_from(draw)}),
        (time, {"time": wall_clock, "monotonic": virtual_time}),
        (actors.metrics, {"LAG_TICK_S": QUIET_TICK_S}),
        (actors.load, {"LAG_TICK_S": QUIET_TICK_S}),
        (assembly.factories, {"LoadSensors": partial(PlannedSensors, load), "ProcessorWaits": NoWaits}),
        (supervisor, {"arm_last_resort": ignore}),  # it ends the process
    ]
    with ExitStack() as stack:
        for module, values in replaced:
            stack.enter_context(mock.patch.multiple(module, **values))
        yield


class PlannedSensors:
    """A machine as busy as planned; takes what ``backends.load_sensors.LoadSensors`` does."""

    def __init__(self, load: Sequence[tuple[float, int]], *_args: object, **_options: object) -> None:
        self._load = load

    def look(self) -> Look:
        begun = [level for at_s, level in self._load if at_s <= virtual_time()]
        marks = [mark.high for mark in MEMORY.marks if begun and mark.level == begun[-1]]
        return Look([Reading(MEMORY, max(marks, default=0.0))])


class NoWaits:
    """A thread that never waits for a processor; takes what ``backends.machine.ProcessorWaits`` does."""

    def total_s(self) -> float:
        return 0.0


def ignore(*_args: object) -> None:
    """Do nothing."""


def stream(seed: int, name: str) -> random.Random:
    """Return randomness of its own for one purpose, so that one purpose does not shift another's."""
    return random.Random(f"{seed}:{name}")


def hex_from(draw: random.Random) -> Callable[..., str]:
    """Return what makes ids that look like the real ones."""
    return lambda nbytes=16: draw.randbytes(nbytes).hex()


def random_from(draw: random.Random) -> Callable[..., random.Random]:
    """Return what stands for the class: without a seed, one is drawn."""
    real = random.Random
    return lambda *seeds: real(*seeds) if seeds else real(draw.random())


def virtual_time() -> float:
    """Return the virtual clock, also between runs, where it is not read."""
    try:
        return trio.current_time()
    except RuntimeError:
        return 0.0


def wall_clock() -> float:
    """Return the time of day that goes with it."""
    return EPOCH_S + virtual_time()


async def run_in_line(function: Callable[..., T], *args: object, **_options: object) -> T:
    """Stand for ``trio.to_thread.run_sync``."""
    await trio.lowlevel.checkpoint()
    return function(*args)
