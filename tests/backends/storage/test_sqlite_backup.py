"""Copies of the history file."""

import sqlite3
import stat
from pathlib import Path

import attrs
import pytest

from backends.builtin.owned_sqlite import SqliteOwnedStore
from backends.protocols import StoreError
from backends.storage.sqlite import SqliteStore
from backends.storage.sqlite_backup import back_up
from tests.backends.storage.record_fixtures import CALL, SESSION, TURN, found, turn
from tests.fakes import default_settings


def store_at(path: Path) -> SqliteStore:
    return SqliteStore(attrs.evolve(default_settings().history.sqlite, path=path))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_copy_has_what_was_written_so_far_and_the_things_of_users(tmp_path: Path) -> None:
    store, things = store_at(tmp_path / "history.db"), SqliteOwnedStore(tmp_path / "history.db")
    await store.open()
    await store.write([SESSION, TURN, CALL])
    with things.changing("anna") as change:
        change.add("note", {"text": "call Bob"})

    size_bytes = back_up(tmp_path / "history.db", tmp_path / "copy.db")

    await store.write([turn(2)])
    await store.close()
    things.close()
    copy = tmp_path / "copy.db"
    assert size_bytes == copy.stat().st_size > 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert names_in(tmp_path) == ["copy.db", "history.db"]
    restored, kept = store_at(copy), SqliteOwnedStore(copy)
    await restored.open()
    assert await found(restored) == ["t1"]
    assert [note.body for note in kept.things("anna", "note")] == [{"text": "call Bob"}]
    await restored.write([turn(3)])
    await restored.close()
    kept.close()


def test_a_transaction_that_is_open_is_not_in_the_copy(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE things (name TEXT)")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO things VALUES ('half')")
    back_up(path, tmp_path / "copy.db")
    writer.execute("COMMIT")
    writer.close()
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT count(*) FROM things").fetchone() == (0,)
    copy.close()


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "history.db").close()
    (tmp_path / "history.db").touch()
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(StoreError, match=r"copy\.db exists already"):
        back_up(tmp_path / "history.db", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_what_cannot_be_copied_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database at"):
        back_up(tmp_path / "history.db", tmp_path / "copy.db")
    (tmp_path / "history.db").write_bytes(b"what is this? " * 100)
    with pytest.raises(StoreError, match="was not copied to"):
        back_up(tmp_path / "history.db", tmp_path / "copy.db")
    with pytest.raises(StoreError, match="No such file or directory"):
        back_up(tmp_path / "history.db", tmp_path / "nowhere" / "copy.db")
    assert names_in(tmp_path) == ["history.db"]
