"""Sends the traces of turns to a collector.

Rules kept here:

* No turn waits: traces come through a mailbox that drops the newest when full, and wait here, ``max_waiting`` at most;
  beyond that the oldest are dropped and counted.
* A collector that does not answer is told of once, in the log and as a trouble, and asked again ever more seldom.
* What a collector refuses for good is dropped: sending it again would be refused again.
"""

import logging
import random
import zlib
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

import attrs
import trio

from backends.protocols import ProviderError
from config.settings import TracesSettings
from protocol.messages.inboxes import MetricsMessage, TracesMessage
from protocol.messages.records import Count
from protocol.messages.traces import TracesRefused, TurnTrace
from runtime import Actor, Backoff, Ref
from runtime.policies.restart import backoff_delay_s

log = logging.getLogger("sayso.traces")

BATCH_TURNS: Final = 64  # of one request: some 150 kB
COMPANY_S: Final = 1.0  # that the first turn waits for others
LAST_S: Final = 2.0  # for what waits when the server stops
HASHES: Final = 1 << 32


class TraceExporter(Protocol):
    """A way to a collector; ``backends/traces.py`` in production."""

    async def export(self, traces: Sequence[TurnTrace]) -> None:
        """Send traces; raises ``ProviderError`` if that may work later, and ``TracesRefused`` if it will not."""

    async def aclose(self) -> None:
        """Close connections that were kept."""


@attrs.frozen(kw_only=True)
class TracesStatistics:
    """A moment's view of the traces.

    * ``waiting``: how many turns wait to be sent
    * ``sent``: how many the collector took
    * ``refused``: how many it refused for good, or took a part of only
    * ``dropped``: how many were dropped because too many waited
    * ``trouble``: why the collector is not reached; ``None`` if it is
    """

    waiting: int
    sent: int
    refused: int
    dropped: int
    trouble: str | None


class Traces(Actor[TracesMessage]):
    """Takes traces, and sends them in batches."""

    def __init__(
        self,
        settings: TracesSettings,
        exporter: TraceExporter,
        metrics: Ref[MetricsMessage],
        *,
        backoff: Backoff,
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._exporter = exporter
        self._metrics = metrics
        self._backoff = backoff
        self._rng = rng
        self._waiting: deque[TurnTrace] = deque()
        self._arrived = trio.Event()
        self._failures = 0
        self._sent = 0
        self._refused = 0
        self._dropped = 0
        self._trouble: str | None = None

    async def on_start(self) -> None:
        """Begin to send."""
        self.context.nursery.start_soon(self._keep_sending)

    async def handle(self, message: TracesMessage) -> None:
        """Keep one trace until it is sent."""
        if not is_chosen(message.turn_id, self._settings.share):
            return
        self._waiting.append(message)
        self._drop_oldest()
        self._arrived.set()

    async def on_stop(self) -> None:
        """Send what waits, for a moment."""
        await self.context.drain()
        with trio.move_on_after(LAST_S):
            while self._waiting and self._trouble is None:
                await self._send_batch()
        with trio.move_on_after(LAST_S):
            await self._exporter.aclose()

    def statistics(self) -> TracesStatistics:
        """Return counts of waiting, sent and lost traces."""
        return TracesStatistics(
            waiting=len(self._waiting),
            sent=self._sent,
            refused=self._refused,
            dropped=self._dropped,
            trouble=self._trouble,
        )

    async def _keep_sending(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived = trio.Event()
            await trio.sleep(COMPANY_S)
            while self._waiting:
                await self._send_batch()
                if self._failures:
                    await trio.sleep(backoff_delay_s(self._failures, self._backoff, self._rng))

    async def _send_batch(self) -> None:
        """Send the oldest; they come back to their place if the collector cannot be reached."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH_TURNS, len(self._waiting)))]
        try:
            await self._exporter.export(batch)
        except ProviderError as error:
            self._waiting.extendleft(reversed(batch))
            self._drop_oldest()
            self._failures += 1
            self._tell(str(error))
            return
        except TracesRefused as error:
            self._refused += len(batch)
            self._count("refused", len(batch))
            self._failures = 0
            self._tell(str(error))
            return
        self._failures = 0
        self._sent += len(batch)
        self._count("sent", len(batch))
        self._tell(None)

    def _drop_oldest(self) -> None:
        surplus = len(self._waiting) - self._settings.max_waiting
        for _ in range(surplus):
            self._waiting.popleft()
        if surplus > 0:
            self._dropped += surplus
            self._count("dropped", surplus)

    def _count(self, outcome: str, turns: int) -> None:
        self._metrics.tell_nowait(Count("traces_total", (outcome,), turns))

    def _tell(self, trouble: str | None) -> None:
        """Log a trouble and its end, each once."""
        if trouble is not None and self._trouble is None:
            log.warning("traces are not taken; they wait, and the oldest are dropped: %s", trouble)
        elif trouble is None and self._trouble is not None:
            log.info("traces are taken again")
        self._trouble = trouble


def is_chosen(turn_id: str, share: float) -> bool:
    """Return whether a turn is among the ``share`` (0..1) whose traces are sent; all replicas choose alike."""
    return zlib.crc32(turn_id.encode()) < share * HASHES
