"""A fake of a worker pool (``backends.protocols.JobPool``)."""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import msgspec
import trio

from runtime.messaging.pace import Pace
from runtime.workers.jobs import Job, ReplyT, decode_reply, encode
from runtime.workers.pool_statistics import PoolStatistics
from tests.fakes import Notes


@attrs.frozen
class PoolCall:
    """One call of a pool."""

    job: Any
    blob: bytes
    timeout_s: float
    attempts: int
    at_s: float


def pool_statistics(**changes: Any) -> PoolStatistics:
    """Return the statistics of a pool of one worker that is well, but for ``changes``."""
    well = PoolStatistics(
        size=1,
        ready=1,
        spares=0,
        trouble=None,
        crashes=0,
        busy_ratio=0.5,
        rss_bytes=1_000,
        pss_bytes=900,
        workers=(),
        waiting=0,
        queue_min_delay_s=0.0,
    )
    return attrs.evolve(well, **changes)


@attrs.define(eq=False)
class FakePool:
    """The face of ``runtime.workers.pool.Pool``; ``answer(call)`` is what a worker would do.

    It runs as many jobs at once as it is asked to: how many that are is the asker's rule; see ``most_at_once``.
    """

    answer: Callable[[PoolCall], Awaitable[tuple[msgspec.Struct, bytes]]]
    jobs: Notes[PoolCall] = attrs.field(factory=Notes)
    starts: int = 0
    start_failure: Exception | None = None
    at_once: int = 0
    most_at_once: int = 0
    shown: PoolStatistics = attrs.field(factory=pool_statistics)
    on_change: Callable[[], None] = attrs.field(default=lambda: None)
    pace: Pace = attrs.field(factory=Pace.steady)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        self.starts += 1
        if self.start_failure is not None:
            raise self.start_failure
        task_status.started()
        await trio.sleep_forever()

    async def call(
        self, job: Job[ReplyT], blob: bytes = b"", *, timeout_s: float, attempts: int = 2
    ) -> tuple[ReplyT, bytes]:
        call = PoolCall(job, blob, timeout_s, attempts, trio.current_time())
        self.jobs.add(call)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await trio.lowlevel.checkpoint()
            reply, samples = await self.answer(call)
            return decode_reply(job, encode(reply)), samples
        finally:
            self.at_once -= 1

    def set_on_change(self, on_change: Callable[[], None]) -> None:
        self.on_change = on_change

    def set_pace(self, pace: Pace) -> None:
        self.pace = pace

    def show(self, shown: PoolStatistics) -> None:
        """Show something else from now on, and say so."""
        self.shown = shown
        self.on_change()

    def statistics(self) -> PoolStatistics:
        return self.shown
