"""Things of users in a SQLite file, which is the history's: two processes write it, each its own tables.

Rules kept here:

* The tables have a schema version of their own: the file's ``user_version`` is the history's.
* A change takes the file's write lock first (``BEGIN IMMEDIATE``), so that what it reads is what it changes. No wait
  for the lock is longer than ``LOCK_WITHIN_S``.
* A file that was deleted or replaced is noticed before each use, and opened anew. A damaged one is set aside, reported
  and never deleted, unless another process has done so already.
* The file is readable for its owner only.
"""

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from backends.builtin.asker import asker
from backends.builtin.owned import Body, OwnedThing, StoreBusy, StoreFailed, Telling
from backends.builtin.owned_rows import RowsChange, json_of, telling_of, thing_of, things_of
from backends.builtin.wording import told
from backends.private_files import make_private_folder, open_private
from backends.storage.sqlite_file import CHECKED_MAX_BYTES, Identity, check, identity_of, is_damage, set_aside

log = logging.getLogger("sayso.tools_server")
Result = TypeVar("Result")

LOCK_WITHIN_S: Final = 1.0  # a change takes milliseconds; a process that holds the lock for longer is stopped or hangs
SCHEMA_TABLE: Final = "CREATE TABLE IF NOT EXISTS owned_schema (version INTEGER NOT NULL)"
STEPS: Final[Sequence[Sequence[str]]] = (
    (
        # AUTOINCREMENT: without it the id of the newest thing is used again when that is deleted
        """CREATE TABLE owned_things (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            user TEXT NOT NULL,
            kind TEXT NOT NULL,
            body TEXT NOT NULL)""",
        "CREATE INDEX idx_owned_thing ON owned_things(user, kind)",
        """CREATE TABLE owned_changes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            user TEXT NOT NULL,
            before TEXT NOT NULL,
            after TEXT NOT NULL)""",
        "CREATE INDEX idx_owned_change ON owned_changes(user)",
        """CREATE TABLE owned_tellings (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            user TEXT NOT NULL,
            due_s REAL NOT NULL,
            body TEXT NOT NULL,
            claimant TEXT NOT NULL DEFAULT '',
            claimed_until_s REAL NOT NULL DEFAULT 0)""",
        "CREATE INDEX idx_owned_telling ON owned_tellings(user)",
        "CREATE TABLE owned_imports (name TEXT PRIMARY KEY)",
    ),
)
"""A step is never changed once it was released: a change of the schema is a further step."""


class SqliteOwnedStore:
    """The file at ``path`` (``backends.builtin.owned.OwnedStore``)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: sqlite3.Connection | None = None
        self._identity: Identity | None = None

    def things(self, user: str, kind: str) -> Sequence[OwnedThing]:
        """Return a user's things of a kind, the oldest first."""
        return self._run(lambda file: things_of(file.execute, user, kind))

    def all_things(self, kinds: Iterable[str]) -> Sequence[OwnedThing]:
        """Return the things of these kinds of every user, the oldest first."""
        wanted = list(kinds)
        marks = ", ".join("?" * len(wanted))
        found = f"SELECT id, user, kind, body FROM owned_things WHERE kind IN ({marks}) ORDER BY id"  # noqa: S608 - ?
        return self._run(lambda file: [thing_of(row) for row in file.execute(found, wanted)])

    @contextmanager
    def changing(self, user: str, *, can_be_undone: bool = True) -> Iterator[RowsChange]:
        """Return a block that is one transaction; an error within it changes nothing."""
        file = self._run(_begin)
        change = RowsChange(file.execute, user)
        number: int | None = None
        try:
            with self._explained():
                yield change
                if can_be_undone:
                    number = change.note()
                file.execute("COMMIT")
        finally:
            if file.in_transaction:
                file.execute("ROLLBACK")
        if number is not None:
            asker().changes.append(number)

    def undo(self, user: str, number: int) -> None:
        """Take a change back exactly; raises ``NoSuchChange`` if it is unknown or something has changed since."""
        with self.changing(user) as change:
            change.undo(number)

    def claim(self, users: Iterable[str], claimant: str, *, now_s: float, until_s: float) -> Sequence[Telling]:
        """Return what these users have to be told and nobody else has claimed, and claim it until ``until_s``."""
        wanted = json.dumps(list(users))
        free = """SELECT id, user, due_s, body FROM owned_tellings WHERE claimed_until_s <= ?
            AND user IN (SELECT value FROM json_each(?)) ORDER BY due_s, id"""

        def work(file: sqlite3.Connection) -> Sequence[Telling]:
            found = [telling_of(row) for row in file.execute(free, (now_s, wanted))]
            claims = [(claimant, until_s, telling.id) for telling in found]
            file.executemany("UPDATE owned_tellings SET claimant = ?, claimed_until_s = ? WHERE id = ?", claims)
            return found

        return self._transact(work) if self._run(lambda file: file.execute(free, (now_s, wanted)).fetchone()) else ()

    def told(self, ids: Iterable[int]) -> None:
        """Forget what users have been told."""
        gone = [(id_,) for id_ in ids]
        self._transact(lambda file: file.executemany("DELETE FROM owned_tellings WHERE id = ?", gone))

    def release(self, claimant: str) -> None:
        """Give up all claims of ``claimant``."""
        self._transact(
            lambda file: file.execute("UPDATE owned_tellings SET claimed_until_s = 0 WHERE claimant = ?", (claimant,))
        )

    def waiting_until_s(self, users: Iterable[str]) -> float | None:
        """Return the Unix time at which the next claim of something for these users ends; 0 if it is free now."""
        wanted = json.dumps(list(users))
        found = """SELECT min(claimed_until_s) FROM owned_tellings
            WHERE user IN (SELECT value FROM json_each(?))"""
        (until_s,) = self._run(lambda file: file.execute(found, (wanted,)).fetchone())
        return None if until_s is None else float(until_s)

    def import_once(self, name: str, user: str, things: Iterable[tuple[str, Body]]) -> bool:
        """Keep things that an older version kept elsewhere, unless ``name`` was imported before; return whether."""
        rows = [(user, kind, json_of(body)) for kind, body in things]

        def work(file: sqlite3.Connection) -> bool:
            is_new = file.execute("INSERT INTO owned_imports VALUES (?) ON CONFLICT DO NOTHING", (name,)).rowcount > 0
            if is_new:
                file.executemany("INSERT INTO owned_things (user, kind, body) VALUES (?, ?, ?)", rows)
            return is_new

        return self._transact(work)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._open is not None:
            self._open.close()
        self._open = self._identity = None

    # --- the file --------------------------------------------------------------------------------

    def _transact(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        file = self._run(_begin)
        try:
            with self._explained():
                result = work(file)
                file.execute("COMMIT")
                return result
        finally:
            if file.in_transaction:
                file.execute("ROLLBACK")

    def _run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what ``work`` does with the open file; a damaged one is set aside, and it is done with a new one."""
        with self._explained():
            try:
                return work(self._connected())
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._start_anew(error)
                return work(self._connected())

    def _connected(self) -> sqlite3.Connection:
        if self._open is None or identity_of(self.path) != self._identity:
            if self._open is not None:
                log.error(
                    "%s was deleted or replaced; timers, alarms, reminders, lists and notes begin anew", self.path
                )
            self.close()
            self._open = self._connect()
        return self._open

    def _connect(self) -> sqlite3.Connection:
        make_private_folder(self.path.parent)
        descriptor = open_private(self.path, os.O_RDWR)  # SQLite gives the files beside it the same mode
        found = os.fstat(descriptor)
        os.close(descriptor)  # before SQLite has it open: closing gives up all locks of this process on the file
        self._identity = (found.st_dev, found.st_ino)
        file = sqlite3.connect(self.path, timeout=LOCK_WITHIN_S, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
                file.execute(f"PRAGMA {pragma}")
            if self.path.stat().st_size <= CHECKED_MAX_BYTES:
                check(file)
            migrate(file, self.path)
        except BaseException:
            file.close()
            raise
        return file

    def _start_anew(self, error: sqlite3.DatabaseError) -> None:
        mine = self._identity
        self.close()
        if identity_of(self.path) != mine:  # another process has set it aside, and may have begun a new one
            return
        aside = set_aside(self.path)
        log.error("%s is damaged (%s); it was set aside as %s, and a new one begins", self.path, error, aside.name)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of SQLite and of the file system into words for the user, and log what they are."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                log.warning("%s was locked by another process for %g s", self.path, LOCK_WITHIN_S)
                raise StoreBusy(told("That is being changed elsewhere. Please try again.")) from None
            raise self._failed(error) from error
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StoreFailed:
        log.error("%s: %s", self.path, error)
        return StoreFailed(told("That cannot be kept now."))


def migrate(file: sqlite3.Connection, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Bring the tables to the newest version; two processes may do so at once.

    Raises ``StoreFailed`` for tables of a newer version, ``sqlite3.Error`` if a step fails, which then has no effect.
    """
    _begin(file)
    try:
        file.execute(SCHEMA_TABLE)
        (version,) = file.execute("SELECT max(version) FROM owned_schema").fetchone()
        if (version or 0) > len(steps):
            log.error("%s has tables of version %d, and this sayso knows versions up to %d", path, version, len(steps))
            raise StoreFailed(told("That cannot be kept now."))
        for number in range(version or 0, len(steps)):
            for statement in steps[number]:
                file.execute(statement)
            file.execute("INSERT INTO owned_schema VALUES (?)", (number + 1,))
        file.execute("COMMIT")
    finally:
        if file.in_transaction:
            file.execute("ROLLBACK")


def _begin(file: sqlite3.Connection) -> sqlite3.Connection:
    file.execute("BEGIN IMMEDIATE")
    return file
