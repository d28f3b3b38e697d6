"""Remembers the recent past of the server for its operators: figures, notices, turns.

Rules kept here:

* What it remembers (``RecentPast``) is bounded, and outlives a crash of this actor.
* A look at the server each second waits for nothing; what happens between two looks is told at the next one. While
  nobody uses the server a look is taken every ten seconds, and stands for the seconds after it.
* No sender waits: records come through a mailbox that drops the newest when full.
* What of it concerns clients is told to them (``protocol/admission/service_parts.py``).
* Words are kept as history keeps them: without secrets, and not at all where history keeps none.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs
import trio

from protocol.admission.notices import NoticeDraft, ServerLook, counted, noticed
from protocol.admission.recent_past import RecentPast
from protocol.admission.service_parts import ServiceParts
from protocol.messages.events import Degraded, Recovered
from protocol.messages.history import Record
from protocol.messages.inboxes import MonitorMessage
from protocol.messages.records import Count, ToolRecord, TurnRecord
from protocol.turns.redaction import kept
from runtime import Actor
from runtime.messaging.pace import IDLE_S

LOOK_EVERY_S: Final = 1.0


@attrs.frozen(kw_only=True)
class MonitorStatistics:
    """A moment's view of the monitor.

    * ``notices``: how many there were since the server's start
    * ``turns``: how many turns have ended since then
    * ``refused``: how many requests were refused since then
    """

    notices: int
    turns: int
    refused: int


class Monitor(Actor[MonitorMessage]):
    """Takes turns, tool calls, and counts of refusals and of sessions' crashes, and looks at the rest each second."""

    def __init__(
        self,
        past: RecentPast,
        look: Callable[[], tuple[ServerLook, Mapping[str, float]]],
        *,
        tell_clients: Callable[[Degraded | Recovered], None],
        keeps_words: bool,
        version: str,
        unix_time: Callable[[], float],
    ) -> None:
        """Write to ``past``.

        ``look`` returns the server at this moment, and some of the figures of ``protocol.admission.figure_history``;
        ``tell_clients`` gets what they are to know of it.
        """
        self._past = past
        self._look_at_server = look
        self._tell_clients = tell_clients
        self._parts = ServiceParts()
        self._keeps_words = keeps_words
        self._version = version
        self._unix_time = unix_time
        self._before: ServerLook | None = None
        self._figures: Mapping[str, float] = {}
        self._looked_s = math.inf
        self._totals: Mapping[str, float] = {}
        self._slowest_ms = 0.0

    async def on_start(self) -> None:
        """Begin to look; the first notice of all says that the server has started."""
        if not self._past.notices.last:
            self._tell(NoticeDraft("started", detail=self._version))
        self.context.nursery.start_soon(self._watch)

    async def handle(self, message: MonitorMessage) -> None:
        """Keep one record."""
        match message:
            case TurnRecord() | ToolRecord():
                self._keep(kept(message, has_words=self._keeps_words))
            case Count(name, labels, amount):
                self._past.tally.note(counted(name, labels), int(amount))
            case _:
                self.unhandled(message)

    def _keep(self, record: Record) -> None:
        if isinstance(record, TurnRecord):
            self._past.turns.add(record, trio.current_time())
            self._slowest_ms = max(self._slowest_ms, record.latency_ms.get("total", 0.0))
        elif isinstance(record, ToolRecord):
            self._past.turns.add_call(record)

    def statistics(self) -> MonitorStatistics:
        """Return counts of what was kept."""
        past = self._past
        return MonitorStatistics(notices=past.notices.last, turns=past.turns.last, refused=past.tally.totals["refused"])

    def _tell(self, *drafts: NoticeDraft) -> None:
        self._past.notices.add(self._unix_time(), drafts)

    async def _watch(self) -> None:
        while True:
            now_s = trio.current_time()
            self._look(now_s)
            if self.context.shared.pace.is_used:
                await trio.sleep_until(math.floor(now_s) + 1.5 * LOOK_EVERY_S)  # amid the next row of figures
            else:
                await self.context.shared.pace.wait(LOOK_EVERY_S)

    def _look(self, now_s: float) -> None:
        (look, figures), past = self._look_at_server(), self._past
        for row_s in skipped_rows_s(self._looked_s, now_s):
            past.figures.add(row_s, self._figures)  # nobody used the server: what was seen last stands
        self._looked_s, self._figures = now_s, figures
        if self._before is not None:
            self._tell(*noticed(self._before, look))
        self._before = look
        for event in self._parts.look(look.actors):
            self._tell_clients(event)
        self._tell(*past.tally.take(now_s))
        totals = {
            "turns": past.turns.last,
            "turns_failed": past.turns.failed,
            "refused": past.tally.totals["refused"],
            "restarts": sum(actor.incarnation for actor in look.actors.values()),
            "worker_crashes": sum(actor.crashes for actor in look.actors.values()),
        }
        grown = {name: max(0.0, total - self._totals.get(name, total)) for name, total in totals.items()}
        slowest = {"slowest_turn": self._slowest_ms} if grown["turns"] else {}
        past.figures.add(now_s, {**figures, **grown, **slowest})
        self._totals, self._slowest_ms = totals, 0.0


def skipped_rows_s(looked_s: float, now_s: float) -> Iterable[float]:
    """Return a moment in each second between two looks; none if more than a slow beat has passed."""
    if not 0 < now_s - looked_s <= 2 * IDLE_S:
        return ()
    return (second + 0.5 for second in range(math.ceil(looked_s), math.floor(now_s)))
