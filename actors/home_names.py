"""Keeps the names of a smart home as they are there, and gives them to the command grammar.

Rules kept here:

* The smart home is a foreign program: that it is missing, dies or sends nonsense is no crash of ours. The names that
  were read last stay, so a command is understood, and its call says that the home is down.
* After a change it waits a moment, for renaming one thing is often several events; names are read at most every
  ``READ_PAUSE_S``. What changes without an event, such as an entity without a registry entry, is read every
  ``REREAD_S``.
* A refused token is not tried again soon: Home Assistant may ban an address that fails often.
* Compiling names takes a good part of a second, so ``take`` runs in a thread.
"""

import logging
import random
from collections.abc import Callable
from typing import Final, Never

import attrs
import trio

from backends.protocols import HomeLink, HomeLinkFactory, HomeLinkLost, HomeLinkRefused
from protocol.messages.home import HomeNames
from protocol.messages.inboxes import MetricsMessage
from protocol.messages.records import Gauge
from runtime import Actor, Backoff, Ref
from runtime.policies.restart import backoff_delay_s

log = logging.getLogger("sayso.home_assistant")

SETTLE_S: Final = 0.5  # after a change: the state that has the new name is written a moment later
READ_PAUSE_S: Final = 2.0  # between two reads, so that a burst of changes costs little
REREAD_S: Final = 60.0
REFUSED_S: Final = 300.0


@attrs.frozen(kw_only=True)
class HomeNamesStatistics:
    """A moment's view of a smart home's names.

    * ``is_up``: whether the names are being kept up to date
    * ``entities``: how many devices and parts of them have names
    * ``areas``: how many areas have
    * ``floors``: how many floors have
    * ``reads``: how often the names were read and put in force
    * ``notes``: what was left out
    * ``trouble``: why the names are not kept up to date; ``None`` if they are
    """

    is_up: bool
    entities: int
    areas: int
    floors: int
    reads: int
    notes: tuple[str, ...]
    trouble: str | None


class HomeNamesKeeper(Actor[Never]):
    """Stays connected, and calls ``take`` with the names whenever they are others."""

    def __init__(
        self,
        open_link: HomeLinkFactory,
        take: Callable[[HomeNames], None],
        metrics: Ref[MetricsMessage],
        *,
        backoff: Backoff,
        rng: random.Random,
    ) -> None:
        """``take`` blocks, and is called in a thread."""
        self._open_link = open_link
        self._take = take
        self._metrics = metrics
        self._backoff = backoff
        self._rng = rng
        self._names: HomeNames | None = None
        self._trouble: str | None = "it is being connected for the first time"
        self._failures = 0
        self._reads = 0

    async def on_start(self) -> None:
        """Begin to connect."""
        self.context.nursery.start_soon(self._stay_connected)

    def statistics(self) -> HomeNamesStatistics:
        """Return how many names there are, and the trouble if any."""
        names = self._names or HomeNames()
        return HomeNamesStatistics(
            is_up=self._trouble is None,
            entities=len(names.entities),
            areas=len(names.areas),
            floors=len(names.floors),
            reads=self._reads,
            notes=names.notes,
            trouble=self._trouble,
        )

    async def _stay_connected(self) -> None:
        while True:
            try:
                async with self._open_link() as link:
                    await self._follow(link)
            except HomeLinkLost as error:
                self._failures += 1
                self._trouble = str(error)
                least_s = REFUSED_S if isinstance(error, HomeLinkRefused) else 0.0
            self._metrics.tell_nowait(Gauge("home_up", (), 0))
            delay_s = max(least_s, backoff_delay_s(self._failures, self._backoff, self._rng))
            log.warning("names of the home are not kept up to date: %s; again in %.1f s", self._trouble, delay_s)
            await trio.sleep(delay_s)

    async def _follow(self, link: HomeLink) -> None:
        """Read the names, and again at every change; ends by ``HomeLinkLost``."""
        while True:
            names = await link.read_names()
            self._failures = 0
            await self._use(names)
            self._reads += 1
            self._trouble = None
            self._metrics.tell_nowait(Gauge("home_up", (), 1))
            read_s = trio.current_time()
            with trio.move_on_after(REREAD_S):
                await link.wait_changed()
            await trio.sleep(max(SETTLE_S, read_s + READ_PAUSE_S - trio.current_time()))

    async def _use(self, names: HomeNames) -> None:
        if names == self._names:
            return
        await trio.to_thread.run_sync(self._take, names)
        if self._names is None or names.notes != self._names.notes:
            for note in names.notes:
                log.warning("names of the home: %s", note)
        log.info("the home has names for %d entities and %d areas", len(names.entities), len(names.areas))
        self._names = names
        self._metrics.tell_nowait(Gauge("home_entities", (), len(names.entities)))
