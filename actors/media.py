"""Uploaded recordings: one worker process that decodes them, a block at a time.

A recording that kills or holds up the process is refused; the process that takes its place serves the next one. A death
may have another cause, such as the kernel's want of memory, so after one the block is tried again.
"""

import logging

from backends.jobs import DecodeRecording, ForgetRecording, RecordingBlock
from backends.protocols import JobPool
from config.settings import MediaSettings
from protocol.messages.inboxes import MediaMessage, MetricsMessage
from protocol.messages.recordings import CloseRecording, DecodedBlock, ReadRecording, RecordingRefused
from protocol.messages.records import Count
from runtime import Actor, DomainError, Ref
from runtime.workers.pool import JobTimeout, PoolUnavailable, WorkerError, WorkerLost
from runtime.workers.pool_statistics import PoolOwnerStatistics

log = logging.getLogger("sayso.media")


class MediaUnavailable(DomainError):
    """Nothing can be decoded now; ``retry_after_s`` says when to come back, if that may help."""

    def __init__(self, reason: str, retry_after_s: float | None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Media(Actor[MediaMessage]):
    """Decodes recordings."""

    def __init__(self, settings: MediaSettings, pool: JobPool, metrics: Ref[MetricsMessage]) -> None:
        self._settings = settings
        self._pool = pool
        self._metrics = metrics

    async def on_start(self) -> None:
        """Start the process; ready when it has decoded some silence."""
        await self.context.nursery.start(self._pool.run)

    async def handle(self, message: MediaMessage) -> None:
        """Answer ``ReadRecording`` with ``DecodedBlock`` or ``RecordingRefused``; take ``CloseRecording``.

        Raises ``MediaUnavailable`` to the asker.
        """
        match message:
            case ReadRecording():
                self.context.reply_in_task(self._read, message)
            case CloseRecording():
                self.context.nursery.start_soon(self._close, message)
            case _:
                self.unhandled(message)

    def statistics(self) -> PoolOwnerStatistics:
        """Return the pool's statistics."""
        return PoolOwnerStatistics(pool=self._pool.statistics())

    async def _read(self, message: ReadRecording) -> DecodedBlock | RecordingRefused:
        try:
            block, pcm = await self._try_twice(message)
        except JobTimeout as error:
            log.warning("a recording was refused: %s", error)
            limit_s = self._settings.job_timeout_s
            return self._refuse("too_slow", f"this recording could not be decoded within {limit_s:g} s")
        except WorkerLost as error:
            log.warning("a recording was refused: %s", error)
            return self._refuse("crashed", "this recording could not be decoded: the decoder fails on it")
        except WorkerError as error:
            retry_after_s = error.retry_after_s if isinstance(error, PoolUnavailable) else None
            raise MediaUnavailable(str(error), retry_after_s) from error
        if block.refusal is not None:
            return self._refuse("refused", block.refusal)
        if block.is_last:
            self._count("decoded")
        return DecodedBlock(pcm, block.is_last)

    async def _try_twice(self, message: ReadRecording) -> tuple[RecordingBlock, bytes]:
        """Repeat the job after a process's death, but not after a timeout, which has delayed others."""
        try:
            return await self._do(message)
        except WorkerLost as error:
            log.info("%s; trying again", error)
            return await self._do(message)

    async def _do(self, message: ReadRecording) -> tuple[RecordingBlock, bytes]:
        job = DecodeRecording(message.recording_id, message.path, message.from_sample)
        return await self._pool.call(job, timeout_s=self._settings.job_timeout_s, attempts=1)

    async def _close(self, message: CloseRecording) -> None:
        """Let the process close the file; an ended or unresponsive process needs no message."""
        self._count(message.outcome)
        try:
            job = ForgetRecording(message.recording_id)
            await self._pool.call(job, timeout_s=self._settings.job_timeout_s, attempts=1)
        except WorkerError as error:
            log.info("a recording was not closed: %s", error)

    def _refuse(self, outcome: str, reason: str) -> RecordingRefused:
        self._count(outcome)
        return RecordingRefused(reason)

    def _count(self, outcome: str) -> None:
        self._metrics.tell_nowait(Count("recordings_total", (outcome,)))
