"""The queue of one recogniser model: bounded and fair, in front of its pool of processes.

Rules kept here:

* Early and partial work, which may be for nothing, is done by idle workers only; what borrows a worker goes first under
  load.
* Background work (recordings) begins only while nothing else waits, one piece at a time, and of several workers it
  leaves one free for sessions that begin to speak.
* With an idle worker an utterance does not wait for a batch; batches form only while all workers are busy.
* Tenants take turns by seconds of audio (``runtime/policies/fair_queue.py``), and the sessions of one do, so that
  neither a long dictation nor many clients of one tenant can starve commands.
* A worker that dies or fails takes no utterance with it: the batch is sent once more, each utterance on its own, so
  that a clip that kills workers fails alone.
"""

import contextlib
import math
from collections.abc import Awaitable, Callable, Sequence

import attrs
import trio

from actors.stt.report import QueueReport
from backends.jobs import Clip, ClipTranscript, DescribeModel, ModelDescription, TranscribeClips
from backends.protocols import JobPool
from config.settings import TranscriptionSettings
from protocol.admission.capacity import Capacity
from protocol.messages.hearing import NoWords, Recognition, Transcribe, Urgency
from protocol.messages.inboxes import MetricsMessage
from protocol.messages.records import Count, Observe
from runtime import DomainError, Ref
from runtime.policies.fair_queue import FairQueue
from runtime.workers.pool import PoolUnavailable, WorkerError
from runtime.workers.pool_statistics import PoolOwnerStatistics
from runtime.workers.queue import QueueDelay

WHISPER_WINDOW_S = 30.0
JOB_BASE_SHARE = 0.3  # of the limit for the shortest job: with 15 s that is 4.5 s for work of 0.1 s
RETRY_AFTER_S = 2.0  # about the time in which a full queue of commands drains
DESCRIBE_TIMEOUT_S = 2.0
EARLY_LEVEL = 1  # of load, up to which early work is done: level 1 may be other programs' doing
PARTIAL_LEVEL = 0
LENT_LEVEL = 0  # up to which a worker is lent: what it does then is given up first


NEW = QueueReport(delay=QueueDelay(), oldest_s=None, awaited=(), capacity=Capacity(), is_started=False, ready=0, size=0)


class TranscriptionUnavailable(DomainError):
    """The utterance was not transcribed; the message says why."""

    def __init__(self, reason: str, retry_after_s: float = RETRY_AFTER_S) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


@attrs.define(eq=False)
class _Job:
    """One utterance in the queue or in work."""

    message: Transcribe
    queued_s: float
    finished: trio.Event = attrs.field(factory=trio.Event)
    answer: Recognition | NoWords | TranscriptionUnavailable | None = None


def batch_size_for(queued: int, free_workers: int, limit: int) -> int:
    """Return how many jobs the next worker should take: an even share, at most ``limit``."""
    return max(1, min(limit, math.ceil(queued / max(1, free_workers))))


def job_timeout_for(audio_s: float, limit_s: float) -> float:
    """Return how long a worker may take for ``audio_s`` seconds: all of ``limit_s`` for Whisper's 30 s, less for less.

    A frozen worker is killed at this deadline, and the job must then still be worth doing by another.
    """
    return limit_s * (JOB_BASE_SHARE + (1 - JOB_BASE_SHARE) * min(1.0, audio_s / WHISPER_WINDOW_S))


@attrs.define
class Use:
    """How a queue is used."""

    last_s: float
    """When it was last used."""
    in_work: int = 0
    """Utterances that wait or are transcribed."""
    awaited: list[str] = attrs.field(factory=list)
    """The tenant of each of them that belongs to a live session."""


@attrs.frozen(kw_only=True)
class RecogniserQueueStatistics(PoolOwnerStatistics):
    """A moment's view of one recogniser model at work.

    * ``queued``: how many utterances wait
    * ``queued_background``: how many pieces of recordings wait
    * ``queue_min_delay_s``: the shortest wait of an utterance in the last second or two, in seconds
    """

    queued: int
    queued_background: int
    queue_min_delay_s: float


class RecogniserQueue:
    """Transcribes with one model. ``run`` must run while it is used; ``stop`` ends it, and its processes with it."""

    def __init__(
        self,
        settings: TranscriptionSettings,
        pool: JobPool,
        metrics: Ref[MetricsMessage],
        *,
        workers: int,
        load_level: Callable[[], int],
        on_change: Callable[[], None],
    ) -> None:
        """Call ``on_change`` whenever there is a new ``report``."""
        self.report = NEW
        self.is_ready = trio.Event()
        self.use = Use(trio.current_time())
        self._settings = settings
        self._pool = pool
        self._metrics = metrics
        self._workers = workers
        self._load_level = load_level
        self._queue: FairQueue[_Job] = FairQueue(workers * settings.queue_per_worker)
        self._background: FairQueue[_Job] = FairQueue(workers * settings.queue_per_worker)
        self._arrived = trio.Event()
        self._free_workers = trio.Semaphore(workers)
        self._on_change = on_change
        self._scope = trio.CancelScope()
        self._nursery: trio.Nursery

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until stopped; started when one worker has decoded its warm-up utterance.

        Raises the pool's ``StartFailure``, in a group.
        """
        self._pool.set_on_change(self._publish)
        with self._scope:
            async with trio.open_nursery() as self._nursery:
                await self._nursery.start(self._pool.run)
                self._nursery.start_soon(self._dispatch)
                self.is_ready.set()
                self._publish()
                task_status.started()

    def stop(self) -> None:
        """End it; only allowed while ``use.in_work`` is 0."""
        self._scope.cancel()

    def statistics(self) -> RecogniserQueueStatistics:
        """Return the statistics of the queue and the pool."""
        return RecogniserQueueStatistics(
            queued=len(self._queue),
            queued_background=len(self._background),
            queue_min_delay_s=self.report.delay_s(trio.current_time()),
            pool=self._pool.statistics(),
        )

    @property
    def memory_bytes(self) -> int:
        """Memory of its processes, as last measured."""
        return self._pool.statistics().pss_bytes

    def _publish(self, *, delay: QueueDelay | None = None, capacity: Capacity | None = None) -> None:
        """Make a new report; called after every change of its figures."""
        ready, size = self._own_workers()
        self.report = QueueReport(
            delay=delay or self.report.delay,
            oldest_s=min((job.queued_s for job in self._queue), default=None),
            awaited=tuple(self.use.awaited),
            capacity=capacity or self.report.capacity,
            is_started=self.is_ready.is_set(),
            ready=ready,
            size=size,
        )
        self._on_change()

    def _own_workers(self) -> tuple[int, int]:
        """Return how many workers are ready and how many there should be: 0 and 0 of a remote server."""
        pool = self._pool.statistics()
        return (min(pool.size, pool.ready), pool.size) if pool.has_local_workers else (0, 0)

    async def describe(self) -> ModelDescription | None:
        """Return a worker's description of the model; ``None`` if none has the time."""
        with trio.move_on_after(DESCRIBE_TIMEOUT_S), contextlib.suppress(WorkerError):
            description, _ = await self._pool.call(DescribeModel(), timeout_s=self._settings.job_timeout_s)
            return description
        return None

    async def answer(self, message: Transcribe) -> Recognition | NoWords:
        """Transcribe one utterance; raises ``TranscriptionUnavailable``."""
        job = _Job(message, queued_s=trio.current_time())
        queue = self._background if message.urgency == "background" else self._queue
        if message.urgency in ("early", "partial") and not self._has_time_for(message.urgency):
            raise TranscriptionUnavailable(f"no worker is idle for {message.urgency} work")
        if not queue.put(message.session_id, job, cost=message.utterance.duration_s, group=message.tenant):
            raise TranscriptionUnavailable(f"{len(queue)} utterances are waiting")
        self._arrived.set()
        is_awaited = message.urgency == "final"
        self.use.in_work += 1
        if is_awaited:
            self.use.awaited.append(message.tenant)
        self._publish()
        try:
            await job.finished.wait()
        finally:
            queue.discard(message.session_id, job, group=message.tenant)
            self.use.in_work -= 1
            if is_awaited:
                self.use.awaited.remove(message.tenant)
            self.use.last_s = trio.current_time()
            self._publish()
        if isinstance(job.answer, TranscriptionUnavailable):
            raise job.answer
        if job.answer is None:
            raise AssertionError("job finished without an answer")
        return job.answer

    def _has_time_for(self, urgency: Urgency) -> bool:
        """Whether early or partial work delays no other utterance.

        Of several workers, partial work leaves one idle. An early decode is the final one if the pause lasts, as most
        do, so it saves its caller more than it costs the others until they have to wait.
        """
        is_partial = urgency == "partial"
        needed = min(2, self._workers) if is_partial else 1
        allowed_level = PARTIAL_LEVEL if is_partial else EARLY_LEVEL
        return self._load_level() <= allowed_level and not self._queue and self._free_workers.value >= needed

    def lend_worker(self, work: Callable[[JobPool], Awaitable[None]]) -> bool:
        """Let ``work`` give the pool one job at a time, if a worker is idle now; return whether it does.

        It goes on when its asker leaves, because a worker cannot be stopped within a job. It must raise nothing. A
        server elsewhere, with or without processes behind it, lends none.
        """
        is_idle = self._load_level() <= LENT_LEVEL and not self._queue and self._free_workers.value > 0
        if not is_idle or not self._pool.statistics().has_local_workers:
            return False
        self._free_workers.acquire_nowait()
        self.use.in_work += 1
        self._nursery.start_soon(self._lend, work)
        return True

    async def _lend(self, work: Callable[[JobPool], Awaitable[None]]) -> None:
        try:
            await work(self._pool)
        finally:
            self.use.in_work -= 1
            self.use.last_s = trio.current_time()
            self._free_workers.release()
            self._arrived.set()

    # --- the pool's side -------------------------------------------------------------------------

    async def _dispatch(self) -> None:
        while True:
            while not self._queue and not self._has_room_for_background(self._free_workers.value):
                self._arrived = trio.Event()
                await self._arrived.wait()
            had_to_wait = await self._acquire_worker()
            if had_to_wait and 0 < len(self._queue) < self._batch_limit():
                await trio.sleep(self._settings.batch_timeout_ms / 1000)  # all are busy: more may join the batch
            batch = self._next_batch()
            if batch:
                self._nursery.start_soon(self._run_batch, batch)
            else:
                self._free_workers.release()

    def _has_room_for_background(self, free_workers: int) -> bool:
        return bool(self._background) and not self._queue and free_workers >= min(2, self._workers)

    async def _acquire_worker(self) -> bool:
        try:
            self._free_workers.acquire_nowait()
        except trio.WouldBlock:
            await self._free_workers.acquire()
            return True
        return False

    def _next_batch(self) -> list[_Job]:
        if self._has_room_for_background(self._free_workers.value + 1):
            job = self._background.take()
            return [] if job is None else [job]
        wanted = batch_size_for(len(self._queue), self._free_workers.value + 1, self._batch_limit())
        jobs = (self._queue.take() for _ in range(wanted))
        batch = [job for job in jobs if job is not None]
        delay, now_s = self.report.delay, trio.current_time()
        for job in batch:
            delay = delay.noted(now_s - job.queued_s, now_s)
        self._publish(delay=delay)
        return batch

    def _batch_limit(self) -> int:
        return self.report.capacity.batch_limit(self._settings.batch_size)

    async def _run_batch(self, batch: list[_Job]) -> None:
        try:
            await self._transcribe(batch)
        finally:
            self._free_workers.release()
            self._arrived.set()

    async def _transcribe(self, batch: list[_Job]) -> None:
        started_s = trio.current_time()
        try:
            found = await self._call(batch, attempts=2 if len(batch) == 1 else 1)
        except WorkerError as error:
            if len(batch) > 1 and not isinstance(error, PoolUnavailable):
                for job in batch:
                    await self._transcribe([job])
            else:
                for job in batch:
                    _finish(job, TranscriptionUnavailable(str(error)))
            return
        self._measure(batch, found)
        for job, transcript in zip(batch, found, strict=True):
            _finish(job, _answer(transcript, queue_s=started_s - job.queued_s))

    async def _call(self, batch: list[_Job], attempts: int) -> Sequence[ClipTranscript]:
        messages = [job.message for job in batch]
        wanted = TranscribeClips(tuple(_clip(message, is_biased=self._settings.vocabulary) for message in messages))
        blob = b"".join(message.utterance.pcm for message in messages)
        audio_s = sum(message.utterance.duration_s for message in messages)
        timeout_s = job_timeout_for(audio_s, self._settings.job_timeout_s)
        reply, _ = await self._pool.call(wanted, blob, timeout_s=timeout_s, attempts=attempts)
        return reply.clips

    def _measure(self, batch: list[_Job], found: Sequence[ClipTranscript]) -> None:
        capacity = self.report.capacity
        for job, transcript in zip(batch, found, strict=True):
            if job.message.urgency == "final":
                capacity = capacity.learnt(job.message.utterance.duration_s, transcript.compute_s, len(batch))
        self._publish(capacity=capacity)
        audio_s = sum(job.message.utterance.duration_s for job in batch)
        compute_s = sum(transcript.compute_s for transcript in found)
        self._metrics.tell_nowait(Observe("stt_batch_size", (), len(batch)))
        self._metrics.tell_nowait(Count("stt_audio_seconds_total", (), audio_s))
        if audio_s:
            self._metrics.tell_nowait(Observe("stt_real_time_factor", (), compute_s / audio_s))


def _clip(message: Transcribe, *, is_biased: bool) -> Clip:
    """Return the job for an utterance; ``is_biased`` adds the words to expect."""
    return Clip(
        size_bytes=len(message.utterance.pcm),
        language=message.language,
        vocabulary=tuple(message.vocabulary) if is_biased else (),
        wants_words=message.words,
        translate=message.translate,
    )


def _answer(found: ClipTranscript, queue_s: float) -> Recognition | NoWords:
    if found.no_speech is not None:
        return NoWords(found.no_speech, found.first_tokens)
    return Recognition(
        text=found.text,
        language=found.language,
        confidence=found.confidence,
        alternatives=found.alternatives,
        queue_s=queue_s,
        compute_s=found.compute_s,
        words=found.words,
        first_tokens=found.first_tokens,
    )


def _finish(job: _Job, answer: Recognition | NoWords | TranscriptionUnavailable) -> None:
    job.answer = answer
    job.finished.set()
