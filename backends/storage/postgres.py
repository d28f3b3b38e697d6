"""History in PostgreSQL, through psycopg and its pool: one writer, readers beside it, on replicas if there are any.

Rules kept here:

* Every call runs in a thread, and ends: a connection is waited for no longer than ``pool_timeout_s``, and one that does
  not answer within ``statement_timeout_s`` is broken off.
* ``write`` writes its records in one transaction; writing them again changes nothing. So a batch whose connection was
  lost is sent once more at once, by a new one; all others are closed, for they are most likely lost, too. The check of
  the pool itself would cost more, and keeps a caller waiting for seconds where all are lost.
* A server that is not there when this one starts is no error: records wait in memory, and the tables are made later.
* Looking up asks a replica first, and the primary if that fails. A replica is some milliseconds late.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
import trio
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from backends.json_faults import JSON_FAULTS
from backends.protocols import StoreError, StoreFigures
from backends.storage import queries
from backends.storage.postgres_link import (
    READING,
    WRITING,
    conninfo,
    deadline,
    in_words,
    is_lost,
    is_unreachable,
    named,
)
from backends.storage.postgres_schema import STEPS, migrate
from backends.storage.rows import by_table, call_of, conversation_of, storable, turn_of
from config.settings import HistorySettings
from protocol.messages.history import ConversationQuery, Deletion, KeptConversation, KeptTurn, Record, TurnQuery

Result = TypeVar("Result")
Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]
Work = Callable[[Connection], Result]

PART: Final = "history"
REPLICA_TIMEOUT_S: Final = 1.0  # for a connection to a replica; then the primary is asked
RECONNECT_S: Final = 3.0  # for which the pool tries a dead server with growing pauses, before it begins again
LIFETIME_S: Final = 3_600.0  # of a connection; each one leaves some memory of PostgreSQL used
REPLICA_LIFETIME_S: Final = 300.0  # a replica that was away is asked again after this, at the latest
CLOSE_S: Final = 1.0

log = logging.getLogger("sayso.history")
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns at each attempt; the history says it once


class PostgresStore:
    """The database at ``history.url`` (``backends.protocols.Store``)."""

    def __init__(self, settings: HistorySettings) -> None:
        self._settings = settings.postgres
        self._url, self._read_url = settings.url, settings.read_url
        self._name = named(settings.url)
        self._pool: Pool | None = None
        self._replicas: Pool | None = None
        self._is_migrated = False
        self._retries = 0
        self._fallbacks = 0
        self._write_limit = trio.CapacityLimiter(1)
        self._read_limit = trio.CapacityLimiter(self._settings.max_size)

    async def open(self) -> None:
        """Connect, and bring the tables up to date; raises ``StoreError`` for an address or tables that cannot be used.

        A server that is not there is tried again later.
        """
        await self._in_thread(self._open, self._write_limit)

    async def check(self) -> int | None:
        """Bring the tables up to date if that is still to be done; nothing is lost here. Raises ``StoreError``."""
        if not self._is_migrated:
            await self._in_thread(self._migrate, self._write_limit)
        return None

    async def write(self, records: Sequence[Record]) -> None:
        """Write all of them in one transaction; raises ``StoreError``."""

        def work(connection: Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                for table, rows in by_table(records).items():
                    cursor.executemany(
                        as_sent(queries.insertion(table, rows[0])), [tuple(row.values()) for row in rows]
                    )

        await self._in_thread(lambda: self._changing(work), self._write_limit)

    async def delete(self, what: Deletion, limit: int) -> int:
        """Delete up to ``limit`` records of each kind, return how many; raises ``StoreError``."""

        def work(connection: Connection) -> int:
            with connection.transaction():
                return sum(rows_of(connection, statement).rowcount for statement in queries.deletions(what, limit))

        return await self._in_thread(lambda: self._changing(work), self._write_limit)

    async def turns(self, wanted: TurnQuery) -> tuple[KeptTurn, ...]:
        """Return a page of turns with their calls, newest first; raises ``StoreError``."""

        def work(connection: Connection) -> tuple[KeptTurn, ...]:
            words = None
            if wanted.words:
                words = queries.Condition("words @@ plainto_tsquery('simple', ?)", (storable(wanted.words),))
            rows = rows_of(connection, queries.turns(wanted, words)).fetchall()
            calls = [call_of(row) for row in rows_of(connection, queries.calls_of(rows))] if rows else []
            return queries.with_calls([turn_of(row, ()) for row in rows], calls)

        return await self._in_thread(lambda: self._reading(work), self._read_limit)

    async def conversations(self, wanted: ConversationQuery) -> tuple[KeptConversation, ...]:
        """Return a page of conversations, those that began last first; raises ``StoreError``."""

        def work(connection: Connection) -> tuple[KeptConversation, ...]:
            return tuple(conversation_of(row) for row in rows_of(connection, queries.conversations(wanted)))

        return await self._in_thread(lambda: self._reading(work), self._read_limit)

    async def close(self) -> None:
        """Close all connections; a closed store can be opened again."""
        await self._in_thread(self._close, self._write_limit)

    def figures(self) -> StoreFigures:
        """Return how many connections there are and are used, and how often a batch or a question was sent again."""
        pools = [pool.get_stats() for pool in (self._pool, self._replicas) if pool is not None]
        opened = sum(stats.get("pool_size", 0) for stats in pools)
        free = sum(stats.get("pool_available", 0) for stats in pools)
        return StoreFigures(opened, opened - free, self._retries, self._fallbacks)

    async def _in_thread(self, work: Callable[[], Result], limit: trio.CapacityLimiter) -> Result:
        """Run ``work``; a caller that is cancelled does not wait for its end, which comes all the same."""
        return await trio.to_thread.run_sync(work, limiter=limit, abandon_on_cancel=True)

    # --- in a thread -----------------------------------------------------------------------------

    def _open(self) -> None:
        self._close()
        try:
            self._pool = self._made(conninfo(self._url, WRITING), LIFETIME_S)
            if self._read_url:
                self._replicas = self._made(conninfo(self._read_url, READING), REPLICA_LIFETIME_S)
        except psycopg.ProgrammingError as error:
            raise StoreError(f"history.url or history.read_url cannot be read: {in_words(error)}") from None
        try:
            self._migrate()
        except StoreUnreachable as error:
            log.warning("history waits in memory: %s", error)

    def _made(self, text: str, lifetime_s: float) -> Pool:
        settings = self._settings
        return ConnectionPool(
            text,
            min_size=settings.pool_size,
            max_size=settings.max_size,
            timeout=settings.pool_timeout_s,
            reconnect_timeout=RECONNECT_S,
            max_lifetime=lifetime_s,
            kwargs={"autocommit": True},
            open=True,
        )

    def _migrate(self) -> None:
        """Do it on a connection of its own: it fails with the reason, where the pool would only be late."""
        with (
            self._explained(),
            psycopg.connect(conninfo(self._url, WRITING), autocommit=True) as connection,
            deadline(connection, self._settings.statement_timeout_s),
        ):
            migrate(connection, PART, STEPS)
        self._is_migrated = True

    def _close(self) -> None:
        for pool in (self._pool, self._replicas):
            if pool is not None:
                pool.close(timeout=CLOSE_S)
        self._pool = self._replicas = None
        self._is_migrated = False

    def _changing(self, work: Work[Result]) -> Result:
        """Return what ``work`` does with the primary."""
        with self._explained():
            return self._tried_twice(self._opened(), work, self._settings.pool_timeout_s)

    def _reading(self, work: Work[Result]) -> Result:
        """Return what ``work`` finds at a replica, or else at the primary."""
        self._opened()
        if self._replicas is not None:
            try:
                return self._tried_twice(self._replicas, work, REPLICA_TIMEOUT_S)
            except psycopg.Error as error:
                log.info("%s is asked instead of a replica: %s", self._name, in_words(error))
                self._fallbacks += 1
        return self._changing(work)

    def _tried_twice(self, pool: Pool, work: Work[Result], timeout_s: float) -> Result:
        """Return what ``work`` does; if its connection was lost, it is done once more with a new one."""
        try:
            return self._once(pool, work, timeout_s)
        except psycopg.Error as error:
            if not is_lost(error):
                raise
            log.info("%s: sent again: %s", self._name, in_words(error))
        self._retries += 1
        pool.drain()
        return self._once(pool, work, timeout_s)

    def _once(self, pool: Pool, work: Work[Result], timeout_s: float) -> Result:
        with (
            pool.connection(timeout=timeout_s) as connection,
            deadline(connection, self._settings.statement_timeout_s),
        ):
            return work(connection)

    def _opened(self) -> Pool:
        if self._pool is None:
            raise StoreError(f"{self._name} is not open")
        return self._pool

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of PostgreSQL into ``StoreError``s that name the database."""
        try:
            yield
        except (PoolTimeout, PoolClosed) as error:
            raise StoreError(f"{self._name}: {in_words(error)}") from error
        except psycopg.Error as error:
            kind = StoreUnreachable if is_unreachable(error) else StoreError
            raise kind(f"{self._name}: {in_words(error)}") from error
        except JSON_FAULTS as error:
            raise StoreError(f"{self._name}: {error}") from error


class StoreUnreachable(StoreError):
    """The database does not answer now."""


def rows_of(connection: Connection, statement: queries.Statement) -> "psycopg.Cursor[tuple[Any, ...]]":
    """Execute a statement; return its rows."""
    return connection.execute(as_sent(statement.sql), statement.values)


def as_sent(sql: str) -> bytes:
    """Return a statement of ``queries`` as psycopg takes it; it has no other ``?`` and no ``%``."""
    return sql.replace("?", "%s").encode()
