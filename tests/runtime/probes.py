"""Actors that do what a message says, for the tests of the runtime."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import attrs
import trio

from protocol.messages.ask import Ask
from runtime import Actor, ChildSpec, ChildStatus, DomainError, Exit, ExitKind, Ref, Tree

Grow = Callable[..., Awaitable[Tree]]
"""Starts a tree of specs; see ``conftest.py``."""


class Refused(DomainError):
    """What a probe refuses."""


class Say(str, Ask[str]):
    """A string that is asked, and echoed."""

    __slots__ = ()


@attrs.frozen(eq=False)
class Do(Ask[Any]):
    """Run ``fn(actor)`` in the handler and answer with what it returns."""

    fn: Callable[[Any], Awaitable[Any]]


@attrs.frozen(eq=False)
class DoTwice(Do):
    """The same, and it may be handled again after a crash."""

    idempotent: ClassVar[bool] = True


class Probe(Actor[Any]):
    """Notes every incarnation and message in ``seen``; strings and numbers are echoed."""

    def __init__(self, name: str = "probe", seen: list[Any] | None = None) -> None:
        self.name = name
        self.seen: list[Any] = [] if seen is None else seen

    async def on_start(self) -> None:
        self.seen.append(f"{self.name} starts")

    async def handle(self, message: Any) -> Any:
        if isinstance(message, Do):
            return await message.fn(self)
        if message == "crash":
            raise ValueError("as told")
        if message == "refuse":
            raise Refused("as told")
        self.seen.append(message)
        return message

    async def on_stop(self) -> None:
        self.seen.append(f"{self.name} stops")


def probe(name: str, seen: list[Any] | None = None, **spec: Any) -> ChildSpec[Any]:
    """Return the spec of a probe."""
    return ChildSpec(Ref(name), lambda: Probe(name, seen), **spec)


class Fussy(Probe):
    """Fails to start while ``fails`` has something to pop."""

    def __init__(self, name: str, seen: list[Any], fails: list[Exception]) -> None:
        super().__init__(name, seen)
        self.fails = fails

    async def on_start(self) -> None:
        if self.fails:
            self.seen.append(f"{self.name} fails")
            raise self.fails.pop(0)
        await super().on_start()


class Stubborn(Probe):
    """Stays in ``on_stop`` for ``hold_s``, also when cancelled."""

    def __init__(self, name: str, seen: list[Any], hold_s: float) -> None:
        super().__init__(name, seen)
        self.hold_s = hold_s

    async def on_stop(self) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(self.hold_s)
        await super().on_stop()


def an_exit(kind: ExitKind = ExitKind.ABNORMAL, **fields: Any) -> Exit:
    """Return an exit with plain values."""
    plain: dict[str, Any] = {"kind": kind, "reason": "test", "incarnation": 1, "started_s": 0.0, "ended_s": 0.0}
    return Exit(**(plain | fields))


def end_of(child: ChildStatus) -> Exit:
    """Return the last exit of a child that has ended at least once."""
    assert child.last_exit is not None
    return child.last_exit
