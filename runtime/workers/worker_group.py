"""The processes of a pool, kept alive: some take jobs, the spares are loaded and wait to take over.

Rules kept here:

* No worker has a fixed role: of the ready workers, those that have been ready for longest take jobs, the others
  are spares. So a spare takes over in the moment in which a worker ends, and a new process is a spare.
* The first start fails loudly; after that a worker that cannot start is tried again with backoff, and after
  ``BREAKER_STARTS`` failures in a row one worker only tries.
* A worker that is due for replacement ends when another is ready in its place, one at a time, and after its
  jobs. Without spares a process more is started for that.
* A worker above its memory cap is killed: otherwise the kernel might kill the server.
"""

import logging
import random
from collections.abc import Callable, Sequence
from typing import Literal

import attrs
import trio

from runtime.messaging.pace import SELDOM, Pace
from runtime.policies.restart import Backoff, backoff_delay_s
from runtime.workers.errors import SpawnRefused, StartFailure
from runtime.workers.limits import ProcessMemory, WorkerLimits, why_kill, why_recycle
from runtime.workers.pool_statistics import WorkerGroupStatistics, WorkerStatistics
from runtime.workers.process import WorkerSpec, read_memory
from runtime.workers.worker import ProcessEnd, Worker

log = logging.getLogger("sayso.pool")

BREAKER_STARTS = 3  # failed starts in a row: the fault is the model's, not the process's
STARTS_AT_ONCE = 2  # loading is work for processors that also serve
SAMPLE_S = 2.0  # between looks at memory while the server is used; one costs 0.3 ms a worker, in a thread


@attrs.define(eq=False)
class Slot:
    """The place of one worker."""

    worker: Worker | None = None
    restarts: int = 0
    failures: int = 0
    """Ends in a row without a healthy time between."""
    failed_starts: int = 0
    last_exit: str | None = None

    def pause_s(self, ended: ProcessEnd, backoff: Backoff, rng: random.Random) -> float:
        """Count the end, and return how long to wait before the next start (``runtime/policies/restart.py``)."""
        ready_for_s = ended.ready_for_s or 0.0
        if ended.was_stopped or ready_for_s >= backoff.reset_after_s:
            self.failures = 0
        if ended.was_stopped:
            return 0.0
        self.failures += 1
        if self.failures == 1 and ready_for_s >= backoff.healthy_s:
            return 0.0
        return backoff_delay_s(self.failures, backoff, rng)

    def statistics(self, role: Literal["active", "spare"] | None) -> WorkerStatistics:
        """Return a snapshot."""
        if self.worker is None:
            return WorkerStatistics(restarts=self.restarts, last_exit=self.last_exit, state="down", role=role)
        vitals, assignments = self.worker.vitals, self.worker.assignments
        return WorkerStatistics(
            restarts=self.restarts,
            last_exit=self.last_exit,
            state=self.worker.state,
            role=role,
            pid=self.worker.pid,
            jobs=assignments.jobs_done,
            busy_s=assignments.busy_s,
            age_s=vitals.age_s,
            pss_bytes=vitals.memory.pss_bytes,
        )


@attrs.define(eq=False)
class GroupTies:
    """What ties a worker group to the rest of the server."""

    may_recycle: Callable[[], bool] = lambda: True
    """Whether a worker may be replaced now."""
    on_change: Callable[[], None] = lambda: None
    """Called whenever a worker is ready or has ended, and when memory was measured."""
    pace: Pace = attrs.field(factory=Pace.steady)
    """How often idle workers are looked at."""


@attrs.define(eq=False)
class StartGate:
    """Limits starts: ``STARTS_AT_ONCE`` together; one after ``BREAKER_STARTS`` failures in a row, until it succeeds."""

    loading: int = 0
    failed_starts: int = 0
    prober: Slot | None = None
    changed: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)

    @property
    def is_open(self) -> bool:
        """Whether only one worker may try to start."""
        return self.failed_starts >= BREAKER_STARTS

    async def enter(self, slot: Slot) -> None:
        """Wait until ``slot`` may start; ``leave`` must follow."""
        while self.loading >= STARTS_AT_ONCE or (self.is_open and self.prober not in (None, slot)):
            await self.changed.park()
        self.loading += 1
        if self.is_open:
            self.prober = slot

    def leave(self, *, is_ready: bool) -> None:
        """Note whether a start succeeded."""
        self.loading -= 1
        self.failed_starts = 0 if is_ready else self.failed_starts + 1
        if is_ready:
            self.prober = None
        self.changed.unpark_all()


class WorkerGroup:
    """``size`` workers and ``spares`` made from one spec. ``run`` must run as long as they are used."""

    def __init__(
        self,
        spec: WorkerSpec,
        size: int,
        spares: int,
        *,
        limits: WorkerLimits,
        backoff: Backoff,
        rng: random.Random,
    ) -> None:
        self.crashes = 0
        self.trouble: str | None = None
        self.is_ready = trio.Event()
        self.ties = GroupTies()
        self._spec = attrs.evolve(spec, data_limit_bytes=spec.data_limit_bytes or limits.data_bytes)
        self._size = size
        self._spares = spares
        self._limits = limits
        self._backoff = backoff
        self._rng = rng
        self._slots = [Slot() for _ in range(size + spares)]
        self._gate = StartGate()
        self._leaving: Worker | None = None
        self._nursery: trio.Nursery

    # --- the workers -----------------------------------------------------------------------------

    @property
    def loaded(self) -> list[Worker]:
        """All workers that are ready for jobs, those ready for longest first."""
        workers = [slot.worker for slot in self._slots if slot.worker is not None]
        ready = [worker for worker in workers if worker.state in ("ready", "busy")]
        return sorted(ready, key=lambda worker: worker.ready_s or 0.0)

    @property
    def active(self) -> list[Worker]:
        """The workers that take jobs."""
        return [worker for worker in self.loaded if worker is not self._leaving][: self._size]

    @property
    def cannot_recover(self) -> bool:
        """Whether no worker lives, and every one that is starting has failed before."""
        return all(slot.failed_starts for slot in self._slots)

    def statistics(self) -> WorkerGroupStatistics:
        """Return a snapshot."""
        loaded, active = self.loaded, self.active
        return WorkerGroupStatistics(
            size=self._size,
            ready=len(loaded),
            spares=len(loaded) - len(active),
            trouble=self.trouble,
            crashes=self.crashes,
            busy_ratio=sum(worker.state == "busy" for worker in active) / self._size,
            rss_bytes=sum(worker.memory.rss_bytes for worker in loaded),
            pss_bytes=sum(worker.memory.pss_bytes for worker in loaded),
            workers=tuple(slot.statistics(self._role(slot.worker, active, loaded)) for slot in self._slots),
        )

    @staticmethod
    def _role(
        worker: Worker | None, active: Sequence[Worker], loaded: Sequence[Worker]
    ) -> Literal["active", "spare"] | None:
        if worker not in loaded:
            return None
        return "active" if worker in active else "spare"

    # --- their lives -----------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep them alive until cancelled; started when the first is ready, raises its ``StartFailure``."""
        self.is_ready, self.trouble, self._gate, self._leaving = trio.Event(), None, StartGate(), None
        self._slots = [Slot() for _ in range(self._size + self._spares)]
        async with trio.open_nursery() as self._nursery:
            for slot in self._slots:
                self._nursery.start_soon(self._keep, slot)
            self._nursery.start_soon(self._watch_memory)
            await self.is_ready.wait()
            task_status.started()

    async def _keep(self, slot: Slot) -> None:
        while slot in self._slots:
            ended = await self._live(slot)
            slot.worker, slot.last_exit = None, ended.reason
            slot.restarts += 1
            self.crashes += ended.was_crash
            if not ended.was_ready:
                self._note_failed_start(slot, ended)
            elif len(self._slots) > self._size + self._spares:
                self._slots.remove(slot)  # another has been started in its place
            self.ties.on_change()
            await trio.sleep(slot.pause_s(ended, self._backoff, self._rng))

    async def _live(self, slot: Slot) -> ProcessEnd:
        await self._gate.enter(slot)
        slot.worker = worker = Worker(self._spec, self._limits.draw_last_job(self._rng), pace=self.ties.pace)

        def begin(_: Worker) -> None:
            self._gate.leave(is_ready=True)
            self.trouble, slot.failed_starts = None, 0
            self.is_ready.set()
            self.ties.on_change()

        ended = await worker.run(begin)
        if not ended.was_ready:
            self._gate.leave(is_ready=False)
        return ended

    def _note_failed_start(self, slot: Slot, ended: ProcessEnd) -> None:
        self.trouble = ended.reason
        if not self.is_ready.is_set():
            raise SpawnRefused(ended.reason) if ended.was_refused else StartFailure(ended.reason)
        log.warning("%s", ended.reason)
        slot.failed_starts += 1

    # --- replacement -----------------------------------------------------------------------------

    def review(self) -> None:
        """Stop one worker that is due, if another is ready in its place."""
        if self._leaving is not None:
            self._let_go(self._leaving)
            return
        due = next(((worker, why) for worker in self.active if (why := why_recycle(self._limits, worker.vitals))), None)
        if due is None or not self.ties.may_recycle():
            return
        if len(self.loaded) > self._size:
            self._leaving = due[0]
            log.info("worker %s (%d) %s: it is replaced", self._spec.name, due[0].pid, due[1])
            self._let_go(due[0])
        elif len(self._slots) == self._size:  # no spares: one more, for as long as it takes
            self._slots.append(Slot())
            self._nursery.start_soon(self._keep, self._slots[-1])

    def _let_go(self, worker: Worker) -> None:
        if worker.state == "ready":
            self._nursery.start_soon(worker.stop)
        elif worker.state in ("stopping", "dead"):
            self._leaving = None

    async def _watch_memory(self) -> None:
        while True:
            try:
                workers = self.loaded
                pids = [worker.pid for worker in workers]
                measured = await trio.to_thread.run_sync(_read_all, pids, abandon_on_cancel=True)
            except RuntimeError as error:  # "can't start new thread": the next measurement may have one
                log.warning("the memory of the %s workers is not known: %s", self._spec.name, error)
            else:
                for worker, memory in zip(workers, measured, strict=True):
                    self._judge(worker, memory)
                self.ties.on_change()
            await self.ties.pace.wait(SAMPLE_S, beats=SELDOM)

    def _judge(self, worker: Worker, memory: ProcessMemory) -> None:
        worker.note_memory(memory)
        why = why_kill(self._limits, worker.vitals)
        if why and worker.state in ("ready", "busy"):
            worker.kill(why)


def _read_all(pids: Sequence[int]) -> list[ProcessMemory]:
    return [read_memory(pid) for pid in pids]
