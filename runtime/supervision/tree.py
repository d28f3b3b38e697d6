"""Runs the root supervisor, and always stops it in order.

The tree lives in a shielded scope: cancelling ``run_tree`` asks for an orderly stop instead of tearing every task at
once. That stop is bounded; tasks that do not end are reported to ``on_zombies``, which should exit the process.
"""

import logging
from collections.abc import Callable, Iterator, Mapping

import trio

from runtime.messaging.exits import ORDERLY, Exit
from runtime.messaging.lane import MailboxSpec, Overflow
from runtime.messaging.ref import Ref
from runtime.supervision.actor import Shared, Zombies
from runtime.supervision.child import Child
from runtime.supervision.errors import StartFailed
from runtime.supervision.management import SupervisorMessage
from runtime.supervision.spec import ChildSpec
from runtime.supervision.status import ChildState, ChildStatus
from runtime.supervision.supervisor import Supervisor

log = logging.getLogger("sayso.runtime")

STOP_TIMEOUT_S = 30.0  # Kubernetes grants as much before it kills


class Tree:
    """The handle of a running tree."""

    def __init__(self, supervisor: Supervisor, shared: Shared, nursery: trio.Nursery, stop_timeout_s: float) -> None:
        self.ref: Ref[SupervisorMessage] = Ref("root", MailboxSpec(overflow=Overflow.REJECT))
        self.shared = shared
        self._ended = trio.Event()
        self._stop_timeout_s = stop_timeout_s
        self._root = Child(ChildSpec(self.ref, lambda: supervisor), shared, nursery, self._root_ended)

    def __repr__(self) -> str:
        return f"<Tree {self._root.state.value}>"

    async def start(self) -> bool:
        """Start the root and thereby the tree; return whether it is ready."""
        try:
            await self._root.start()
        except StartFailed as error:
            log.critical("%s", error.exit.reason)
            return False
        except (KeyboardInterrupt, SystemExit) as error:
            if self._root.last_exit is None or self._root.last_exit.error is not error:
                raise  # the caller was cancelled; not the end of a child
            return False
        return True

    async def wait_ended(self) -> None:
        """Wait until the root has ended, by itself or stopped."""
        await self._ended.wait()

    async def stop(self, reason: str) -> None:
        """Stop in reverse order within ``stop_timeout_s``, then cancel the rest."""
        await self._root.stop(reason, patience_s=self._stop_timeout_s)
        self._ended.set()

    def status(self) -> ChildStatus:
        """Return a snapshot of the whole tree."""
        return self._root.status()

    def walk(self) -> Iterator[Child]:
        """Yield all children below the root, parents first, lazily: a caller can pause between thousands of them."""
        for child in self._root.below:
            yield from child.walk()

    def find(self, *path: str) -> Child | None:
        """Return the child with these ids from the root down; ``None`` if there is none."""
        found: Child | None = self._root
        for name in path:
            below = () if found is None else found.below
            found = next((child for child in below if child.id == name), None)
        return found

    def child_states(self) -> Mapping[str, ChildState]:
        """Return the states of the root's children."""
        return {child.id: child.state for child in self._root.below}

    def last_exit(self) -> Exit | None:
        """Return the exit of the root."""
        return self._root.last_exit

    def _root_ended(self, _: Child, ended: Exit) -> None:
        log.log(logging.INFO if ended.kind in ORDERLY else logging.CRITICAL, "the tree has ended: %s", ended.reason)
        self._root.retire()
        self._ended.set()


def _keep_waiting() -> None:
    log.critical("tasks of the tree do not end; the process has to be killed")


async def run_tree(
    supervisor: Supervisor,
    *,
    shared: Shared | None = None,
    stop_timeout_s: float = STOP_TIMEOUT_S,
    on_zombies: Callable[[], None] = _keep_waiting,
    task_status: trio.TaskStatus[Tree] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run ``supervisor`` as the root until it ends or the caller is cancelled; ``started`` with the ``Tree``.

    Raises the reason of its end: ``StartFailed``, ``RestartIntensityExceeded``, ``KeyboardInterrupt``. A task that
    resists cancellation holds this up for ever, so ``on_zombies`` is called then.
    """
    shared = shared or Shared(zombies=Zombies(on_exceeded=lambda _: on_zombies()))
    async with trio.open_nursery() as nursery:
        tree: Tree = await nursery.start(_shelter, supervisor, shared, stop_timeout_s, on_zombies)
        try:
            if await tree.start():
                task_status.started(tree)
                await tree.wait_ended()
        finally:
            with trio.CancelScope(shield=True):
                await tree.stop("the tree stops")
    ended = tree.last_exit()
    if ended is not None and ended.kind not in ORDERLY and ended.error is not None:
        raise ended.error


async def _shelter(
    supervisor: Supervisor,
    shared: Shared,
    stop_timeout_s: float,
    on_zombies: Callable[[], None],
    *,
    task_status: trio.TaskStatus[Tree],
) -> None:
    """Hold the tasks of the tree, out of reach of the caller's cancellation."""
    with trio.CancelScope(shield=True):
        async with trio.open_nursery() as nursery:
            tree = Tree(supervisor, shared, nursery, stop_timeout_s)
            task_status.started(tree)
            await tree.wait_ended()
            if tree.status().zombies:
                on_zombies()
