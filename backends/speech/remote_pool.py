"""A ``JobPool`` of servers elsewhere, with our own processes to fall back to.

Rules kept here:

* The least busy server is asked first; one that is late gets company by a second one, and the first answer counts
  (``runtime/policies/balancing.py``, ``hedging.py``). A server that fails costs nothing but the time that it took.
* All servers together have one deadline; then our processes do the job, while its caller still waits.
* Beyond ``at_once`` jobs a server gets no more as long as there are processes of our own.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar, cast

import attrs
import msgspec
import trio

from backends.protocols import JobPool, ProviderError
from runtime.messaging.pace import Pace
from runtime.policies.balancing import Address, Balancer, Outcome
from runtime.policies.breaker import BreakerState
from runtime.policies.hedging import Hedging
from runtime.workers.jobs import Job, ReplyT
from runtime.workers.pool import PoolUnavailable
from runtime.workers.pool_statistics import PoolStatistics, RemoteStatistics

log = logging.getLogger("sayso.speech")

JobT = TypeVar("JobT", bound=Job[msgspec.Struct])
Reply = tuple[msgspec.Struct, bytes]
Work = Callable[[JobT, bytes], Awaitable[Reply]]
"""Does a job at one server; raises ``ProviderError``."""

NO_WORKERS: Final = PoolStatistics(
    size=0,
    ready=0,
    spares=0,
    trouble=None,
    crashes=0,
    busy_ratio=0.0,
    rss_bytes=0,
    pss_bytes=0,
    workers=(),
    waiting=0,
    queue_min_delay_s=0.0,
)


class RemoteFirst(Generic[JobT]):
    """Servers do jobs of one ``kind``, and ``pool`` what they cannot, and everything else."""

    def __init__(
        self,
        kind: type[JobT],
        servers: Mapping[str, Work[JobT]],
        pool: JobPool | None,
        *,
        within_s: float,
        at_once: int = 8,
    ) -> None:
        """Take the work of each server by its URL, and the pool to fall back to; without one the servers are alone.

        ``within_s`` is the time that the servers have for one job.
        """
        self._kind = kind
        self._servers = {shown_url(url): work for url, work in servers.items()}
        self._pool = pool
        self._within_s = within_s
        self._balancer = Balancer(tuple(self._servers), at_once)
        self._hedging = Hedging(within_s)
        self._fallbacks = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the pool, if there is one, until cancelled."""
        if self._pool is not None:
            await self._pool.run(task_status=task_status)
            return
        task_status.started()
        await trio.sleep_forever()

    def set_on_change(self, on_change: Callable[[], None]) -> None:
        """Set a callback for every change of the pool's workers."""
        if self._pool is not None:
            self._pool.set_on_change(on_change)

    def set_pace(self, pace: Pace) -> None:
        """Look at the pool's idle workers as often as ``pace`` says."""
        if self._pool is not None:
            self._pool.set_pace(pace)

    def statistics(self) -> PoolStatistics:
        """Return a moment's view of the pool and the servers; without a pool each server counts as one worker."""
        remote = RemoteStatistics(
            addresses=self._balancer.shown(),
            fallbacks=self._fallbacks,
            hedges=self._hedging.sent,
            hedge_after_s=round(self._hedging.after_s, 3),
        )
        if self._pool is not None:
            return attrs.evolve(self._pool.statistics(), remote=remote)
        return attrs.evolve(NO_WORKERS, size=len(self._servers), ready=self._balancer.working, remote=remote)

    async def call(
        self, job: Job[ReplyT], blob: bytes = b"", *, timeout_s: float, attempts: int = 2
    ) -> tuple[ReplyT, bytes]:
        """Do one job; raises ``WorkerError``."""
        trouble = f"{' and '.join(self._servers)} cannot do {job.name}"
        if isinstance(job, self._kind):
            answer = await self._try_servers(job, blob)
            if not isinstance(answer, str):
                return cast("tuple[ReplyT, bytes]", answer)  # the reply has the same type from the server
            trouble = answer
        if self._pool is None:
            raise PoolUnavailable(trouble, self._balancer.policy.pause_s)
        self._fallbacks += isinstance(job, self._kind)
        return await self._pool.call(job, blob, timeout_s=timeout_s, attempts=attempts)

    async def _try_servers(self, job: JobT, blob: bytes) -> Reply | str:
        """Return a server's answer, or in words why there is none."""
        race = Race(self._balancer, self._hedging, self._within_s, may_crowd=self._pool is None)
        self._hedging.begin()

        async def ask(address: Address) -> Reply:
            return await self._servers[address.url](job, blob)

        answer = await race.run(ask)
        if isinstance(answer, str):
            log.debug("%s: %s", job.name, answer)
        return answer


@attrs.define(eq=False)
class Race:
    """One job at one or more servers: the first answer counts, and the others are cancelled."""

    balancer: Balancer
    hedging: Hedging
    within_s: float
    may_crowd: bool
    _tried: list[Address] = attrs.field(factory=list, init=False)
    _troubles: list[str] = attrs.field(factory=list, init=False)
    _winner: int | None = attrs.field(default=None, init=False)
    """Which of ``_tried`` has answered."""
    _answer: Reply | None = attrs.field(default=None, init=False)
    _is_late: bool = attrs.field(default=False, init=False)
    _in_work: int = attrs.field(default=0, init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def run(self, ask: Callable[[Address], Awaitable[Reply]]) -> Reply | str:
        """Return the first answer, or in words why there is none."""
        started_s = trio.current_time()
        deadline_s, hedge_s = started_s + self.within_s, started_s + self.hedging.after_s
        async with trio.open_nursery() as nursery:
            while self._in_work or self._start(nursery, ask):
                await self._wait_until(min(hedge_s, deadline_s))
                if self._is_over(deadline_s):
                    break
                if self._in_work and trio.current_time() >= hedge_s:
                    hedge_s = deadline_s
                    self._hedge(nursery, ask)
            nursery.cancel_scope.cancel()
        if self._answer is not None:
            return self._answer
        return "; ".join(self._troubles) or self._why_none_was_asked()

    def _is_over(self, deadline_s: float) -> bool:
        if self._answer is None and trio.current_time() >= deadline_s:
            self._is_late = True
            self._troubles.append(f"{self._tried[-1].url} did not answer within {self.within_s:g} s")
        return self._answer is not None or self._is_late

    def _start(self, nursery: trio.Nursery, ask: Callable[[Address], Awaitable[Reply]]) -> bool:
        """Ask one more server; return whether there was one."""
        address = self.balancer.choose(trio.current_time(), self._tried, may_crowd=self.may_crowd)
        if address is None:
            return False
        self._tried.append(address)
        self._in_work += 1
        nursery.start_soon(self._attempt, len(self._tried) - 1, ask)
        return True

    def _hedge(self, nursery: trio.Nursery, ask: Callable[[Address], Awaitable[Reply]]) -> None:
        """Ask a second server as well; a server that is only being tried again may be late for nothing."""
        is_trial = all(one.breaker.state is not BreakerState.CLOSED for one in self._tried)
        if is_trial or self.hedging.take():
            self._start(nursery, ask)

    async def _wait_until(self, deadline_s: float) -> None:
        """Wait for the end of an attempt."""
        self._changed = trio.Event()
        with trio.move_on_at(deadline_s):
            await self._changed.wait()

    async def _attempt(self, number: int, ask: Callable[[Address], Awaitable[Reply]]) -> None:
        address, started_s = self._tried[number], trio.current_time()
        outcome: Outcome = "abandoned"
        try:
            answer = await ask(address)
            if self._answer is None:
                self._winner, self._answer = number, answer
            outcome = "answered"
        except ProviderError as error:
            outcome = "failed"
            self._troubles.append(str(error))
        except trio.Cancelled:
            if self._is_late:
                outcome = "failed"
            elif self._winner is not None and self._winner > number:
                outcome = "overtaken"
            raise
        finally:
            self._in_work -= 1
            self._finish(address, outcome, started_s)
            self._changed.set()

    def _finish(self, address: Address, outcome: Outcome, started_s: float) -> None:
        now_s = trio.current_time()
        was = address.breaker.state
        self.balancer.finish(address, outcome, now_s)
        if outcome in ("answered", "overtaken"):
            self.hedging.note(now_s - started_s)
        if outcome == "answered" and was is not BreakerState.CLOSED:
            log.info("%s answers again", address.url)
        elif outcome == "failed" and was is BreakerState.CLOSED:
            log.warning("%s", self._troubles[-1])
        elif outcome == "overtaken" and address.breaker.state is BreakerState.OPEN and was is BreakerState.CLOSED:
            log.warning("%s is left alone for a while: others have answered before it several times", address.url)

    def _why_none_was_asked(self) -> str:
        return f"none of {', '.join(one.url for one in self.balancer.addresses)} is free and known to answer now"


def shown_url(url: str) -> str:
    """Return a URL as it may be shown: without a name, a password or a query."""
    return re.sub(r"\?.*", "", re.sub(r"//[^/@\s]+@", "//", url.rstrip("/")))
