"""A supervisor: starts children in order, restarts what crashes, gives up when that does not help.

Rules kept here:

* Its own message loop never waits for a child: starts, stops and backoffs run in tasks, and their results are events.
* Restarts of a group happen one after the other and are never interleaved; an exit of an incarnation that has been
  replaced meanwhile is ignored.
* It gives up abnormally, so that a parent that lists it as transient starts it again.
"""

import contextlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Never

import trio

from runtime.messaging.exits import Exit, ExitKind, Shutdown
from runtime.messaging.ref import Ref
from runtime.policies.restart import Backoff, Decision, Intensity, Restart, RestartHistory, Verdict, judge
from runtime.policies.strategy import AutoShutdown, Strategy, affected, ends_supervisor
from runtime.supervision.actor import ParentActor
from runtime.supervision.child import Child
from runtime.supervision.children import Children
from runtime.supervision.errors import NoSuchChild, RestartIntensityExceeded, StartFailed
from runtime.supervision.management import (
    CountChildren,
    DeleteChild,
    RestartChild,
    StartChild,
    SupervisorMessage,
    TerminateChild,
    WhichChildren,
)
from runtime.supervision.spec import ChildSpec, check
from runtime.supervision.status import ChildState, ChildStatus, SupervisorStatistics


class Supervisor(ParentActor[SupervisorMessage, Child]):
    """Runs ``children`` under one strategy; raises ``ValueError`` for specs that contradict each other.

    The children start in order and stop in reverse order. Example::

        root = Supervisor(
            [ChildSpec(Ref("store"), Store), ChildSpec(Ref("writer"), Writer)],
            strategy=Strategy.REST_FOR_ONE,  # a crash of the store restarts the writer, too
            intensity=Intensity(max_restarts=3, period_s=60.0),
        )
    """

    def __init__(
        self,
        children: Sequence[ChildSpec[Never]] = (),
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: Intensity | None = None,
        backoff: Backoff | None = None,
        auto_shutdown: AutoShutdown = AutoShutdown.NEVER,
    ) -> None:
        check(tuple(children), auto_shutdown)
        self._specs = tuple(children)
        self._strategy = strategy
        self._intensity = intensity or Intensity()
        self._backoff = backoff or Backoff()
        self._auto_shutdown = auto_shutdown
        self._children = Children()
        self._history = RestartHistory()
        self._turn = trio.Lock()
        self._is_stopping = False
        self._ending: BaseException | None = None

    # --- an actor like others --------------------------------------------------------------------

    async def on_start(self) -> None:
        """Start the children, each when the one before is ready; raises ``StartFailed`` after stopping them."""
        async with self._turn_of_group():
            for spec in self._specs:
                self._children.add(self._make_child(spec))
            for child in self._children:
                try:
                    await child.start()
                    self._children.forget_skipped(child)
                except StartFailed:
                    self._is_stopping = True
                    await self._stop_children(f"{child.id} did not start")
                    raise

    async def handle(self, message: SupervisorMessage) -> object:
        """Answer the management messages."""
        match message:
            case WhichChildren():
                return self.which_children()
            case StartChild():
                self.context.reply_in_task(self._start_child, message)
            case TerminateChild(child_id):
                self.context.reply_in_task(self._terminate_child, child_id)
            case DeleteChild(child_id):
                self._children.delete(child_id)
            case CountChildren():
                return self._children.count()
            case RestartChild():
                self.context.reply_in_task(self._restart_child, message)
            case _:
                self.unhandled(message)
        return None

    async def on_stop(self) -> None:
        """Stop the children; raises the reason if it gave up."""
        self._is_stopping = True
        await self._stop_children("the supervisor stops")
        if self._ending is not None:
            raise self._ending

    def statistics(self) -> SupervisorStatistics:
        """Return the strategy and the restarts that count towards giving up."""
        return SupervisorStatistics(
            strategy=self._strategy.value,
            children=len(self._children),
            active=sum(child.is_active for child in self._children),
            recent_restarts=len(self._history.restarts),
        )

    def which_children(self) -> tuple[ChildStatus, ...]:
        """Return the children's states, in the order of their start."""
        return tuple(child.status() for child in self._children)

    @property
    def below(self) -> Sequence[Child]:
        """Return the children themselves, in the order of their start."""
        return tuple(self._children)

    # --- management ------------------------------------------------------------------------------

    async def _start_child(self, request: StartChild) -> Ref[Never]:
        self._admit(request)
        async with self._turn_of_group():
            self._admit(request)  # again: it may have had to wait
            child = self._make_child(request.spec)
            self._children.add(child)  # the place is taken from here on
            try:
                await self._start_new(child, request.tenant)
            except StartFailed:
                child.retire()
                self._children.forget(child)
                raise
        return request.spec.ref

    async def _start_new(self, child: Child, _tenant: str | None) -> None:
        await child.start()
        self._children.forget_skipped(child)

    async def _terminate_child(self, child_id: str) -> None:
        child = self._children.find(child_id)
        await child.stop("terminated")
        self._leave_or_forget(child)

    async def _restart_child(self, request: RestartChild) -> Ref[Never]:
        self._children.find_stopped(request.id, or_ready=request.stops)
        async with self._turn_of_group():
            child = self._children.find_stopped(request.id, or_ready=request.stops)  # again: it may have had to wait
            if child.is_active:
                await child.stop("restarted on request", is_final=False)
                if self._is_stopping or not child.is_wanted:
                    raise NoSuchChild(f"{request.id} was stopped for good meanwhile")
            try:
                await child.start()
            except StartFailed as error:
                if request.stops:
                    self._child_ended(child, error.exit)
                else:
                    child.retire()
                raise
        return child.spec.ref

    def _admit(self, request: StartChild) -> None:
        """Refuse a child that must not be started, before anything of it is made."""
        if self._is_stopping:
            raise NoSuchChild("the supervisor stops, so it starts no children")
        check((request.spec,), self._auto_shutdown)
        self._children.check_free(request.spec.id)

    def _make_child(self, spec: ChildSpec[Never]) -> Child:
        return Child(spec, self.context.shared, self.context.nursery, self._child_ended)

    def _leave_or_forget(self, child: Child) -> None:
        """Keep the spec of a child that ended for good, unless it cannot be started again."""
        if child.spec.restart is Restart.TEMPORARY:
            self._children.forget(child)

    async def _stop_children(self, reason: str) -> None:
        await self._children.stop_in_reverse(reason)

    # --- the end of a child ----------------------------------------------------------------------

    def _child_ended(self, child: Child, ended: Exit) -> None:
        """Decide about an end that was not ordered; called in the tick in which it happened."""
        if self._is_stopping or self.context.nursery.cancel_scope.cancel_called:
            child.retire()
            return
        if not child.is_wanted:  # a zombie has ended at last
            self._leave_or_forget(child)
            return
        if ended.kind is ExitKind.FATAL and ended.error is not None:
            self._give_up(ended.error)
            return
        decision = self._judge(child, ended)
        if decision.verdict is Verdict.RESTART:
            child.back_off(trio.current_time() + decision.delay_s)
            self.child_crashed(child.id, ended)
            self.context.nursery.start_soon(self._restart, child, child.number, decision.delay_s)
        elif decision.verdict is not Verdict.ESCALATE:
            self._end_for_good(child)

    def _judge(self, child: Child, ended: Exit) -> Decision:
        """Decide, remember, and give up if that is the decision."""
        decision = judge(
            child.spec.restart,
            ended,
            history=self._history,
            consecutive=child.consecutive,
            intensity=self._intensity,
            backoff=self._backoff,
            rng=self.context.shared.rng,
        )
        self._history, child.consecutive = decision.history, decision.consecutive
        if decision.verdict is Verdict.ESCALATE:
            self._give_up(RestartIntensityExceeded(child.id, decision.why, decision.history.restarts, ended))
        return decision

    def _end_for_good(self, child: Child) -> None:
        child.retire()
        self._leave_or_forget(child)
        others = (other.is_active for other in self._children if other is not child and other.spec.significant)
        if child.spec.significant and ends_supervisor(self._auto_shutdown, others):
            self._give_up(Shutdown(f"{child.id} has ended"))

    def _give_up(self, why: BaseException) -> None:
        """End this supervisor with ``why``, after an orderly stop of the children."""
        if self._ending is None:
            self._ending = why
            self._is_stopping = True
            self.context.stop(str(why))

    # --- restarts --------------------------------------------------------------------------------

    async def _restart(self, crashed: Child, number: int, delay_s: float) -> None:
        """Restart ``crashed`` and the siblings that the strategy names, as often as the limits allow."""
        async with self._turn_of_group():
            if crashed.number != number or crashed.state is not ChildState.BACKOFF:
                return  # replaced or terminated while this waited
            group = self._children.affected(self._strategy, crashed)
            while group and not self._is_stopping:
                group = await self._children.take_down(group)
                failed = await self._start_after(delay_s, group)
                if failed is None or failed.last_exit is None:
                    self.child_restarted()
                    return
                decision = self._judge(failed, failed.last_exit)
                if decision.verdict is not Verdict.RESTART:
                    return
                delay_s = decision.delay_s
                failed.back_off(trio.current_time() + delay_s)
                names = affected(self._strategy, [child.id for child in group], failed.id)
                group = [child for child in group if child.id in names]

    async def _start_after(self, delay_s: float, group: Sequence[Child]) -> Child | None:
        """Start ``group`` in order; return the child that failed to start, if one did."""
        until_s = trio.current_time() + delay_s
        for child in group:
            child.back_off(until_s)
        await trio.sleep_until(until_s)
        for child in group:
            if self._is_stopping:
                return None
            if child.state is not ChildState.BACKOFF:
                continue  # terminated meanwhile
            child.restarts += 1
            try:
                await child.start()
            except StartFailed as error:
                if error.exit.kind is ExitKind.SHUTDOWN:
                    continue  # terminated while it started
                return child
        return None

    def _turn_of_group(self) -> AbstractAsyncContextManager[object]:
        """One after the other where siblings go down together; independent otherwise."""
        return contextlib.nullcontext() if self._strategy is Strategy.ONE_FOR_ONE else self._turn
