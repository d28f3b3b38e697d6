"""One incarnation of an actor: made, started, run, stopped, and its end reported as an ``Exit``.

An orderly stop lets the current message end, then calls ``on_stop``, then cancels background tasks, all before
``stop_deadline_s``. The supervisor enforces the deadline with ``scope``, because a task cannot be trusted
to end itself.
"""

import math
from collections.abc import Awaitable, Callable
from typing import Never

import attrs
import trio

from runtime.messaging.exits import Exit, ExitKind, StartTimeout, Stuck, blamed, classify, describe
from runtime.supervision.actor import Actor, Arguments, Context, ParentActor, Shared, Skip
from runtime.supervision.loop import MessageLoop
from runtime.supervision.outcome import outcome_of
from runtime.supervision.spec import ChildSpec
from runtime.supervision.status import ChildState


@attrs.frozen(eq=False)
class Milestones:
    """The milestones of an incarnation."""

    settled: trio.Event = attrs.field(factory=trio.Event)
    """Ready, or ended without ever having been."""
    skipped: trio.Event = attrs.field(factory=trio.Event)
    """Whether its factory returned ``Skip``."""
    stopped: trio.Event = attrs.field(factory=trio.Event)
    """``on_stop`` is over."""
    ended: trio.Event = attrs.field(factory=trio.Event)


class Incarnation:
    """Runs once; ``number`` counts the incarnations of one child from 1."""

    def __init__(
        self, spec: ChildSpec[Never], number: int, shared: Shared, on_change: Callable[[ChildState], None]
    ) -> None:
        self.number = number
        self.actor: Actor[Never] | None = None
        self.exit: Exit | None = None
        self.scope = trio.CancelScope()
        self.passed = Milestones()
        self.is_ordered = False
        """Whether its supervisor stops it, so that its end is expected."""
        self.ready_s: float | None = None
        self.stop_deadline_s = math.inf
        self._spec = spec
        self._shared = shared
        self._on_change = on_change
        self._loop: MessageLoop | None = None
        self._start_scope = trio.CancelScope()
        self._stop_reason: str | None = None
        self._started_s = trio.current_time()

    async def run(self) -> Exit:
        """Run from start to end, and return the exit; raises nothing."""
        error = await outcome_of(self._live)
        if self.exit is None:  # else it was given up for a zombie
            self._conclude(error)
        self.passed.stopped.set()
        self.passed.ended.set()
        self.passed.settled.set()
        return self._concluded()

    def order_stop(self, reason: str) -> None:
        """Stop for the supervisor: the exit is then ``SHUTDOWN``, even if the actor was stopping already."""
        self.is_ordered = True
        self.stop(reason)

    def give_up(self) -> None:
        """Settle a zombie's messages as if it had ended."""
        self._conclude(None if self.is_ordered else Stuck(f"does not end: {self._stop_reason}"))

    # --- called by the context -------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        """End after the current message; the first reason is kept."""
        if self._stop_reason is not None:
            return
        self._stop_reason = reason
        if not isinstance(self.actor, ParentActor):
            self.stop_deadline_s = trio.current_time() + self._spec.shutdown_s
        self._start_scope.cancel()
        self._on_change(ChildState.STOPPING)
        if self._loop is not None:
            self._loop.stop()

    def defer(self, fn: Callable[[*Arguments], Awaitable[object]], args: tuple[*Arguments]) -> None:
        """Answer the current message from a task."""
        self._running_loop().defer(fn, args)

    async def drain(self) -> None:
        """Handle the messages that are still queued."""
        await self._running_loop().drain()

    # --- its life --------------------------------------------------------------------------------

    async def _live(self) -> None:
        with self.scope:
            if self._stop_reason is not None:
                return
            actor = self._spec.factory()
            if isinstance(actor, Skip):
                self.passed.skipped.set()
                return
            self.actor = actor
            async with trio.open_nursery() as nursery:
                ref = self._spec.ref
                self._loop = MessageLoop(ref, actor.handle, nursery, self._spec.max_handler_s)
                actor.context = Context(ref, self.number, nursery, self._shared, self)
                if isinstance(actor, ParentActor):
                    nursery.start_soon(self._loop.run)
                await self._serve(actor, self._loop)
                self.passed.stopped.set()
                nursery.cancel_scope.cancel()

    async def _serve(self, actor: Actor[Never], loop: MessageLoop) -> None:
        is_parent = isinstance(actor, ParentActor)
        is_ready = await self._start(actor)
        if is_ready:
            await (loop.ended.wait() if is_parent else loop.run())
        if is_ready or is_parent:  # a parent may have children although it never became ready
            await self._stop_in_order(actor)

    async def _start(self, actor: Actor[Never]) -> bool:
        """Return whether it became ready; ``False`` if it was told to stop before."""
        if not isinstance(actor, ParentActor):
            self._start_scope.deadline = self._started_s + self._spec.start_timeout_s
        with self._start_scope:
            await actor.on_start()
        if self._start_scope.cancelled_caught:
            if self._stop_reason is None:
                raise StartTimeout(f"not ready within {self._spec.start_timeout_s:g} s")
            return False
        self.ready_s = trio.current_time()
        self.passed.settled.set()
        self._on_change(ChildState.READY)
        return True

    async def _stop_in_order(self, actor: Actor[Never]) -> None:
        with trio.CancelScope(deadline=self.stop_deadline_s):  # the supervisor that ordered the stop reports a timeout
            await actor.on_stop()

    # --- its end ---------------------------------------------------------------------------------

    def _conclude(self, error: BaseException | None) -> None:
        """Make the exit and settle the messages in flight, in one tick."""
        self.exit = self._exit_of(error)
        if self._loop is not None and self._loop.settle(self.exit):
            self.exit = attrs.evolve(self.exit, has_quarantined=True)

    def _exit_of(self, error: BaseException | None) -> Exit:
        kind = classify(error)
        if self.ready_s is None and kind in (ExitKind.ABNORMAL, ExitKind.LOST):
            kind = ExitKind.START_FAILED
        elif kind is ExitKind.NORMAL and (self.is_ordered or self._stop_reason is None):
            kind = ExitKind.SHUTDOWN  # ordered, or its scope was cancelled
        return Exit(
            kind=kind,
            reason=describe(error) if error is not None else self._stop_reason or "cancelled",
            incarnation=self.number,
            started_s=self._started_s,
            ready_s=self.ready_s,
            ended_s=trio.current_time(),
            handled=0 if self._loop is None else self._loop.handled,
            last_message_id=None if self._loop is None else self._loop.last_message_id,
            error=None if error is None else blamed(error),
        )

    def _concluded(self) -> Exit:
        if self.exit is None:
            raise RuntimeError(f"{self._spec.id} has not ended")
        return self.exit

    def _running_loop(self) -> MessageLoop:
        if self._loop is None:
            raise RuntimeError(f"{self._spec.id} has not begun")
        return self._loop
