"""A supervisor's view of one child: its spec, its state and its incarnations one after the other."""

import logging
import math
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Never

import trio

from runtime.messaging.exits import ORDERLY, Exit, ExitKind, leaves
from runtime.messaging.handling import WorkingOn
from runtime.supervision.actor import ParentActor, Shared
from runtime.supervision.errors import StartFailed
from runtime.supervision.incarnation import Incarnation
from runtime.supervision.outcome import statistics_of
from runtime.supervision.spec import ChildSpec
from runtime.supervision.status import ChildState, ChildStatus, NoStatistics
from runtime.workers.errors import StartFailure

log = logging.getLogger("sayso.runtime")

ZOMBIE_AFTER_S = 1.0  # from cancellation on; Trio cannot kill a task, so waiting any longer is useless
ZOMBIE_AFTER_PASSES = 100  # of the loop: an end takes one or two for each nursery, a busy loop makes few a second

_LEVELS = {ChildState.BACKOFF: logging.WARNING, ChildState.ZOMBIE: logging.ERROR}


class Child:
    """Starts and stops incarnations in ``nursery``; ``on_exit`` is called for ends that were not ordered."""

    def __init__(
        self,
        spec: ChildSpec[Never],
        shared: Shared,
        nursery: trio.Nursery,
        on_exit: Callable[["Child", Exit], None],
    ) -> None:
        self.spec = spec
        self.state = ChildState.STOPPED
        self.number = 0
        self.restarts = 0
        self.zombies = 0
        self.is_wanted = True
        """Whether it is meant to run (again)."""
        self.consecutive = 0
        self.last_exit: Exit | None = None
        self._shared = shared
        self._nursery = nursery
        self._on_exit = on_exit
        self._current: Incarnation | None = None
        self._task: trio.lowlevel.Task | None = None
        self._is_parent = False

    def __repr__(self) -> str:
        return f"<Child {self.spec.id}: {self.state.value}, incarnation {self.number}>"

    @property
    def id(self) -> str:
        """The id of its spec."""
        return self.spec.id

    @property
    def is_active(self) -> bool:
        """Whether it runs, or will again."""
        return self.state not in (ChildState.STOPPED, ChildState.SKIPPED, ChildState.ZOMBIE)

    @property
    def is_parent(self) -> bool:
        """Whether it has children itself; known after it was made."""
        return self._is_parent

    async def start(self) -> None:
        """Start the next incarnation and wait until it is ready; raises ``StartFailed``."""
        self.number += 1
        self.is_wanted = True
        self._current = incarnation = Incarnation(self.spec, self.number, self._shared, self._changed)
        self.spec.ref.open(self._shared.dead_letters)
        self._become(ChildState.STARTING)
        with WorkingOn(None):  # it outlives the message that asked for it
            self._nursery.start_soon(self._run, incarnation)
        await incarnation.passed.settled.wait()
        self._is_parent = isinstance(incarnation.actor, ParentActor)
        ended = incarnation.exit
        if incarnation.passed.skipped.is_set():
            self._become(ChildState.SKIPPED)
            self.retire()
            return
        if incarnation.ready_s is not None or ended is None:
            return
        if ended.kind is ExitKind.FATAL and ended.error is not None:
            raise ended.error
        raise StartFailed(self.id, ended) from ended.error

    async def stop(self, reason: str, *, is_final: bool = True, patience_s: float = math.inf) -> None:
        """Stop it within its bounds and ``patience_s``; after ``is_final`` no incarnation follows."""
        if is_final:
            self.is_wanted = False
            self.spec.ref.mailbox.close()
        incarnation = self._current
        if incarnation is not None:
            incarnation.order_stop(reason)
            await self._wait_ended(incarnation, patience_s)
        if self.state is ChildState.BACKOFF:
            self._become(ChildState.STOPPED)
        if is_final:
            self.retire()

    def retire(self) -> None:
        """Close the address: no incarnation follows."""
        self.is_wanted = False
        self.spec.ref.close(self.last_exit)

    def back_off(self, until_s: float) -> None:
        """Wait for the next start, and let askers know until when."""
        self.spec.ref.next_start_s = until_s
        if self.state is not ChildState.BACKOFF:
            self._become(ChildState.BACKOFF)

    @property
    def below(self) -> Sequence["Child"]:
        """Its own children; none if it is no parent."""
        actor = None if self._current is None else self._current.actor
        return actor.below if isinstance(actor, ParentActor) else ()

    def walk(self) -> Iterator["Child"]:
        """Yield itself and all below, parents first; a slow iteration sees some in a later state."""
        yield self
        for child in self.below:
            yield from child.walk()

    def status(self, *, is_deep: bool = True) -> ChildStatus:
        """Return a snapshot, of its children too if ``is_deep``."""
        actor = None if self._current is None else self._current.actor
        return ChildStatus(
            id=self.id,
            state=self.state,
            incarnation=self.number,
            restarts=self.restarts,
            zombies=self.zombies,
            last_exit=self.last_exit,
            mailbox=self.spec.ref.statistics(),
            statistics=NoStatistics() if actor is None else statistics_of(actor.statistics),
            children=tuple(child.status() for child in self.below) if is_deep else (),
        )

    # --- inside ----------------------------------------------------------------------------------

    async def _run(self, incarnation: Incarnation) -> None:
        """Run the incarnation in a wrapper task that no exception leaves."""
        self._task = trio.lowlevel.current_task()
        ended = await incarnation.run()
        if incarnation is not self._current:
            self.zombies -= 1
            self._shared.zombies.remove()
            log.warning("%s: incarnation %d, given up before, has ended", self.id, incarnation.number)
            if self.state is ChildState.ZOMBIE:
                self._become(ChildState.STOPPED)
                self._on_exit(self, ended)
            return
        self._current = None
        self.last_exit = ended
        if ended.kind not in ORDERLY:
            trace = None if is_explained(ended) else ended.error
            log.error("%s: %s: %s", self.id, ended.kind.value, ended.reason, exc_info=trace)
        self._become(ChildState.STOPPED)
        if not self.is_wanted:
            self.retire()
        if not incarnation.is_ordered and ended.ready_s is not None:
            self._on_exit(self, ended)

    def _changed(self, state: ChildState) -> None:
        """Note that the incarnation is ready, or begins to stop."""
        self._become(state)
        if state is ChildState.STOPPING and self._current is not None and not self._current.is_ordered:
            self._nursery.start_soon(self._wait_ended, self._current)

    async def _wait_ended(self, incarnation: Incarnation, patience_s: float = math.inf) -> None:
        deadline_s = min(incarnation.stop_deadline_s, trio.current_time() + patience_s)
        with trio.CancelScope(deadline=deadline_s) as scope:
            await incarnation.passed.stopped.wait()
        if scope.cancelled_caught:
            log.warning("%s: on_stop took more than %g s", self.id, self.spec.shutdown_s)
        incarnation.scope.cancel()
        with trio.move_on_after(ZOMBIE_AFTER_S):
            await incarnation.passed.ended.wait()
        await _let_run(incarnation.passed.ended)
        if incarnation is self._current and not incarnation.passed.ended.is_set():
            self._give_up(incarnation)

    def _give_up(self, incarnation: Incarnation) -> None:
        self._current = None
        self.zombies += 1
        self._shared.zombies.add()
        incarnation.give_up()
        self.last_exit = incarnation.exit
        self._become(ChildState.ZOMBIE)
        log.error("%s does not let itself be stopped and is given up; it hangs in\n%s", self.id, stack_of(self._task))
        if not incarnation.is_ordered and incarnation.exit is not None:
            self._on_exit(self, incarnation.exit)

    def _become(self, state: ChildState) -> None:
        old, self.state = self.state, state
        level = _LEVELS.get(state, logging.DEBUG)
        log.log(level, "%s: %s -> %s", self.id, old.value, state.value, extra={"incarnation": self.number})


async def _let_run(ended: trio.Event) -> None:
    """Yield until ``ended``, for a bounded number of passes of the loop, so that tasks that can run do."""
    for _ in range(ZOMBIE_AFTER_PASSES):
        if ended.is_set():
            return
        await trio.lowlevel.checkpoint()


def stack_of(task: trio.lowlevel.Task | None) -> str:
    """Return the stack of ``task`` and of the tasks in its nurseries."""
    if task is None:
        return ""
    own = traceback.StackSummary.extract(task.iter_await_frames()).format()
    below = (stack_of(inner) for nursery in task.child_nurseries for inner in nursery.child_tasks)
    return "".join((*own, *below))


def is_explained(ended: Exit) -> bool:
    """Return whether a failed start needs no traceback: the system refused something, or it was logged already."""
    if ended.ready_s is not None or ended.error is None:
        return False
    return all(isinstance(leaf, OSError | StartFailed | StartFailure) for leaf in leaves(ended.error))
