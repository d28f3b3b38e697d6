"""History in one SQLite file, through sqlite-utils.

Rules kept here:

* One writer at a time, each batch one transaction, always in a thread.
* A damaged file is set aside as ``…damaged-N`` and reported, never deleted.
* The schema has a version (``PRAGMA user_version``); a migration is a function in ``MIGRATIONS``.
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import sqlite_utils
import trio

from backends.protocols import StoreError
from config.settings import HistorySettings
from protocol.messages import SessionRecord, ToolRecord, TurnRecord

log = logging.getLogger("sayso.sqlite")
BUSY_TIMEOUT_S: Final = 5.0  # a backup may hold the file for a moment
Row = dict[str, Any]


def _create(database: sqlite_utils.Database) -> None:
    database["sessions"].create({"session_id": str, "user_id": str, "started_at": float}, pk="session_id")
    database["sessions"].create_index(["user_id"], "idx_session_user")
    database["conversations"].create(
        {
            "turn_id": str,
            "session_id": str,
            "user_id": str,
            "timestamp": float,
            "heard": str,
            "replied": str,
            "outcome": str,
            "source": str,
            "latency_ms": str,
        },
        pk="turn_id",
    )
    database["conversations"].create_index(["timestamp"], "idx_conversation_timestamp")
    database["conversations"].enable_fts(["heard", "replied"], create_triggers=True)
    database["tool_calls"].create(
        {
            "call_id": str,
            "session_id": str,
            "turn_id": str,
            "timestamp": float,
            "server": str,
            "tool": str,
            "arguments": str,
            "ok": int,
            "result": str,
            "duration_ms": float,
            "transcript": str,
            "confidence": float,
        },
        pk="call_id",
    )


MIGRATIONS: Final[tuple[Callable[[sqlite_utils.Database], None], ...]] = (_create,)
TABLES: Final = {SessionRecord: "sessions", TurnRecord: "conversations", ToolRecord: "tool_calls"}


class SqliteStore:
    """The ``Store`` of one file."""

    def __init__(self, settings: HistorySettings) -> None:
        self._settings = settings
        self._database: sqlite_utils.Database | None = None
        self._turn = trio.Lock()
        self.set_aside: Path | None = None
        """Where a damaged file was put, if there was one."""

    async def open(self) -> None:
        """Create or migrate the schema; raises ``StoreError``."""
        await self._in_thread(self._open)

    async def write(self, records: Sequence[SessionRecord | TurnRecord | ToolRecord]) -> None:
        """Write all of them in one transaction; raises ``StoreError``."""
        await self._in_thread(lambda: self._write(records))

    async def recent_turns(self, limit: int) -> list[Row]:
        """Return the newest turns, newest first; raises ``StoreError``."""
        found: list[Row] = await self._in_thread(lambda: self._recent(limit))
        return found

    async def close(self) -> None:
        """Close the file."""
        await self._in_thread(self._close)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        async with self._turn:
            try:
                return await trio.to_thread.run_sync(work)
            except (sqlite3.Error, OSError) as error:
                raise StoreError(f"{self._settings.path}: {error}") from error

    # --- in the thread ---------------------------------------------------------------------------

    def _open(self) -> None:
        path = Path(self._settings.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = self._connect(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self.set_aside = _set_aside(path)
            log.error("history was damaged (%s); set aside as %s", error, self.set_aside)  # noqa: TRY400 - one line
            self._database = self._connect(path)

    def _connect(self, path: Path) -> sqlite_utils.Database:
        connection = sqlite3.connect(path, check_same_thread=False, timeout=BUSY_TIMEOUT_S)
        try:
            for pragma in (
                "journal_mode=WAL",
                "synchronous=NORMAL",
                f"cache_size={self._settings.cache_pages}",
                "temp_store=MEMORY",
                f"mmap_size={self._settings.mmap_bytes}",
            ):
                connection.execute(f"PRAGMA {pragma}")
            database = sqlite_utils.Database(connection)
            _migrate(database)
        except BaseException:
            connection.close()
            raise
        return database

    def _write(self, records: Sequence[SessionRecord | TurnRecord | ToolRecord]) -> None:
        database = self._opened()
        with database.atomic():
            for kind, table in TABLES.items():
                rows = [row_of(record) for record in records if isinstance(record, kind)]
                if rows:
                    database.table(table).insert_all(rows, ignore=True)

    def _recent(self, limit: int) -> list[Row]:
        rows = self._opened()["conversations"].rows_where(order_by="timestamp desc, rowid desc", limit=limit)
        return [{**row, "latency_ms": json.loads(row["latency_ms"])} for row in rows]

    def _opened(self) -> sqlite_utils.Database:
        if self._database is None:
            raise sqlite3.ProgrammingError("the store is not open")
        return self._database

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def row_of(record: SessionRecord | TurnRecord | ToolRecord) -> Row:
    """Return a record as columns: mappings become JSON, truth becomes 0 or 1."""
    row = attrs.asdict(record, recurse=False)
    for name in ("latency_ms", "arguments"):
        if name in row:
            row[name] = json.dumps(dict(row[name]))
    if "ok" in row:
        row["ok"] = int(row["ok"])
    return row


def _migrate(database: sqlite_utils.Database) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
        with database.atomic():
            migration(database)
        database.execute(f"PRAGMA user_version = {number}")


def _set_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside
