"""The cost of the runtime: ask, tell, restart, hand-over to a worker, and a worker killed during a job.

Each figure stands beside the same thing done without us, by turns in one run: bare Trio channels and nurseries, and
``concurrent.futures``. Read the ratio.

    sayso bench runtime                       all of it, about two minutes
    sayso bench runtime --only ask,tell       some
"""

import argparse
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Never

import attrs
import trio

from bench.part import Flag, Part, Report, some_of
from bench.report import Case, by_turns, compared, show
from bench.runtime.jobs import DieOnce, MeasureBlob, bytes_of, killed_once
from protocol.messages.ask import Ask
from runtime import Actor, Backoff, ChildSpec, Intensity, MailboxSpec, Overflow, Ref, Supervisor, run_tree
from runtime.workers.pool import Pool, WorkerSpec

MIB: Final = 1 << 20
CAPACITY: Final = 64  # of each mailbox and channel
OFTEN: Final = Intensity(max_restarts=10**6, period_s=0.001)
LIMIT_S: Final = 60.0
Group = Callable[["Options", AsyncExitStack], Awaitable[Mapping[str, Case]]]
"""Sets its cases up; they are torn down with the stack."""
AT_ONCE: Final = Backoff(base_s=1e-6, cap_s=1e-6, max_consecutive=10**9, healthy_s=0.0, min_reset_s=0.0)
"""No pause before a restart, as after the first crash of a healthy actor."""


@attrs.frozen
class Options:
    """How much is measured in a round."""

    messages: int
    restarts: int
    jobs: int
    kills: int
    load_s: float
    """How long a worker loads its model."""


async def timed(count: int, work: Callable[[], Awaitable[None]]) -> float:
    """Return the microseconds that ``work`` takes for each of its ``count`` operations."""
    start_s = time.perf_counter()
    await work()
    return 1e6 * (time.perf_counter() - start_s) / count


async def background(stack: AsyncExitStack) -> trio.Nursery:
    """Return a nursery that is cancelled when the stack is left."""
    nursery = await stack.enter_async_context(trio.open_nursery())
    stack.callback(nursery.cancel_scope.cancel)
    return nursery


# --- ask and tell --------------------------------------------------------------------------------


@attrs.frozen
class CountOn(Ask[int]):
    """Answered with the next number."""

    number: int


CountingMessage = CountOn | trio.Event


class Counting(Actor[CountingMessage]):
    """Answers a number with the next, and sets the event that it is sent."""

    async def handle(self, message: CountingMessage) -> int:
        """Answer a number, or set an event."""
        if isinstance(message, trio.Event):
            message.set()
            return 0
        return message.number + 1


@asynccontextmanager
async def growing(*specs: ChildSpec[Never]) -> AsyncIterator[None]:
    """Run a tree of ``specs``, restarted without pause."""
    async with trio.open_nursery() as nursery:
        await nursery.start(run_tree, Supervisor(specs, intensity=OFTEN, backoff=AT_ONCE))
        yield
        nursery.cancel_scope.cancel()


async def ask_cases(options: Options, stack: AsyncExitStack) -> Mapping[str, Case]:
    count = options.messages
    ref: Ref[CountingMessage] = Ref("bench", MailboxSpec(capacity=CAPACITY))
    messages = [CountOn(number) for number in range(count)]
    await stack.enter_async_context(growing(ChildSpec(ref, Counting)))
    send, receive = trio.open_memory_channel[tuple[int, list[int], trio.Event]](CAPACITY)

    async def serve() -> None:
        async for number, answer, done in receive:
            answer.append(number + 1)
            done.set()

    async def with_sayso() -> None:
        for message in messages:
            await ref.ask(message)

    async def with_channels() -> None:
        for number in range(count):
            answer: list[int] = []
            done = trio.Event()
            with trio.fail_after(5):  # an ask has a deadline, so this has one too
                await send.send((number, answer, done))
                await done.wait()

    (await background(stack)).start_soon(serve)
    cases = {"sayso": with_sayso, "trio channels": with_channels}
    return {name: partial(timed, count, work) for name, work in cases.items()}


async def tell_cases(options: Options, stack: AsyncExitStack) -> Mapping[str, Case]:
    count = options.messages
    ref: Ref[CountingMessage] = Ref("bench", MailboxSpec(capacity=CAPACITY, overflow=Overflow.BLOCK))
    messages = [CountOn(number) for number in range(count)]
    await stack.enter_async_context(growing(ChildSpec(ref, Counting)))

    async def with_sayso() -> None:
        for message in messages:
            await ref.tell(message)
        await _told(ref.tell)

    async def with_bursts() -> None:
        """Send without waiting, and let the reader run now and then."""
        for start in range(0, count, CAPACITY):
            for message in messages[start : start + CAPACITY]:
                assert ref.tell_nowait(message)
            await _told(ref.tell)

    with_channels = await _channel_that_is_told(stack, count)
    cases = {"sayso tell": with_sayso, "sayso tell_nowait": with_bursts, "trio channels": with_channels}
    return {name: partial(timed, count, work) for name, work in cases.items()}


async def _channel_that_is_told(stack: AsyncExitStack, count: int) -> Callable[[], Awaitable[None]]:
    send, receive = trio.open_memory_channel[int | trio.Event](CAPACITY)

    async def serve() -> None:
        async for message in receive:
            if isinstance(message, trio.Event):
                message.set()

    async def with_channels() -> None:
        for number in range(count):
            await send.send(number)
        await _told(send.send)

    (await background(stack)).start_soon(serve)
    return with_channels


async def _told(tell: Callable[[Any], Awaitable[None]]) -> None:
    """Wait until all messages sent before have been handled."""
    done = trio.Event()
    await tell(done)
    await done.wait()


# --- restart -------------------------------------------------------------------------------------


@attrs.define
class Crashes:
    """The time of the last crash, and an event for the start that follows."""

    began_s: float = 0.0
    started: trio.Event = attrs.field(factory=trio.Event)

    def crash(self) -> None:
        """Note the time and raise."""
        self.began_s = time.perf_counter()
        raise ZeroDivisionError("as told")

    def start(self) -> None:
        """Note that the actor has started."""
        self.started.set()

    async def measure(self, count: int, hit: Callable[[], Awaitable[object]]) -> float:
        """Return the microseconds from crash to ready."""
        total_s = 0.0
        for _ in range(count):
            self.started = trio.Event()
            await hit()
            await self.started.wait()
            total_s += time.perf_counter() - self.began_s
        return 1e6 * total_s / count


class Crashing(Actor[object]):
    """Crashes in a background task: a message that crashes twice is poison, and poison ends in giving up."""

    def __init__(self, crashes: Crashes) -> None:
        self._crashes = crashes

    async def on_start(self) -> None:
        """Note the start."""
        self._crashes.start()

    async def handle(self, _message: object) -> None:
        """Crash after the message was handled."""
        self.context.nursery.start_soon(self._crash)

    async def _crash(self) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        self._crashes.crash()


async def restart_cases(options: Options, stack: AsyncExitStack) -> Mapping[str, Case]:
    ours, bare = Crashes(), Crashes()
    ref: Ref[object] = Ref("bench")

    def make() -> Crashing:
        return Crashing(ours)

    await stack.enter_async_context(growing(ChildSpec(ref, make)))
    send, receive = trio.open_memory_channel[int](CAPACITY)

    async def live() -> None:
        bare.start()
        async with trio.open_nursery() as nursery:
            async for _ in receive:
                nursery.start_soon(crash)

    async def crash() -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        bare.crash()

    async def loop() -> None:
        while True:
            with suppress(ExceptionGroup):
                await live()

    (await background(stack)).start_soon(loop)
    return {
        "sayso": partial(ours.measure, options.restarts, partial(ref.tell, 0)),
        "nursery in a loop": partial(bare.measure, options.restarts, partial(send.send, 0)),
    }


# --- workers -------------------------------------------------------------------------------------

TARGET: Final = "bench.runtime.jobs:Worker"


async def handover_cases(options: Options, stack: AsyncExitStack) -> Mapping[str, Case]:
    count, blob = options.jobs, bytes(MIB)
    pool = await _run_pool(stack, Pool(WorkerSpec(name="bench", target=TARGET, params={"load_s": 0}), 1))
    executor = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))

    async def with_pool() -> None:
        for _ in range(count):
            measured, _ = await pool.call(MeasureBlob(), blob, timeout_s=LIMIT_S)
            assert measured.size_bytes == MIB

    async def with_executor() -> None:
        for _ in range(count):
            assert await trio.to_thread.run_sync(executor.submit(bytes_of, blob).result) == MIB

    cases = {"sayso": with_pool, "ProcessPoolExecutor": with_executor}
    for work in cases.values():
        await work()  # start the processes and warm them up
    return {name: partial(timed, count, work) for name, work in cases.items()}


async def _run_pool(stack: AsyncExitStack, pool: Pool) -> Pool:
    await (await background(stack)).start(pool.run)
    return pool


# --- kill -9 -------------------------------------------------------------------------------------


async def kill_cases(options: Options, stack: AsyncExitStack) -> Mapping[str, Case]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    spec = WorkerSpec(name="bench", target=TARGET, params={"load_s": options.load_s})
    cold = await _run_pool(stack, Pool(spec, 1, backoff=AT_ONCE))
    warm = await _run_pool(stack, Pool(spec, 1, spares=1, backoff=AT_ONCE))
    flags = (str(folder / str(number)) for number in range(10**9))

    async def with_pool(pool: Pool, ready: int) -> float:
        while pool.ready < ready:  # noqa: ASYNC110 - a pool tells of the first only
            await trio.sleep(0.01)
        survived, _ = await pool.call(DieOnce(next(flags)), timeout_s=LIMIT_S)
        return survived.killed_s

    cases: dict[str, Callable[[], Awaitable[float]]] = {
        "sayso with a spare": partial(with_pool, warm, 2),
        "sayso": partial(with_pool, cold, 1),
        "ProcessPoolExecutor, made anew": lambda: _killed_executor(options.load_s, next(flags)),
    }
    return {name: partial(_mean_ms_after, options.kills, case) for name, case in cases.items()}


def load_model(load_s: float) -> None:
    """Take as long as a model; that it is found here lets a process load this program's modules before it."""
    time.sleep(load_s)


async def _mean_ms_after(count: int, case: Callable[[], Awaitable[float]]) -> float:
    """Return the milliseconds from the kill to the right result."""
    return sum([1000 * (-(await case()) + time.monotonic()) for _ in range(count)]) / count


async def _killed_executor(load_s: float, flag: str) -> float:
    def make() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, get_context("spawn"), initializer=load_model, initargs=(load_s,))

    async def call(executor: ProcessPoolExecutor, function: Callable[..., Any], *arguments: object) -> Any:
        return await trio.to_thread.run_sync(executor.submit(function, *arguments).result)

    with make() as executor:
        await call(executor, bytes_of, b"")
        try:
            await call(executor, killed_once, flag)
        except BrokenProcessPool:
            with make() as other:
                killed_s: float = await call(other, killed_once, flag)
                # closing it is not part of the answer
                late_s = time.monotonic()
                executor.shutdown(wait=False)
    return killed_s + (time.monotonic() - late_s)


# --- all of it -----------------------------------------------------------------------------------


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
    ("trio",),
)
