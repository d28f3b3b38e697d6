"""The base class of actors, and their context."""

import math
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Never, NoReturn, Protocol, TypeVar, TypeVarTuple

import attrs
import trio

from runtime.messaging.deadletters import DeadLetters
from runtime.messaging.exits import Exit
from runtime.messaging.handling import current
from runtime.messaging.pace import Pace
from runtime.messaging.ref import Ref
from runtime.supervision.status import ActorStatistics, ChildStatus, NoStatistics

ChildT_co = TypeVar("ChildT_co", covariant=True)
Message_contra = TypeVar("Message_contra", contravariant=True)
Arguments = TypeVarTuple("Arguments")


class Life(Protocol):
    """The incarnation behind a context."""

    def defer(self, fn: Callable[[*Arguments], Awaitable[object]], args: tuple[*Arguments]) -> None:
        """See ``Context.reply_in_task``."""

    def stop(self, reason: str) -> None:
        """See ``Context.stop``."""

    async def drain(self) -> None:
        """See ``Context.drain``."""


@attrs.define(eq=False)
class Zombies:
    """Counts tasks that did not end: each holds its nursery for ever, so there may only be a few."""

    limit: int = 2
    on_exceeded: Callable[[int], None] | None = None
    count: int = 0

    def add(self) -> None:
        """Count one more; past the limit call ``on_limit``, which ends the process."""
        self.count += 1
        if self.count > self.limit and self.on_exceeded is not None:
            self.on_exceeded(self.count)

    def remove(self) -> None:
        """Count one less: the task has ended after all."""
        self.count -= 1


@attrs.frozen(eq=False)
class Shared:
    """State that all actors of one tree share."""

    dead_letters: DeadLetters = attrs.field(factory=DeadLetters)
    rng: random.Random = attrs.field(factory=random.Random)
    """For the jitter of backoff."""
    zombies: Zombies = attrs.field(factory=Zombies)
    pace: Pace = attrs.field(factory=Pace.steady)
    """How often periodic work is done."""


@attrs.frozen(eq=False)
class Context(Generic[Message_contra]):
    """One incarnation's access to the runtime."""

    ref: Ref[Message_contra]
    incarnation: int
    """Counts from 1, one more for each start."""
    nursery: trio.Nursery
    """For background tasks of this incarnation: one that raises crashes the actor; cancelled at its end."""
    shared: Shared
    _life: Life = attrs.field(repr=False)

    def reply_in_task(self, fn: Callable[[*Arguments], Awaitable[object]], *args: *Arguments) -> None:
        """Inside ``handle``: let ``await fn(*args)`` answer this message from a task of its own.

        The actor handles the next message meanwhile. A ``DomainError`` goes to the asker, another exception crashes
        the actor; a linked asker that goes away cancels the task. Raises ``RuntimeError`` outside of ``handle``.
        """
        self._life.defer(fn, args)

    def stop(self, reason: str = "") -> None:
        """End this actor normally after the current message."""
        self._life.stop(reason)

    @property
    def deadline_s(self) -> float:
        """When the asker of the current message stops waiting (Trio's clock, in seconds); infinite without one."""
        handling = current()
        return math.inf if handling is None else handling.envelope.deadline_s

    async def drain(self) -> None:
        """Inside ``on_stop``: handle the messages that are still queued, because they were accepted."""
        await self._life.drain()


class Actor(Generic[Message_contra]):
    """Subclass it; one instance is one incarnation, made by the factory of its ``ChildSpec``.

    ``Actor[A | B]`` says what it handles, so that a type checker can tell which message a ``match`` has forgotten.

    An exception from any of its methods but ``DomainError`` ends the incarnation; what then is its supervisor's
    business. A message class with ``idempotent = True`` is handled a second time after a crash.
    """

    context: Context[Message_contra]

    async def on_start(self) -> None:
        """Prepare for the first message: the actor is ready when this returns."""

    async def handle(self, message: Message_contra) -> object:
        """Handle one message of either lane; the return value answers an ask."""
        raise NotImplementedError(f"{type(self).__name__} handles no {type(message).__name__}")

    def unhandled(self, message: Never) -> NoReturn:
        """Raise ``TypeError``; as ``case _`` of a ``match`` it lets a type checker prove that no message is left."""
        raise TypeError(f"{type(self).__name__} handles no {type(message).__name__}")

    async def on_stop(self) -> None:
        """Stop in order, within ``shutdown_s`` of the spec, which includes the message being handled.

        Not called after a crash, nor if ``on_start`` did not return.
        """

    def statistics(self) -> ActorStatistics:
        """Return figures for the status, cheaply and without waiting."""
        return NoStatistics()


class Skip:
    """Returned by a factory instead of an actor that is not needed, such as a disabled feature.

    The child keeps its place, stopped; a temporary one is forgotten.
    """


class ParentActor(Actor[Message_contra], Generic[Message_contra, ChildT_co]):
    """An actor with children: handles messages while it starts, and is bounded by its children's bounds."""

    def which_children(self) -> tuple[ChildStatus, ...]:
        """Return the children's states, in the order of their start."""
        raise NotImplementedError

    @property
    def below(self) -> Sequence[ChildT_co]:
        """Return the children themselves, in the order of their start."""
        raise NotImplementedError

    def child_crashed(self, child_id: str, ended: Exit) -> None:
        """Called when a child has ended that will be started again; subclasses may note it."""

    def child_restarted(self) -> None:
        """Called when a child is ready again, with the siblings that were stopped for it; subclasses may note it."""
