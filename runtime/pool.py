"""Worker processes of one kind: jobs in, results out, whatever happens to a process.

Rules kept here:

* Workers take jobs in the order in which they came; how many may wait is bounded.
* A job whose worker died or hung is tried again, ``attempts`` times in all, because jobs are pure: the same bytes give
  the same result.
* A caller that has gone leaves its job to the worker: it cannot be cancelled, and nobody gets its result.
* The first start of a pool fails loudly; after that a worker that cannot start is tried again with backoff, and after
  some failures in a row by one worker only.
* Nobody waits for a pool without hope: when no worker lives and none can start, or the pool stops, jobs end with why.
"""

import logging
import random
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import trio

from runtime.restart import Backoff, backoff_delay_s
from runtime.worker import Ended, Worker, WorkerSpec
from runtime.worker_errors import JobFailed, JobTimeout, PoolUnavailable, StartFailure, WorkerError, WorkerLost
from runtime.worker_frames import Frame, check

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
BREAKER_STARTS = 3  # failed in a row: it is the model, not the process


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
        if not self.finished.is_set():
            self.answer = answer
            self.finished.set()


@attrs.define(eq=False)
class _Slot:
    """The place of one worker."""

    worker: Worker | None = None
    restarts: int = 0
    failures: int = 0
    """Ends in a row without a healthy time between."""
    failed_starts: int = 0
    last_exit: str | None = None

    def pause_s(self, ended: Ended, backoff: Backoff, rng: random.Random) -> float:
        """Count the end, and return how long to wait before the next start (the rules of ``runtime/restart.py``)."""
        ready_for_s = ended.ready_for_s or 0.0
        if ended.was_stopped or ready_for_s >= backoff.reset_after_s:
            self.failures = 0
        if ended.was_stopped:
            return 0.0
        self.failures += 1
        if self.failures == 1 and ready_for_s >= backoff.healthy_s:
            return 0.0
        return backoff_delay_s(self.failures, backoff, rng)


@attrs.define(eq=False)
class _Breaker:
    """After ``BREAKER_STARTS`` failed starts in a row only one worker tries, until one has been ready."""

    failed_starts: int = 0
    prober: _Slot | None = None
    recovered: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)

    async def wait_turn(self, slot: _Slot) -> None:
        while self.failed_starts >= BREAKER_STARTS and self.prober not in (None, slot):
            await self.recovered.park()
        if self.failed_starts >= BREAKER_STARTS:
            self.prober = slot

    def close(self) -> None:
        self.failed_starts, self.prober = 0, None
        self.recovered.unpark_all()


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
        self._jobs: set[_Job] = set()
        self._waiting: deque[_Job] = deque()
        self._arrived = trio.lowlevel.ParkingLot()
        self._ready = trio.Event()
        self._trouble: str | None = None
        self._next_id = 0
        self._is_stopped = False
        self._breaker = _Breaker()

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
            shown["rss_bytes"] = worker.rss_bytes()
        return shown

    # --- callers ---------------------------------------------------------------------------------

    async def wait_ready(self) -> None:
        """Wait until one worker has been ready."""
        await self._ready.wait()

    async def call(
        self, method: str, params: dict[str, Any], blob: bytes, *, timeout_s: float, attempts: int = 2
    ) -> tuple[dict[str, Any], bytes]:
        """Return data and blob of one job; ``timeout_s`` bounds each attempt, the caller's scope the whole.

        Raises ``JobFailed``, ``JobTimeout``, ``WorkerLost``, ``PoolUnavailable``; for a job that cannot be
        sent ``ValueError`` (``FrameError`` among them) or ``TypeError``.
        """
        if len(self._waiting) >= self._max_waiting:
            raise PoolUnavailable(f"{len(self._waiting)} jobs wait for {self._spec.name}", RETRY_AFTER_S)
        if self._is_hopeless:
            raise PoolUnavailable(self._why_not, RETRY_AFTER_S)
        self._next_id += 1
        frame = Frame("job", self._next_id, method, params, blob)
        check(frame)
        job = _Job(frame, timeout_s, attempts)
        self._jobs.add(job)
        self._waiting.append(job)
        self._arrived.unpark()
        try:
            await job.finished.wait()
        finally:
            job.is_wanted = False
            self._jobs.remove(job)
            if job in self._waiting:
                self._waiting.remove(job)
        if isinstance(job.answer, Frame):
            return job.answer.data, job.answer.blob
        raise job.answer or AssertionError("job finished without an answer")

    @property
    def _is_hopeless(self) -> bool:
        """Whether no worker lives, and none starts that did not fail to start before."""
        return self._is_stopped or all(slot.failed_starts for slot in self._slots)

    @property
    def _why_not(self) -> str:
        return self._trouble or f"the {self._spec.name} workers have been stopped"

    # --- workers ---------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the workers alive until cancelled; started when the first is ready, raises its ``StartFailure``."""
        self._is_stopped, self._trouble, self._breaker = False, None, _Breaker()
        for slot in self._slots:
            slot.failed_starts = 0
        try:
            async with trio.open_nursery() as nursery:
                for slot in self._slots:
                    nursery.start_soon(self._keep, slot)
                await self._ready.wait()
                task_status.started()
        finally:
            self._is_stopped = True
            self._refuse(self._jobs)
            self._waiting.clear()

    async def _keep(self, slot: _Slot) -> None:
        while True:
            await self._breaker.wait_turn(slot)
            slot.worker = worker = Worker(self._spec)
            ended = await self._live(slot, worker)
            slot.worker, slot.last_exit = None, ended.reason
            slot.restarts += 1
            if not ended.was_ready:
                self._note_failed_start(slot, ended)
            await trio.sleep(slot.pause_s(ended, self._backoff, self._rng))

    def _note_failed_start(self, slot: _Slot, ended: Ended) -> None:
        self._trouble = ended.reason
        if not self._ready.is_set():
            raise StartFailure(ended.reason)
        log.warning("%s", ended.reason)
        slot.failed_starts += 1
        self._breaker.failed_starts += 1
        if self._is_hopeless:
            self._refuse(self._waiting)

    def _note_start(self, slot: _Slot) -> None:
        self._trouble, slot.failed_starts = None, 0
        self._breaker.close()
        self._ready.set()

    def _refuse(self, jobs: Iterable[_Job]) -> None:
        for job in jobs:
            job.finish(PoolUnavailable(self._why_not, RETRY_AFTER_S))

    async def _live(self, slot: _Slot, worker: Worker) -> Ended:
        async with trio.open_nursery() as nursery:

            def begin(ready: Worker) -> None:
                self._note_start(slot)
                nursery.start_soon(self._work, ready)

            ended = await worker.run(begin)
            self._arrived.unpark_all()  # the one that hands it jobs shall see that it has ended
        return ended

    async def _work(self, worker: Worker) -> None:
        limit, jitter = self._recycle
        last_job = limit + self._rng.randint(0, jitter) if limit else 0
        while worker.state == "ready" and not (last_job and worker.jobs_done >= last_job):
            if self._waiting:
                await self._do(worker, self._waiting.popleft())
            else:
                await self._arrived.park()
        self._arrived.unpark()  # it may have been woken for a job that it does not take
        await worker.stop()

    async def _do(self, worker: Worker, job: _Job) -> None:
        job.attempts_left -= 1
        try:
            job.finish(await worker.call(job.frame, job.timeout_s))
        except (JobTimeout, WorkerLost) as error:
            self._try_again(job, error)
        except JobFailed as error:
            job.finish(error)
        except trio.Cancelled:  # the pool stops
            job.attempts_left += 1
            self._give_back(job)
            raise

    def _try_again(self, job: _Job, error: WorkerError) -> None:
        if not job.attempts_left or not job.is_wanted or self._is_hopeless:
            job.finish(error)
            return
        log.info("%s; trying again", error)
        self._give_back(job)

    def _give_back(self, job: _Job) -> None:
        self._waiting.appendleft(job)
        self._arrived.unpark()
