"""The keeper of the shared store: connects to it, tells that this replica lives, and hears which sessions have moved.

Rules kept here:

* The server works without the store. Its failure is reported once, and no session fails of it.
* Whether the store is well again is found here by a heartbeat, which no client waits for: every second, at once when a
  request has failed, and then at doubling distances.
* Sessions that could not be written are written again at once when it is.
* A replica that drains is none that clients can come back to, and says so.
"""

import logging
import random
from collections.abc import Callable
from typing import Final, Never, Protocol

import attrs
import trio

from backends.protocols import SharedStore, SharedUnavailable
from protocol.messages.events import Degraded, Recovered
from protocol.messages.inboxes import MetricsMessage
from protocol.messages.records import Count, Gauge
from runtime import Actor, Backoff, Ref
from runtime.messaging.exits import leaves
from runtime.policies.restart import backoff_delay_s

log = logging.getLogger("sayso.shared")

BEAT_S: Final = 1.0
PROBE_S: Final = 0.05  # from the second failure to the next heartbeat; twice as long each time, up to ``BEAT_S``
ALIVE_S: Final = 3.5  # as long as a replica counts without a heartbeat: three that are lost
FIRST_S: Final = 1.0
WHAT: Final = "shared store"


class GuardedStore(SharedStore, Protocol):
    """A store that knows whether it answers."""

    @property
    def trouble(self) -> str | None:
        """Why it is not asked; ``None`` while it is."""

    async def wait_failed(self) -> None:
        """Wait for the next request that fails."""


@attrs.frozen
class SharedReport:
    """What is known of the other replicas."""

    others: int = 0
    """How many live; 0 while the store does not answer."""


@attrs.frozen
class SharedActions:
    """What the keeper does outside."""

    is_leaving: Callable[[], bool]
    """Whether this replica drains."""
    let_go: Callable[[str], bool]
    """Ends this replica's half of a session that another one has taken, by its owner; returns whether it was here."""
    write_again: Callable[[], None]
    """Has the sessions written that could not be written while the store did not answer."""
    tell_clients: Callable[[Degraded | Recovered], None]
    publish: Callable[[SharedReport], None]


@attrs.frozen(kw_only=True)
class SharedStatistics:
    """A moment's view of the shared store.

    * ``is_up``: whether it answers in time
    * ``others``: how many other replicas live
    * ``trouble``: why it is not used; ``None`` if it is
    """

    is_up: bool
    others: int
    trouble: str | None


def probe_delay_s(failures: int) -> float:
    """Return how long a store is left alone after so many failures with no second of calm between them.

    >>> [probe_delay_s(failures) for failures in (0, 1, 2, 3, 6, 7)]
    [0.0, 0.0, 0.05, 0.1, 0.8, 1.0]
    """
    return min(BEAT_S, PROBE_S * 2 ** (failures - 2)) if failures > 1 else 0.0


class SharedKeeper(Actor[Never]):
    """Keeps one replica's way to the shared store."""

    def __init__(
        self,
        store: GuardedStore,
        actions: SharedActions,
        metrics: Ref[MetricsMessage],
        *,
        backoff: Backoff,
        rng: random.Random,
    ) -> None:
        self._store = store
        self._actions = actions
        self._metrics = metrics
        self._backoff = backoff
        self._rng = rng
        self._others = 0
        self._failures = 0
        self._has_looked = trio.Event()
        self._has_told = False
        self._has_been_up = False

    async def on_start(self) -> None:
        """Connect; a store that does not answer at once is not waited for."""
        self.context.nursery.start_soon(self._stay_connected)
        with trio.move_on_after(FIRST_S):  # clients of another replica may come as soon as the gateway is open
            await self._has_looked.wait()

    def statistics(self) -> SharedStatistics:
        """Return whether the store answers, and how many other replicas live."""
        trouble = self._store.trouble
        return SharedStatistics(is_up=trouble is None, others=self._others, trouble=trouble)

    async def _stay_connected(self) -> None:
        while True:
            try:
                async with self._store.connected(), trio.open_nursery() as nursery:
                    nursery.start_soon(self._hear_of_moves)
                    await self._beat()
            except* SharedUnavailable as lost:
                self._failures += 1
                log.debug("the shared store is lost: %s", next(leaves(lost)))
            self._look()
            await trio.sleep(backoff_delay_s(self._failures, self._backoff, self._rng))

    async def _beat(self) -> None:
        failures = 0
        while True:
            others, was_well = 0, self._store.trouble is None
            try:
                others = await self._store.beat(ALIVE_S, is_leaving=self._actions.is_leaving())
                self._failures = 0
                if not was_well:
                    self._actions.write_again()
            except SharedUnavailable as error:
                log.debug("no heartbeat: %s", error)
            self._look(others)
            is_calm = False
            if self._store.trouble is None:
                with trio.move_on_after(BEAT_S) as second:
                    await self._store.wait_failed()
                is_calm = second.cancelled_caught
            failures = 0 if is_calm else failures + 1
            await trio.sleep(probe_delay_s(failures))

    async def _hear_of_moves(self) -> None:
        while True:
            async with self._store.wait_taken() as owners:
                async for owner in owners:
                    if self._actions.let_go(owner):
                        self._metrics.tell_nowait(Count("moves_total", ("let_go",)))

    def _look(self, others: int = 0) -> None:
        """Publish what is known, and tell of a trouble or its end once."""
        self._has_looked.set()
        self._others = others
        self._actions.publish(SharedReport(others))
        trouble = self._store.trouble
        self._metrics.tell_nowait(Gauge("shared_up", (), int(trouble is None)))
        self._metrics.tell_nowait(Gauge("replicas", (), 0 if trouble is not None else others + 1))
        if trouble is not None and not self._has_told:
            self._has_told = True
            log.warning("the shared store does not answer, so each replica is on its own: %s", trouble)
            if self._has_been_up:
                self._actions.tell_clients(Degraded(WHAT, trouble))
        elif trouble is None:
            if self._has_told or not self._has_been_up:
                log.info("the shared store answers; %d other replicas live", others)
            if self._has_told and self._has_been_up:
                self._actions.tell_clients(Recovered(WHAT, "it answers again"))
            self._has_told, self._has_been_up = False, True
