"""History in one SQLite file, through sqlite-utils: one writer, readers beside it.

Rules kept here:

* Every call runs in a thread. One connection writes and one reads, each used by one thread at a time; with the
  write-ahead log they do not wait for each other.
* ``write`` writes its records in one transaction; writing them again changes nothing, so a batch may be repeated.
* A file that is deleted or replaced under the server is noticed by ``check``, and opened anew.
* A damaged file is set aside with its log, reported, and never deleted.
* The file is readable for its owner only: it holds what people said.
"""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import trio
from sqlite_utils import Database

from backends.json_faults import JSON_FAULTS
from backends.private_files import make_private_folder, open_private
from backends.protocols import StoreError, StoreFigures
from backends.storage import queries
from backends.storage.rows import TABLES, by_table, call_of, conversation_of, storable, turn_of
from backends.storage.sqlite_file import CHECKED_MAX_BYTES, Identity, check, identity_of, is_damage, set_aside
from backends.storage.sqlite_schema import migrate, settings_of_connection
from config.settings import SqliteSettings
from protocol.messages.history import (
    ConversationQuery,
    Deletion,
    KeptConversation,
    KeptTurn,
    Record,
    TurnQuery,
)

log = logging.getLogger("sayso.history")
Result = TypeVar("Result")

LOCK_TIMEOUT_S: Final = 5.0  # another program that looks at the file locks it for milliseconds


class SqliteStore:
    """The file at ``history.sqlite.path`` (``backends.protocols.Store``); ``damaged`` lists those set aside."""

    def __init__(self, settings: SqliteSettings) -> None:
        self.path = settings.path
        self.damaged: tuple[Path, ...] = ()
        self._settings = settings
        self._writer: Database | None = None
        self._reader: Database | None = None
        self._identity: Identity | None = None  # of the file that is open
        self._lost: int | None = None  # records that went with a file, not yet told
        self._is_to_forget = False  # whether something was deleted whose words may still be in the search index
        self._reading = threading.Lock()  # held by queries, so that ``close`` does not close the reader under one
        self._write_limit = trio.CapacityLimiter(1)
        self._read_limit = trio.CapacityLimiter(1)

    async def open(self) -> None:
        """Open the file, or set a damaged one aside and begin a new one; raises ``StoreError``."""
        await self._in_thread(self._open, self._write_limit)

    async def check(self) -> int | None:
        """Open the file anew if it is no longer at its path; raises ``StoreError`` if that fails.

        Returns how many records were in the file that is gone, ``None`` if the file is in its place.
        """
        return await self._in_thread(self._check, self._write_limit)

    async def write(self, records: Sequence[Record]) -> None:
        """Write all of them in one transaction; raises ``StoreError``."""
        await self._in_thread(lambda: self._write(records), self._write_limit)

    async def delete(self, what: Deletion, limit: int) -> int:
        """Delete up to ``limit`` records of each kind, return how many; raises ``StoreError``.

        The file does not shrink: SQLite uses the free pages for what comes next. What was deleted is overwritten, and
        its words are out of the search index once a call has found nothing more to delete.
        """

        def work() -> int:
            with self._explained():
                database = self._opened(self._writer)
                count = delete(database, what, limit)
                if not count and self._is_to_forget:
                    forget(database)
                self._is_to_forget = count > 0
                return count

        return await self._in_thread(work, self._write_limit)

    async def turns(self, wanted: TurnQuery) -> tuple[KeptTurn, ...]:
        """Return a page of turns with their calls, newest first; raises ``StoreError``."""
        return await self._in_thread(lambda: self._turns(wanted), self._read_limit)

    async def conversations(self, wanted: ConversationQuery) -> tuple[KeptConversation, ...]:
        """Return a page of conversations, those that began last first; raises ``StoreError``."""
        return await self._in_thread(lambda: self._conversations(wanted), self._read_limit)

    async def close(self) -> None:
        """Close the file; a closed store can be opened again."""

        def work() -> None:
            self._identity = None
            self._close()

        await self._in_thread(work, self._write_limit)

    def figures(self) -> StoreFigures:
        """Return that there is nothing to tell of a file."""
        return StoreFigures()

    async def _in_thread(self, work: Callable[[], Result], limit: trio.CapacityLimiter) -> Result:
        """Run ``work`` to its end, even if the caller is cancelled: half a transaction is of no use."""
        return await trio.to_thread.run_sync(work, limiter=limit)

    # --- in the writer's thread ------------------------------------------------------------------

    def _open(self) -> None:
        self._close()
        with self._explained():
            try:
                self._connect()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._start_anew(error)
            finally:
                if self._reader is None:  # the file was not opened
                    self._close()

    def _connect(self) -> None:
        make_private_folder(self.path.parent)
        descriptor = open_private(self.path, os.O_RDWR)  # SQLite gives the files beside it the same mode
        found = os.fstat(descriptor)
        os.close(descriptor)  # before SQLite has it open: closing gives up all locks of this process on the file
        self._identity = (found.st_dev, found.st_ino)
        self._writer = writer = self._database()
        if self.path.stat().st_size <= CHECKED_MAX_BYTES:
            check(writer.conn)
        migrate(writer, self.path)
        self._reader = self._database()

    def _database(self) -> Database:
        connection = sqlite3.connect(self.path, timeout=LOCK_TIMEOUT_S, check_same_thread=False)
        database = Database(connection)
        try:
            for statement in settings_of_connection(self._settings):
                database.execute(statement)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _start_anew(self, error: sqlite3.DatabaseError) -> None:
        """Set the file aside and begin a new one."""
        self._close()
        aside = set_aside(self.path)
        self.damaged = (*self.damaged, aside)
        log.error("%s is damaged (%s); it was set aside as %s, and a new one begins", self.path, error, aside.name)
        self._connect()

    def _check(self) -> int | None:
        if self._identity is None or (self._writer is not None and identity_of(self.path) == self._identity):
            return None
        if self._writer is not None:
            self._lost = (self._lost or 0) + count_records(self._writer)
        self._open()  # SQLite leaves the files of a database alone that has been moved away from its path
        lost, self._lost = self._lost, None
        return lost

    def _write(self, records: Sequence[Record]) -> None:
        with self._explained():
            try:
                insert(self._opened(self._writer), records)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._start_anew(error)
                insert(self._opened(self._writer), records)

    def _close(self) -> None:
        with self._reading:
            for database in (self._reader, self._writer):
                if database is not None:
                    database.close()
            self._reader = self._writer = None

    # --- in the reader's thread ------------------------------------------------------------------

    def _turns(self, wanted: TurnQuery) -> tuple[KeptTurn, ...]:
        words = None
        if wanted.words:
            query = quoted(wanted.words)
            if not query:
                return ()
            fitting = "id IN (SELECT rowid FROM conversations_fts WHERE conversations_fts MATCH ?)"
            words = queries.Condition(fitting, (query,))
        with self._reading, self._explained():
            database = self._opened(self._reader)
            rows = rows_of(database, queries.turns(wanted, words)).fetchall()
            if not rows:
                return ()
            calls = [call_of(row) for row in rows_of(database, queries.calls_of(rows))]
            return queries.with_calls([turn_of(row, ()) for row in rows], calls)

    def _conversations(self, wanted: ConversationQuery) -> tuple[KeptConversation, ...]:
        with self._reading, self._explained():
            found = rows_of(self._opened(self._reader), queries.conversations(wanted))
            return tuple(conversation_of(row) for row in found)

    # --- both ------------------------------------------------------------------------------------

    def _opened(self, database: Database | None) -> Database:
        if database is None:
            raise StoreError(f"{self.path} is not open")
        return database

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of SQLite and of the file system into ``StoreError``s that name the file."""
        try:
            yield
        except (sqlite3.Error, OSError, *JSON_FAULTS) as error:
            raise StoreError(f"{self.path}: {error}") from error


# --- rows ----------------------------------------------------------------------------------------


def insert(database: Database, records: Sequence[Record]) -> None:
    """Insert the records in one transaction; rows that are there already stay as they are."""
    with database.atomic():
        for table, rows in by_table(records).items():
            database.conn.executemany(queries.insertion(table, rows[0]), [tuple(row.values()) for row in rows])


def count_records(database: Database) -> int:
    """Return how many records the open file has, 0 if it cannot be read."""
    try:
        return sum(database.table(table).count for table in TABLES.values())
    except sqlite3.Error:
        return 0


def delete(database: Database, what: Deletion, limit: int) -> int:
    """Delete up to ``limit`` records of each kind in one transaction; return how many."""
    with database.atomic():
        return sum(rows_of(database, statement).rowcount for statement in queries.deletions(what, limit))


def forget(database: Database) -> None:
    """Remove the words of deleted turns from the search index and from the log, where they would stay for a while."""
    with database.atomic():
        database.execute("INSERT INTO conversations_fts (conversations_fts) VALUES ('optimize')")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def rows_of(database: Database, statement: queries.Statement) -> sqlite3.Cursor:
    """Execute a statement; return its rows."""
    cursor: sqlite3.Cursor = database.conn.execute(statement.sql, statement.values)
    return cursor


def quoted(words: str) -> str:
    """Return an FTS5 query for all of the words, with their special characters quoted."""
    return " ".join('"{}"'.format(word.replace('"', '""')) for word in storable(words.replace("\0", " ")).split())
