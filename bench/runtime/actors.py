"""What actors cost: ask, tell and restart, beside bare Trio and pykka."""

import importlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, Final, Never

import attrs
import trio

from bench.report import Case, installed
from bench.runtime.options import AT_ONCE, Options, background, timed
from protocol.messages.ask import Ask
from runtime import Actor, ChildSpec, Intensity, MailboxSpec, Overflow, Ref, Supervisor, run_tree

pykka: Any = importlib.import_module("pykka") if installed("pykka") else None

CAPACITY: Final = 64  # of each mailbox and channel
OFTEN: Final = Intensity(max_restarts=10**6, period_s=0.001)


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
    if pykka is not None:
        other = stack.enter_context(_pykka_actor())
        cases["pykka"] = partial(trio.to_thread.run_sync, partial(_ask_pykka, other, count))
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
    if pykka is not None:
        other = stack.enter_context(_pykka_actor())
        cases["pykka"] = partial(trio.to_thread.run_sync, partial(_tell_pykka, other, count))
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


def _ask_pykka(actor: Any, count: int) -> None:
    for number in range(count):
        actor.ask(number)


def _tell_pykka(actor: Any, count: int) -> None:
    for number in range(count):
        actor.tell(number)
    actor.ask(0)


@contextmanager
def _pykka_actor() -> Iterator[Any]:
    class Other(pykka.ThreadingActor):  # type: ignore[misc]  # not known to be there
        def on_receive(self, message: int) -> int:
            return message + 1

    ref = Other.start()

    class Blocking:
        tell = staticmethod(ref.tell)
        ask = staticmethod(partial(ref.ask, timeout=5))

    try:
        yield Blocking
    finally:
        ref.stop()


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
