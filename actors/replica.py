"""The keeper of one process of a machine's replicas: a server, or the proxy before them.

Rules kept here:

* Ready is when the process takes clients. When the process ends by itself the keeper crashes, and its supervisor starts
  it again, with pauses that grow.
* A process that shall leave has time to finish what is said and answered, and is killed after that.
* No process outlives its keeper.
"""

import logging
from collections.abc import Callable

import attrs
import trio

from backends.protocols import KeptProcess
from protocol.messages.replicas import DismissReplica, ReplaceReplica, ReplicaMessage
from runtime import Actor

log = logging.getLogger("sayso.replicas")


class ReplicaEnded(Exception):
    """A process has ended although it was to run; the message has its name and exit code."""


@attrs.frozen(kw_only=True)
class ReplicaStatistics:
    """A moment's view of one process.

    * ``pid``: of the operating system; 0 while there is none
    * ``starts``: processes that were ready, of this incarnation
    """

    pid: int
    starts: int


@attrs.define(eq=False)
class _Life:
    """One process and its end."""

    process: KeptProcess
    ended: trio.Event = attrs.field(factory=trio.Event)
    is_leaving: bool = False


class Replica(Actor[ReplicaMessage]):
    """Keeps one process running."""

    def __init__(self, name: str, start: Callable[[], KeptProcess], *, leave_within_s: float) -> None:
        """``start`` starts a process; one that shall leave is killed after ``leave_within_s``."""
        self._name = name
        self._start = start
        self._leave_within_s = leave_within_s
        self._life: _Life | None = None
        self._starts = 0

    async def on_start(self) -> None:
        """Start the process, and wait until it takes clients; raises ``ReplicaEnded`` if it ends before."""
        await self._begin()

    async def handle(self, message: ReplicaMessage) -> None:
        """Replace the process, or let it leave."""
        match message:
            case ReplaceReplica():
                await self._leave()
                await self._begin()
            case DismissReplica():
                await self._leave()
            case _:
                self.unhandled(message)

    async def on_stop(self) -> None:
        """Let the process leave."""
        await self._leave()

    def statistics(self) -> ReplicaStatistics:
        """Return the process and how many there were."""
        return ReplicaStatistics(pid=0 if self._life is None else self._life.process.pid, starts=self._starts)

    async def _begin(self) -> None:
        self._life = await self.context.nursery.start(self._live)
        self._starts += 1
        log.info("%s takes clients (process %d)", self._name, self._life.process.pid)

    async def _live(self, *, task_status: trio.TaskStatus[_Life]) -> None:
        """Be with one process from its start to its end."""
        life = _Life(self._start())
        try:
            if await life.process.wait_ready():
                task_status.started(life)
            code = await life.process.wait_ended()
        finally:
            life.process.end()
            life.ended.set()
        if not life.is_leaving:
            raise ReplicaEnded(f"{self._name} has ended with exit code {code}")

    async def _leave(self) -> None:
        life = self._life
        if life is None or life.ended.is_set():
            return
        life.is_leaving = True
        life.process.leave()
        with trio.move_on_after(self._leave_within_s):
            await life.ended.wait()
            return
        log.warning("%s was told to leave %g s ago and has not: ending it", self._name, self._leave_within_s)
        life.process.end()
        await life.ended.wait()
