"""Statistics of a pool of workers, for the status page, the metrics and the pool's owner."""

from collections.abc import Sequence
from typing import Literal

import attrs

from runtime.policies.balancing import AddressStatistics

WorkerState = Literal["starting", "ready", "busy", "stopping", "dead", "down"]
"""``down`` is a place without a process; the others are those of a process's life."""


@attrs.frozen(kw_only=True)
class WorkerStatistics:
    """A snapshot of one place for a worker.

    * ``restarts``: how many of its processes have ended
    * ``last_exit``: how the process before this one ended; ``None`` if none has
    * ``state``: what the process is doing
    * ``role``: whether it takes jobs (``active``) or waits to take over (``spare``); ``None`` while it is not ready

    And of the process, if there is one:

    * ``pid``: its number in the operating system
    * ``jobs``: how many it has done
    * ``busy_s``: seconds that it has worked
    * ``age_s``: seconds since it was ready
    * ``pss_bytes``: its memory, shared pages divided among the processes that share them
    """

    restarts: int
    last_exit: str | None
    state: WorkerState
    role: Literal["active", "spare"] | None
    pid: int | None = None
    jobs: int | None = None
    busy_s: float | None = None
    age_s: float | None = None
    pss_bytes: int | None = None


@attrs.frozen(kw_only=True)
class WorkerGroupStatistics:
    """A snapshot of the workers of a pool.

    * ``size``: how many workers should take jobs
    * ``ready``: how many are loaded, spares among them
    * ``spares``: how many of those wait to take over
    * ``trouble``: why the last start failed; ``None`` if it did not
    * ``crashes``: how many processes have ended without being asked to
    * ``busy_ratio``: share of the workers that take jobs and have one, 0 to 1
    * ``resting``: for how many workers there is no process because nobody uses the server, or it is being loaded again
    * ``rss_bytes``: resident memory of all
    * ``pss_bytes``: memory of all, shared pages counted once
    * ``workers``: the workers one by one
    """

    size: int
    ready: int
    spares: int
    trouble: str | None
    crashes: int
    busy_ratio: float
    rss_bytes: int
    pss_bytes: int
    workers: Sequence[WorkerStatistics]
    resting: int = 0

    @property
    def expected(self) -> int:
        """How many of the workers that take jobs should be loaded now."""
        return min(self.size, len(self.workers) - self.resting) if self.resting else self.size


@attrs.frozen(kw_only=True)
class RemoteStatistics:
    """A snapshot of the servers elsewhere that do the jobs of a pool.

    * ``addresses``: the servers one by one
    * ``fallbacks``: how many jobs the pool's own workers were given in their stead
    * ``hedges``: how many jobs were given to a second server, because the first one was late
    * ``hedge_after_s``: after how many seconds a server is late
    """

    addresses: Sequence[AddressStatistics]
    fallbacks: int
    hedges: int
    hedge_after_s: float


@attrs.frozen(kw_only=True)
class PoolStatistics(WorkerGroupStatistics):
    """A snapshot of a pool: its workers, and the jobs in front of them.

    * ``waiting``: how many jobs no worker has yet
    * ``queue_min_delay_s``: shortest wait of a job in the last second or two
    * ``remote``: the servers that do most of the jobs; ``None`` if its own processes do them all
    """

    waiting: int
    queue_min_delay_s: float
    remote: RemoteStatistics | None = None

    @property
    def has_local_workers(self) -> bool:
        """Whether the jobs are done by processes of this server, and ``size`` and ``ready`` count them."""
        return self.remote is None

    @property
    def trouble_now(self) -> str | None:
        """Why no job can be done now; ``None`` if one can."""
        if (
            self.ready
            or self.resting
            or (self.remote is not None and any(one.breaker == "closed" for one in self.remote.addresses))
        ):
            return None
        return "no worker process is ready" if self.remote is None else "no server of the settings answers"


@attrs.frozen(kw_only=True)
class PoolOwnerStatistics:
    """The statistics of an actor that has a pool.

    * ``pool``: the pool; ``None`` if there is none, or it has not been started
    """

    pool: PoolStatistics | None = None

    @property
    def trouble(self) -> str | None:
        """Why no job can be done now; ``None`` if one can, or if the pool has not been started."""
        return None if self.pool is None else self.pool.trouble_now
