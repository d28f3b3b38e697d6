"""Metrics: samples the machine and every actor, takes counts of others, and owns the registry.

Rules kept here:

* No sender waits: records come through a mailbox that drops the newest when full, and drops are counted.
* Nothing is read that blocks the loop for longer than a few microseconds; the machine is sampled in a thread.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import trio

from config.settings import MetricsSettings
from protocol.admission.notices import COUNTED
from protocol.messages.inboxes import MetricsMessage, MonitorMessage
from protocol.messages.records import Count, Gauge, Observe, ToolRecord, TurnRecord
from runtime import Actor, ChildStatus, Ref
from runtime.workers.pool_statistics import PoolOwnerStatistics, PoolStatistics, RemoteStatistics

LAG_TICK_S = 0.1
ACTORS_AT_ONCE = 32  # actors sampled without a pause: about a millisecond
MS_PER_S = 1000
RESTARTS = "actor_restarts_total"  # an alert counts their growth
SESSION_ID_CHARS = 16
Totals = Counter[tuple[str, tuple[str, ...]]]
"""Totals of the actors since their start, by metric and labels."""


class MetricsRegistry(Protocol):
    """A registry of metrics; ``backends/metrics.py`` in production."""

    def count(self, name: str, labels: Sequence[str], amount: float = 1.0) -> None:
        """Add to a counter."""

    def gauge(self, name: str, labels: Sequence[str], value: float) -> None:
        """Set a gauge."""

    def observe(
        self, name: str, labels: Sequence[str], value: float, exemplar: Mapping[str, str] | None = None
    ) -> None:
        """Add to a histogram; ``exemplar`` names what was measured."""


class MachineFigures(Protocol):
    """Measurements of the machine; ``backends/machine.py`` in production."""

    @property
    def memory_bytes(self) -> int:
        """Resident bytes of the server and its workers."""

    @property
    def cpu_percent(self) -> float:
        """Share of the CPUs that this server may use, 0..100."""


class Metrics(Actor[MetricsMessage]):
    """Takes ``TurnRecord``, ``ToolRecord``, ``Count`` and ``Observe``; samples the rest."""

    def __init__(
        self,
        settings: MetricsSettings,
        registry: MetricsRegistry,
        *,
        sample_machine: Callable[[], MachineFigures | None],
        actors: Callable[[], Iterable[ChildStatus]],
        count_sessions: Callable[[], int],
        monitor: Ref[MonitorMessage],
    ) -> None:
        """Tell ``monitor`` about turns, tool calls, and the counts that become notices."""
        self._settings = settings
        self._registry = registry
        self._sample_machine = sample_machine
        self._actors = actors
        self._count_sessions = count_sessions
        self._monitor = monitor
        self._totals: Totals = Counter()

    async def on_start(self) -> None:
        """Begin to sample."""
        self.context.nursery.start_soon(self._sample)
        self.context.nursery.start_soon(self._measure_lag)

    async def handle(self, message: MetricsMessage) -> None:
        """Take one figure."""
        if isinstance(message, TurnRecord | ToolRecord) or (isinstance(message, Count) and message.name in COUNTED):
            self._monitor.tell_nowait(message)
        match message:
            case Count(name, labels, amount):
                self._registry.count(name, labels, amount)
            case Gauge(name, labels, value):
                self._registry.gauge(name, labels, value)
            case Observe(name, labels, value):
                self._registry.observe(name, labels, value)
            case TurnRecord():
                self._registry.count("turns_total", (message.outcome, message.source or "none"))
                exemplar = {"turn_id": message.turn_id}
                for stage, value_ms in message.latency_ms.items():
                    self._registry.observe("turn_seconds", (stage,), value_ms / MS_PER_S, exemplar)
            case ToolRecord():
                outcome = "ok" if message.ok else "error"
                self._registry.count("tool_calls_total", (message.server, message.tool, outcome))
            case _:
                self.unhandled(message)

    async def _sample(self) -> None:
        while True:
            machine = await trio.to_thread.run_sync(self._sample_machine)
            if machine is not None:
                self._registry.gauge("memory_usage_bytes", (), machine.memory_bytes)
                self._registry.gauge("cpu_usage_percent", (), machine.cpu_percent)
            sessions = self._count_sessions()
            self._registry.gauge("active_connections", (), sessions)
            self._registry.gauge("sessions", ("live",), sessions)
            self._registry.gauge("event_loop_tasks", (), trio.lowlevel.current_statistics().tasks_living)
            await self._sample_actors()
            await self.context.shared.pace.wait(self._settings.sample_interval_s)

    async def _sample_actors(self) -> None:
        """Set the actors' figures; a session's actors share their role's label, so that labels stay few.

        There may be fifty thousand, so others get their turn in between.
        """
        depth: Counter[str] = Counter()
        oldest_s: dict[str, float] = {}
        totals: Totals = Counter()
        for number, child in enumerate(self._actors()):
            if number % ACTORS_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            role = role_of(child.id)
            depth[role] += child.mailbox.queued
            oldest_s[role] = max(oldest_s.get(role, 0.0), child.mailbox.head_age_s)
            totals.update(totals_of(role, child))
            if isinstance(child.statistics, PoolOwnerStatistics) and child.statistics.pool is not None:
                self._sample_pool(role, child.statistics.pool)
                totals.update(remote_totals_of(role, child.statistics.pool.remote))
        for role, count in depth.items():
            self._registry.gauge("actor_mailbox_depth", (role,), count)
            self._registry.gauge("actor_head_age_seconds", (role,), oldest_s[role])
        self._count_growth(totals)

    def _count_growth(self, totals: Totals) -> None:
        """Count the growth since the last sample; counters that ended with their actor do not grow.

        Of an actor's restarts 0 is counted first, so that Prometheus sees the first one as growth.
        """
        for (name, labels), total in totals.items():
            is_new = name == RESTARTS and (name, labels) not in self._totals
            new = total - self._totals[name, labels]
            if new > 0 or is_new:
                self._registry.count(name, labels, max(0, new))
        self._totals = totals

    def _sample_pool(self, role: str, pool: PoolStatistics) -> None:
        self._registry.gauge("worker_memory_bytes", (role,), pool.rss_bytes)
        self._registry.gauge("worker_busy_ratio", (role,), pool.busy_ratio)
        if pool.remote is not None:
            self._registry.gauge("remote_hedge_after_seconds", (role,), pool.remote.hedge_after_s)
            for address in pool.remote.addresses:
                self._registry.gauge("remote_in_work", (role, address.url), address.in_work)
                self._registry.gauge("remote_up", (role, address.url), address.breaker == "closed")

    async def _measure_lag(self) -> None:
        while True:
            late_s = await self.context.shared.pace.wait(LAG_TICK_S)
            self._registry.observe("event_loop_lag_seconds", (), late_s)


def totals_of(role: str, child: ChildStatus) -> Totals:
    """Return the totals of one child: crashes, and messages that its mailbox did not deliver."""
    counters = child.mailbox.counters
    totals: Totals = Counter({(RESTARTS, (role, "crash")): child.restarts})
    totals["expired_total", (role,)] = counters.expired
    totals["dropped_total", (role, "rejected")] = counters.rejected
    for reason, count in counters.dropped.items():
        totals["dropped_total", (role, reason)] = count
    return totals


def remote_totals_of(role: str, remote: RemoteStatistics | None) -> Totals:
    """Return the totals of the servers that do a pool's jobs."""
    totals: Totals = Counter()
    if remote is not None:
        totals["remote_hedges_total", (role,)] = remote.hedges
        totals["remote_fallbacks_total", (role,)] = remote.fallbacks
        for address in remote.addresses:
            totals["remote_requests_total", (role, address.url, "answered")] = address.answers
            totals["remote_requests_total", (role, address.url, "failed")] = address.failures
            totals["remote_requests_total", (role, address.url, "overtaken")] = address.overtaken
    return totals


def role_of(actor_id: str) -> str:
    """Return the bounded label of an actor: ``session.audio`` for ``3f2a….audio``, else its own id."""
    first, dot, rest = actor_id.partition(".")
    if not is_session_id(first):
        return actor_id
    return f"session.{rest}" if dot else "session"


def is_session_id(name: str) -> bool:
    """Whether ``name`` is one of the random ids that the root gives to sessions: 16 hexadecimal digits."""
    return len(name) == SESSION_ID_CHARS and all(letter in "0123456789abcdef" for letter in name)
