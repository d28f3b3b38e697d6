"""Worker processes of one kind: jobs in, results out, whatever happens to a process.

Rules kept here:

* Workers take jobs in the order in which they came; how many may wait is bounded.
* A job whose worker died or hung is tried again, ``attempts`` times in all, because jobs are pure: the same bytes give
  the same result.
* A caller that has gone leaves its job to the worker: it cannot be cancelled, and nobody gets its result.
* The first start of a pool fails loudly; after that a worker that cannot start is tried again with backoff.
"""

import logging
import random
from collections import deque
from collections.abc import Mapping
from typing import Any

import attrs
import trio

from runtime.restart import Backoff, backoff_delay_s
from runtime.worker import Ended, Worker, WorkerSpec
from runtime.worker_errors import JobFailed, JobTimeout, PoolUnavailable, StartFailure, WorkerError, WorkerLost
from runtime.worker_frames import Frame

__all__ = [
    "JobFailed",
    "JobTimeout",
    "Pool",
    "PoolUnavailable",
    "StartFailure",
    "WorkerError",
    "WorkerLost",
    "WorkerSpec",
]

log = logging.getLogger("sayso.pool")
RETRY_AFTER_S = 1.0


@attrs.define(eq=False)
class _Job:
    """One job on its way."""

    frame: Frame
    timeout_s: float
    attempts_left: int
    finished: trio.Event = attrs.field(factory=trio.Event)
    answer: Frame | WorkerError | None = None
    is_wanted: bool = True

    def finish(self, answer: Frame | WorkerError) -> None:
        self.answer = answer
        self.finished.set()


@attrs.define(eq=False)
class _Slot:
    """The place of one worker."""

    worker: Worker | None = None
    restarts: int = 0
    failures: int = 0
    last_exit: str | None = None


class Pool:
    """``size`` workers made from one spec. ``run`` must run as long as it is used."""

    def __init__(
        self,
        spec: WorkerSpec,
        size: int,
        *,
        max_waiting: int = 64,
        max_jobs: int = 0,
        max_jobs_jitter: int = 0,
        backoff: Backoff | None = None,
        rng: random.Random | None = None,
    ) -> None:
        if size < 1:
            raise ValueError(f"size must be >= 1, not {size}")
        self._spec = spec
        self._slots = [_Slot() for _ in range(size)]
        self._max_waiting = max_waiting
        self._recycle = (max_jobs, max_jobs_jitter)
        self._backoff = backoff or Backoff()
        self._rng = rng or random.Random()
        self._waiting: deque[_Job] = deque()
        self._arrived = trio.lowlevel.ParkingLot()
        self._ready = trio.Event()
        self._trouble: str | None = None
        self._next_id = 0

    def __repr__(self) -> str:
        return f"<Pool {self._spec.name} {self.ready}/{len(self._slots)} ready, {len(self._waiting)} waiting>"

    @property
    def ready(self) -> int:
        """How many workers live and are loaded."""
        return sum(slot.worker is not None and slot.worker.state in ("ready", "busy") for slot in self._slots)

    @property
    def idle(self) -> int:
        """How many workers have nothing to do."""
        return sum(slot.worker is not None and slot.worker.state == "ready" for slot in self._slots)

    def statistics(self) -> Mapping[str, Any]:
        """Return a moment's view."""
        workers = [slot.worker for slot in self._slots if slot.worker is not None]
        busy = sum(worker.state == "busy" for worker in workers)
        return {
            "size": len(self._slots),
            "ready": self.ready,
            "waiting": len(self._waiting),
            "trouble": self._trouble,
            "busy_ratio": busy / len(self._slots),
            "rss_bytes": sum(worker.rss_bytes() for worker in workers),
            "workers": [self._show(slot) for slot in self._slots],
        }

    def _show(self, slot: _Slot) -> dict[str, Any]:
        shown: dict[str, Any] = {"restarts": slot.restarts, "last_exit": slot.last_exit, "state": "down"}
        if slot.worker is not None:
            worker = slot.worker
            shown |= {"pid": worker.pid, "state": worker.state, "jobs": worker.jobs_done, "busy_s": worker.busy_s}
        return shown

    # --- callers ---------------------------------------------------------------------------------

    async def wait_ready(self) -> None:
        """Wait until one worker has been ready."""
        await self._ready.wait()

    async def call(
        self, method: str, params: dict[str, Any], blob: bytes, *, timeout_s: float, attempts: int = 2
    ) -> tuple[dict[str, Any], bytes]:
        """Return data and blob of one job; ``timeout_s`` bounds each attempt, the caller's scope the whole.

        Raises ``JobFailed``, ``JobTimeout``, ``WorkerLost``, ``PoolUnavailable``.
        """
        if len(self._waiting) >= self._max_waiting:
            raise PoolUnavailable(f"{len(self._waiting)} jobs wait for {self._spec.name}", RETRY_AFTER_S)
        if not self.ready and self._trouble is not None:
            raise PoolUnavailable(self._trouble, RETRY_AFTER_S)
        self._next_id += 1
        job = _Job(Frame("job", self._next_id, method, params, blob), timeout_s, attempts)
        self._waiting.append(job)
        self._arrived.unpark()
        try:
            await job.finished.wait()
        finally:
            job.is_wanted = False
            if job in self._waiting:
                self._waiting.remove(job)
        if isinstance(job.answer, Frame):
            return job.answer.data, job.answer.blob
        raise job.answer or AssertionError("job finished without an answer")

    # --- workers ---------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the workers alive until cancelled; started when the first is ready, raises its ``StartFailure``."""
        async with trio.open_nursery() as nursery:
            for slot in self._slots:
                nursery.start_soon(self._keep, slot)
            await self._ready.wait()
            task_status.started()

    async def _keep(self, slot: _Slot) -> None:
        while True:
            slot.worker = worker = Worker(self._spec)
            ended = await self._live(worker)
            slot.worker, slot.last_exit = None, ended.reason
            slot.restarts += 1
            if not ended.was_ready:
                if not self._ready.is_set():
                    raise StartFailure(ended.reason)
                self._trouble = ended.reason
                log.warning("%s", ended.reason)
            slot.failures = 0 if worker.jobs_done else slot.failures + 1
            if slot.failures:
                await trio.sleep(backoff_delay_s(slot.failures, self._backoff, self._rng))

    async def _live(self, worker: Worker) -> Ended:
        async with trio.open_nursery() as nursery:

            def begin(ready: Worker) -> None:
                self._trouble = None
                self._ready.set()
                nursery.start_soon(self._work, ready)

            ended = await worker.run(begin)
            nursery.cancel_scope.cancel()
        if self._waiting:
            self._arrived.unpark_all()  # it may have been woken for a job that it could not take any more
        return ended

    async def _work(self, worker: Worker) -> None:
        limit, jitter = self._recycle
        last_job = limit + self._rng.randint(0, jitter) if limit else 0
        while not last_job or worker.jobs_done < last_job:
            while not self._waiting:
                await self._arrived.park()
            if worker.state != "ready":  # it died while nobody looked
                self._arrived.unpark()
                return
            await self._do(worker, self._waiting.popleft())
            if worker.state != "ready":
                return
        worker.stop()

    async def _do(self, worker: Worker, job: _Job) -> None:
        job.attempts_left -= 1
        try:
            job.finish(await worker.call(job.frame, job.timeout_s))
        except (JobTimeout, WorkerLost) as error:
            if job.attempts_left and job.is_wanted:
                log.info("%s; trying again", error)
                self._give_back(job)
            else:
                job.finish(error)
        except JobFailed as error:
            job.finish(error)
        except trio.Cancelled:  # the worker has ended under it, or the pool stops
            job.attempts_left += 1
            self._give_back(job)
            raise

    def _give_back(self, job: _Job) -> None:
        self._waiting.appendleft(job)
        self._arrived.unpark()
