"""A pool of worker processes: jobs in, results out, also when a process dies or hangs.

Rules kept here:

* Workers take jobs in the order in which they came; how many may wait is bounded. A job goes to a worker without one,
  else to a worker whose other job is in work; from there a worker that has nothing to do takes it back.
* A job whose worker died or hung is tried again, ``attempts`` times in all, because jobs are pure: the same bytes give
  the same result. A job that was not begun has not been tried.
* A job that has begun cannot be cancelled: if its caller has gone, its result is dropped.
* When no worker lives and none can start, or the pool stops, waiting jobs fail with the reason.
"""

import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import attrs
import trio

from runtime.messaging.pace import Pace
from runtime.policies.restart import Backoff
from runtime.workers.assignments import CREDIT, Assignment
from runtime.workers.errors import (
    JobFailed,
    JobTimeout,
    NotBegun,
    PoolUnavailable,
    SpawnRefused,
    StartFailure,
    WorkerError,
    WorkerLost,
)
from runtime.workers.frames import Frame, check
from runtime.workers.jobs import Job, ReplyT, decode_reply, encode
from runtime.workers.limits import WorkerLimits
from runtime.workers.pool_statistics import PoolStatistics
from runtime.workers.process import WorkerSpec
from runtime.workers.queue import JobQueue, QueuedJob
from runtime.workers.worker import Worker
from runtime.workers.worker_group import WorkerGroup

__all__ = [
    "JobFailed",
    "JobTimeout",
    "Pool",
    "PoolUnavailable",
    "SpawnRefused",
    "StartFailure",
    "WorkerError",
    "WorkerLimits",
    "WorkerLost",
    "WorkerSpec",
]

log = logging.getLogger("sayso.pool")
RETRY_AFTER_S = 1.0


class Pool:
    """``size`` workers made from one spec, and ``spares`` that are loaded too. ``run`` must run while it is used."""

    def __init__(
        self,
        spec: WorkerSpec,
        size: int,
        *,
        spares: int = 0,
        max_waiting: int = 64,
        limits: WorkerLimits | None = None,
        backoff: Backoff | None = None,
        rng: random.Random | None = None,
    ) -> None:
        if size < 1:
            raise ValueError(f"size must be >= 1, not {size}")
        if spares < 0:
            raise ValueError(f"spares must be >= 0, not {spares}")
        self._name = spec.name
        self._group = WorkerGroup(
            spec,
            size,
            spares,
            limits=limits or WorkerLimits(),
            backoff=backoff or Backoff(),
            rng=rng or random.Random(),
        )
        self._group.ties.on_change = self._take_change
        self._on_change: Callable[[], None] = lambda: None
        self._max_waiting = max_waiting
        self._jobs: set[QueuedJob] = set()
        self._queue = JobQueue()
        self._next_id = 0
        self._is_stopped = False
        self._nursery: trio.Nursery | None = None

    def __repr__(self) -> str:
        return f"<Pool {self._name} {self.ready} ready, {len(self._queue)} waiting>"

    @property
    def ready(self) -> int:
        """How many workers live and are loaded, spares among them."""
        return len(self._group.loaded)

    @property
    def idle(self) -> int:
        """How many workers have nothing to do, spares not counted."""
        return sum(worker.state == "ready" for worker in self._group.active)

    def statistics(self) -> PoolStatistics:
        """Return a snapshot."""
        return PoolStatistics(
            **attrs.asdict(self._group.statistics(), recurse=False),
            waiting=len(self._queue),
            queue_min_delay_s=self._queue.min_delay_s(trio.current_time()),
        )

    def set_may_recycle(self, may_recycle: Callable[[], bool]) -> None:
        """Call ``may_recycle()`` before a worker is replaced: a server under load should not load models as well."""
        self._group.ties.may_recycle = may_recycle

    def set_on_change(self, on_change: Callable[[], None]) -> None:
        """Call ``on_change()`` whenever a worker is ready or has ended, and when memory was measured."""
        self._on_change = on_change

    def set_pace(self, pace: Pace) -> None:
        """Look at idle workers as often as ``pace`` says; before ``run``."""
        self._group.ties.pace = pace

    # --- callers ---------------------------------------------------------------------------------

    async def call(
        self, job: Job[ReplyT], blob: bytes = b"", *, timeout_s: float, attempts: int = 2
    ) -> tuple[ReplyT, bytes]:
        """Return the reply to one job and its blob.

        ``timeout_s`` bounds each attempt's work, the caller's scope the whole. Raises ``JobFailed``, ``JobTimeout``,
        ``WorkerLost``, ``PoolUnavailable``; for a job that cannot be sent ``ValueError`` (``FrameError`` among them)
        or ``TypeError``; for a reply that does not fit ``ReplyError``, which is no ``WorkerError``. Example::

            spoken, pcm = await pool.call(SpeakText("hello"), timeout_s=5.0)  # pcm: s16le mono, spoken.sample_rate_hz
        """
        if len(self._queue) >= self._max_waiting:
            raise PoolUnavailable(f"{len(self._queue)} jobs wait for {self._name}", RETRY_AFTER_S)
        if self._is_hopeless:
            raise PoolUnavailable(self._why_not, RETRY_AFTER_S)
        self._next_id += 1
        frame = Frame("job", self._next_id, job.name, encode(job), blob)
        check(frame)
        queued = QueuedJob(frame, timeout_s, attempts, trio.current_time())
        self._jobs.add(queued)
        self._queue.put(queued)
        self._hand_out()
        try:
            await queued.finished.wait()
        finally:
            self._jobs.remove(queued)
            self._forget(queued)
        if isinstance(queued.answer, Frame):
            return decode_reply(job, queued.answer.body), queued.answer.blob
        raise queued.answer or AssertionError("job finished without an answer")

    def _forget(self, job: QueuedJob) -> None:
        """Remove a job whose caller has gone, unless it has begun."""
        job.is_wanted = False
        self._queue.discard(job)
        if job.take_back is not None and not job.finished.is_set():
            self._start_soon(job.take_back)

    @property
    def _is_hopeless(self) -> bool:
        return self._is_stopped or self._group.cannot_recover

    @property
    def _why_not(self) -> str:
        return self._group.trouble or f"the {self._name} workers have been stopped"

    # --- workers ---------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the workers alive until cancelled; started when the first is ready, raises its ``StartFailure``."""
        self._is_stopped = False
        try:
            async with trio.open_nursery() as self._nursery:
                await self._nursery.start(self._group.run)
                task_status.started()
        finally:
            self._is_stopped, self._nursery = True, None
            for job in self._jobs:
                job.finish(PoolUnavailable(self._why_not, RETRY_AFTER_S))

    def _take_change(self) -> None:
        self._hand_out()
        self._on_change()

    def _hand_out(self) -> None:
        """Give waiting jobs to workers with room; called whenever either may have changed."""
        now_s = trio.current_time()
        while self._queue and self._is_hopeless:
            self._queue.take(now_s).finish(PoolUnavailable(self._why_not, RETRY_AFTER_S))
        self._group.review()
        workers = self._group.active
        while self._queue and (worker := _least_busy(workers)) is not None:
            job = self._queue.take(now_s)
            assignment = worker.accept(job.frame, job.timeout_s)
            job.take_back = partial(worker.revoke, assignment)
            self._start_soon(self._do, worker, assignment, job)
        if not self._queue:
            self._share_out(sum(worker.state == "ready" for worker in workers))

    def _share_out(self, idle: int) -> None:
        """Take jobs back that other workers have not begun, one for each ``idle`` worker."""
        for worker in self._group.loaded:
            assignment = worker.assignments.find_unbegun() if idle else None
            if assignment is not None:
                assignment.is_revoked = True
                self._start_soon(worker.revoke, assignment)
                idle -= 1

    def _start_soon(self, function: Callable[..., Awaitable[None]], *args: object) -> None:
        if self._nursery is not None:
            self._nursery.start_soon(function, *args)

    async def _do(self, worker: Worker, assignment: Assignment, job: QueuedJob) -> None:
        job.attempts_left -= 1
        try:
            job.finish(await worker.do(assignment))
        except JobFailed as error:
            job.finish(error)
        except NotBegun as error:
            job.attempts_left += 1
            self._try_again(job, error)
        except (JobTimeout, WorkerLost) as error:
            self._try_again(job, error)
        job.take_back = None
        self._hand_out()

    def _try_again(self, job: QueuedJob, error: WorkerError) -> None:
        if not job.attempts_left or not job.is_wanted:
            job.finish(error)
            return
        log.info("%s; trying again", error)
        self._queue.give_back(job, trio.current_time())


def _least_busy(workers: Sequence[Worker]) -> Worker | None:
    free = [worker for worker in workers if len(worker.assignments) < CREDIT]
    return min(free, key=lambda worker: len(worker.assignments), default=None)
