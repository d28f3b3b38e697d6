"""The only writer of the database: batches of records, each batch one transaction.

Rules kept here:

* No sender waits for the disk: records are taken at once and written within ``batch_ms`` or ``batch_rows``.
* While the store is down up to ``max_pending`` records wait in memory; beyond that the oldest are dropped and counted.
* Secrets are taken out before anything is kept, and what is older than ``keep_days`` is deleted in small steps.
* With ``enabled = false`` nothing is kept at all, not even in memory.
* A file that was deleted or replaced is noticed before a write and every ``CHECK_S``; lost records are counted.
"""

import logging
import time
from collections import deque
from collections.abc import Callable

import attrs
import trio

from backends.protocols import Store, StoreError, StoreFigures
from config.settings import HistorySettings
from protocol.messages.history import (
    Deleted,
    DeleteRecords,
    Deletion,
    FindTurns,
    KeptConversation,
    KeptTurn,
    ListConversations,
    Record,
)
from protocol.messages.inboxes import HistoryMessage, MetricsMessage
from protocol.messages.records import Count, Gauge, Observe, SessionRecord, ToolRecord, TurnRecord
from protocol.turns.redaction import kept
from runtime import Actor, DomainError, Ref
from runtime.workers.pool import StartFailure

log = logging.getLogger("sayso.history")
CHECK_S = 5.0  # between looks whether the file is still there, while nothing is written
PRUNE_EVERY_S = 86_400.0
PRUNE_RECORDS = 500  # of each kind in one transaction: some 20 ms in which nothing else is written
PRUNE_PAUSE_S = 0.1
DELETE_WITHIN_S = 3.0  # of a request's five seconds; whoever asks for more asks again
DAY_S = 86_400.0
RETRY_S = 1.0  # a full disk or a locked file seldom recovers faster


class HistoryUnavailable(DomainError):
    """The store cannot be read or changed now."""


@attrs.frozen(kw_only=True)
class HistoryStatistics:
    """A moment's view of the history.

    * ``pending``: how many records wait to be written
    * ``written``: how many were written
    * ``dropped``: how many were dropped because too many waited
    * ``lost``: how many the store did not take
    * ``pruned``: how many were deleted because they were too old
    * ``trouble``: why the store does not write; ``None`` if it does
    * ``retries``: how often something was sent again because a connection was lost
    * ``connections``: how many to the database are open; 0 of a file
    """

    pending: int
    written: int
    dropped: int
    lost: int
    pruned: int
    trouble: str | None
    retries: int = 0
    connections: int = 0


class History(Actor[HistoryMessage]):
    """Takes records, and finds and deletes what was kept."""

    def __init__(
        self,
        settings: HistorySettings,
        store: Store,
        metrics: Ref[MetricsMessage],
        *,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._store = store
        self._metrics = metrics
        self._unix_time = unix_time
        self._pending: deque[Record] = deque()
        self._arrived = trio.Event()
        self._writing = trio.Lock()
        self._written = 0
        self._dropped = 0
        self._lost = 0
        self._pruned = 0
        self._trouble: str | None = None
        self._figures = StoreFigures()

    async def on_start(self) -> None:
        """Open the store and begin to write; raises ``StartFailure`` with the reason if it cannot be opened."""
        if not self._settings.enabled:
            log.info("history is off (history.enabled): no turn is kept")
            return
        try:
            await self._store.open()
        except StoreError as error:
            raise StartFailure(str(error)) from error
        self.context.nursery.start_soon(self._write_behind)
        self.context.nursery.start_soon(self._keep_checking)
        if self._settings.keep_days:
            self.context.nursery.start_soon(self._keep_pruning)

    async def handle(self, message: HistoryMessage) -> object:
        """Take a record, or find or delete what was kept."""
        match message:
            case SessionRecord() | TurnRecord() | ToolRecord():
                self._take(message)
            case FindTurns():
                self.context.reply_in_task(self._find, message)
            case ListConversations():
                self.context.reply_in_task(self._list, message)
            case DeleteRecords(what):
                self.context.reply_in_task(self._delete, what)
            case _:
                self.unhandled(message)
        return None

    async def on_stop(self) -> None:
        """Write all accepted records; the number of those that cannot be written is logged."""
        await self.context.drain()
        if not self._settings.enabled:
            return
        try:
            while self._pending or self._writing.locked():
                await self._write_batch()
        except StoreError as error:
            log.error("%d records lost at stop: %s", len(self._pending), error)  # noqa: TRY400 - the message is enough
        await self._store.close()

    def statistics(self) -> HistoryStatistics:
        """Return counts of waiting, written and lost records."""
        return HistoryStatistics(
            pending=len(self._pending),
            written=self._written,
            dropped=self._dropped,
            lost=self._lost,
            pruned=self._pruned,
            trouble=self._trouble,
            retries=self._figures.retries,
            connections=self._figures.connections,
        )

    def _take(self, record: Record) -> None:
        if not self._settings.enabled:
            return
        if len(self._pending) >= self._settings.max_pending:
            self._pending.popleft()
            self._dropped += 1
            self._metrics.tell_nowait(Count("dropped_total", ("history", "store_down")))
            self._metrics.tell_nowait(Count("history_rows_total", ("lost",)))
        self._pending.append(kept(record, has_words=self._settings.transcripts))
        self._arrived.set()

    async def _write_behind(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived = trio.Event()
            await trio.sleep(self._settings.batch_ms / 1000)
            while self._pending:
                try:
                    await self._write_batch()
                except StoreError as error:
                    self._note(error)
                    await trio.sleep(RETRY_S)

    async def _keep_checking(self) -> None:
        while True:
            await trio.sleep(CHECK_S)
            try:
                await self._check()
            except StoreError as error:
                self._note(error)
            self._show()

    def _show(self) -> None:
        """Let the metrics know how much waits, and how the store is used."""
        before, self._figures = self._figures, self._store.figures()
        figures = self._figures
        self._metrics.tell_nowait(Gauge("history_waiting_rows", (), len(self._pending)))
        for name, more in (
            ("history_retries_total", figures.retries - before.retries),
            ("history_fallbacks_total", figures.fallbacks - before.fallbacks),
        ):
            if more > 0:
                self._metrics.tell_nowait(Count(name, (), more))
        for state, count in (("open", figures.connections), ("used", figures.used)):
            self._metrics.tell_nowait(Gauge("history_connections", (state,), count))

    async def _keep_pruning(self) -> None:
        while True:
            try:
                await self._prune()
            except StoreError as error:
                log.warning("old turns are not deleted today: %s", error)
            await trio.sleep(PRUNE_EVERY_S)

    async def _prune(self) -> None:
        """Delete what is too old, step by step, so that new records are written between the steps."""
        old = Deletion(before_s=self._unix_time() - self._settings.keep_days * DAY_S)
        pruned = 0
        while count := await self._store.delete(old, PRUNE_RECORDS):
            pruned += count
            self._pruned += count
            await trio.sleep(PRUNE_PAUSE_S)
        if pruned:
            log.info("%d records older than %g days were deleted", pruned, self._settings.keep_days)

    async def _check(self) -> None:
        """Count the records lost with a deleted file; later ones go to a new file."""
        lost = await self._store.check()
        if lost is None:
            return
        self._lost += lost
        self._trouble = f"the history file was deleted or replaced, and {lost} records with it; a new one was begun"
        log.error(self._trouble)
        self._metrics.tell_nowait(Count("dropped_total", ("history", "file_deleted"), lost))
        self._metrics.tell_nowait(Count("history_rows_total", ("lost",), lost))

    def _note(self, error: StoreError) -> None:
        if self._trouble is None:
            log.warning("history waits in memory: %s", error)
        self._trouble = str(error)

    async def _write_batch(self) -> None:
        async with self._writing:
            started_s = trio.current_time()
            batch = [self._pending.popleft() for _ in range(min(len(self._pending), self._settings.batch_rows))]
            if not batch:  # another task wrote it meanwhile
                return
            try:
                await self._check()
                await self._store.write(batch)
            except StoreError:
                self._pending.extendleft(reversed(batch))
                raise
        self._written += len(batch)
        if self._trouble is not None:
            log.info("history is written again")
            self._trouble = None
        self._metrics.tell_nowait(Count("history_rows_total", ("written",), len(batch)))
        self._metrics.tell_nowait(Observe("db_write_seconds", (), trio.current_time() - started_s))

    # --- readers ---------------------------------------------------------------------------------

    async def _find(self, message: FindTurns) -> tuple[KeptTurn, ...]:
        if not self._settings.enabled:
            return ()
        try:
            return await self._store.turns(message.wanted)
        except StoreError as error:
            raise HistoryUnavailable(str(error)) from error

    async def _list(self, message: ListConversations) -> tuple[KeptConversation, ...]:
        if not self._settings.enabled:
            return ()
        try:
            return await self._store.conversations(message.wanted)
        except StoreError as error:
            raise HistoryUnavailable(str(error)) from error

    async def _delete(self, what: Deletion) -> Deleted:
        """Delete what waits and what is written, within ``DELETE_WITHIN_S``; new records are written meanwhile."""
        if not self._settings.enabled:
            raise HistoryUnavailable("history is off (history.enabled): `sayso history delete` deletes what is there")
        async with self._writing:  # what is being written now is in the store afterwards, or waits again
            waiting = len(self._pending)
            self._pending = deque(record for record in self._pending if not what.covers(record))
            deleted = waiting - len(self._pending)
        until_s = trio.current_time() + DELETE_WITHIN_S
        try:
            while count := await self._store.delete(what, PRUNE_RECORDS):
                deleted += count
                if trio.current_time() >= until_s:
                    return Deleted(deleted, is_all=False)
                await trio.sleep(PRUNE_PAUSE_S)
        except StoreError as error:
            raise HistoryUnavailable(str(error)) from error
        log.info("%d records were deleted on request", deleted)
        return Deleted(deleted, is_all=True)
