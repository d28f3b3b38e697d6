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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
import msgspec
import trio
from sqlite_utils import Database

from backends.private_files import make_private_folder, open_private
from backends.protocols import StoreError
from backends.storage.sqlite_file import CHECKED_MAX_BYTES, Identity, check, identity_of, is_damage, set_aside
from backends.storage.sqlite_schema import migrate, settings_of_connection
from config.settings import SqliteSettings
from protocol.messages.records import SessionRecord, ToolRecord, TurnRecord

log = logging.getLogger("sayso.history")
Result = TypeVar("Result")
Record = SessionRecord | TurnRecord | ToolRecord

LOCK_TIMEOUT_S: Final = 5.0  # another program that looks at the file locks it for milliseconds
PLAIN: Final = (str, int, float, type(None))  # what SQLite takes as it is
TABLES: Final = ("sessions", "conversations", "tool_calls")
DELETIONS: Final = (
    """DELETE FROM conversations WHERE rowid IN
        (SELECT rowid FROM conversations WHERE timestamp < ? ORDER BY timestamp LIMIT ?)""",
    """DELETE FROM tool_calls WHERE rowid IN
        (SELECT rowid FROM tool_calls WHERE timestamp < ? ORDER BY timestamp LIMIT ?)""",
    """DELETE FROM sessions WHERE rowid IN
        (SELECT rowid FROM sessions AS old WHERE started_at < ? AND NOT EXISTS
            (SELECT 1 FROM conversations WHERE session_id = old.session_id) LIMIT ?)""",
)  # a session stays while one of its turns does


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

    async def prune(self, before_s: float, limit: int) -> int:
        """Delete up to ``limit`` old records of each kind, return how many; raises ``StoreError``.

        The file does not shrink: SQLite uses the free pages for what comes next. What was deleted is overwritten.
        """

        def work() -> int:
            with self._explained():
                return delete_old(self._opened(self._writer), before_s, limit)

        return await self._in_thread(work, self._write_limit)

    async def recent_turns(self, limit: int) -> list[dict[str, Any]]:
        """Return the newest turns, newest first; raises ``StoreError``."""
        return await self._in_thread(lambda: self._recent(limit), self._read_limit)

    async def search_turns(self, words: str, limit: int) -> list[dict[str, Any]]:
        """Return turns in which all ``words`` were heard or replied, best match first; raises ``StoreError``."""
        return await self._in_thread(lambda: self._search(words, limit), self._read_limit)

    async def close(self) -> None:
        """Close the file; a closed store can be opened again."""
        await self._in_thread(self._end, self._write_limit)

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

    def _end(self) -> None:
        self._identity = None
        self._close()

    def _close(self) -> None:
        with self._reading:
            for database in (self._reader, self._writer):
                if database is not None:
                    database.close()
            self._reader = self._writer = None

    # --- in the reader's thread ------------------------------------------------------------------

    def _recent(self, limit: int) -> list[dict[str, Any]]:
        with self._reading, self._explained():
            turns = self._opened(self._reader).table("conversations")
            return [plain(row) for row in turns.rows_where(order_by="timestamp desc, rowid desc", limit=max(limit, 0))]

    def _search(self, words: str, limit: int) -> list[dict[str, Any]]:
        with self._reading, self._explained():
            turns = self._opened(self._reader).table("conversations")
            query = quoted(words)
            return [plain(row) for row in turns.search(query, limit=max(limit, 0))] if query else []

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
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.path}: {error}") from error


# --- rows ----------------------------------------------------------------------------------------


def insert(database: Database, records: Sequence[Record]) -> None:
    """Insert the records in one transaction; rows that are there already stay as they are."""
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
    for record in records:
        rows[table_of(record)].append(row_of(record))
    with database.atomic():
        for table, inserted in rows.items():
            if inserted:
                database.conn.executemany(insertion(table, inserted[0]), inserted)


def count_records(database: Database) -> int:
    """Return how many records the open file has, 0 if it cannot be read."""
    try:
        return sum(database.table(table).count for table in TABLES)
    except sqlite3.Error:
        return 0


def delete_old(database: Database, before_s: float, limit: int) -> int:
    """Delete up to ``limit`` records of each table from before ``before_s`` in one transaction; return how many."""
    with database.atomic():
        return sum(database.conn.execute(statement, (before_s, limit)).rowcount for statement in DELETIONS)


def insertion(table: str, row: Mapping[str, Any]) -> str:
    """Return the statement for rows like ``row``.

    ``INSERT OR IGNORE``, which sqlite-utils would write, also ignores rows with a value missing: they would be lost.
    """
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    return f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608 - names are ours


def table_of(record: Record) -> str:
    """Return the table that a record belongs to."""
    match record:
        case SessionRecord():
            return "sessions"
        case TurnRecord():
            return "conversations"
        case ToolRecord():
            return "tool_calls"


def row_of(record: Record) -> dict[str, Any]:
    """Return a record's row: its fields by name, mappings as JSON."""
    row = attrs.asdict(record, recurse=False)
    return {
        name: value if isinstance(value, PLAIN) else msgspec.json.encode(value).decode() for name, value in row.items()
    }


def quoted(words: str) -> str:
    """Return an FTS5 query for all of the words, with their special characters quoted."""
    return " ".join('"{}"'.format(word.replace('"', '""')) for word in words.replace("\0", " ").split())


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a turn's row for readers: latencies as a mapping, without SQLite's row id."""
    shown = {name: value for name, value in row.items() if name not in {"id", "rowid"}}
    return {**shown, "latency_ms": msgspec.json.decode(row["latency_ms"])}
