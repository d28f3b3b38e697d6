"""The history file: what is written can be read, found, repeated, and survives damage by being set aside."""

import logging
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from backends.protocols import StoreError
from backends.storage.sqlite import SqliteStore
from backends.storage.sqlite_file import set_aside
from backends.storage.sqlite_schema import STEPS
from config.settings import SqliteSettings
from protocol.messages.history import ConversationQuery, Deletion, TurnQuery
from tests.backends.storage.record_fixtures import CALL, SESSION, TURN, found, turn
from tests.fakes import default_settings


def settings_for(path: Path) -> SqliteSettings:
    return attrs.evolve(default_settings().history.sqlite, path=path)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(settings_for(path))
    await store.open()
    try:
        yield store
    finally:
        with trio.CancelScope(shield=True):
            await store.close()


def rows(path: Path, sql: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def fill(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)


def delete(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.db"


# --- the database --------------------------------------------------------------------------------


async def test_a_batch_is_written_whole_or_not_at_all(path: Path) -> None:
    async with opened(path) as store:
        with pytest.raises(StoreError, match=r"history\.db: NOT NULL"):
            await store.write([SESSION, TURN, attrs.evolve(CALL, tool=None)])  # type: ignore[arg-type] # the mistake

        await store.write([turn(2)])

    assert rows(path, "SELECT count(*) FROM sessions") == [(0,)]
    assert rows(path, "SELECT turn_id FROM conversations") == [("t2",)]


async def test_readers_see_what_is_committed_while_others_write(path: Path) -> None:
    async with opened(path) as store, trio.open_nursery() as nursery:
        for start in range(0, 200, 20):
            nursery.start_soon(store.write, [turn(start + number) for number in range(20)])
        counts = [len(await found(store)) for _ in range(10)]

    assert all(count % 20 == 0 for count in counts)
    assert rows(path, "SELECT count(*) FROM conversations") == [(200,)]


# --- the file ------------------------------------------------------------------------------------


async def test_the_file_has_the_indexes_and_the_journal_of_the_guide(path: Path) -> None:
    async with opened(path) as store:
        connection = store._writer
        assert connection is not None
        pragmas = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in (
                "journal_mode",
                "synchronous",
                "cache_size",
                "temp_store",
                "mmap_size",
                "secure_delete",
                "user_version",
            )
        }

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 1,
        "cache_size": 10_000,
        "temp_store": 2,
        "mmap_size": 268_435_456,
        "secure_delete": 1,
        "user_version": len(STEPS),
    }
    indexes = {name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {"idx_conversation_timestamp", "idx_session_user"} <= indexes
    plan = rows(path, "EXPLAIN QUERY PLAN SELECT * FROM conversations ORDER BY timestamp DESC, rowid DESC LIMIT 5")
    assert "idx_conversation_timestamp" in plan[0][3]


async def test_only_its_owner_may_read_the_file(path: Path) -> None:
    async with opened(path) as store:
        await store.write([TURN])
        files = list(path.parent.glob("history.db*"))
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    fill(path, b"")
    path.chmod(0o644)  # noqa: ASYNC240 - a local file
    async with opened(path):
        assert mode(path) == 0o600


async def test_a_folder_that_it_makes_is_for_its_owner(path: Path) -> None:
    async with opened(path):
        assert mode(path.parent) == 0o700


async def test_a_file_is_found_again_as_it_was(path: Path) -> None:
    async with opened(path) as store:
        await store.write([TURN])
    async with opened(path) as store:
        await store.write([turn(2)])
        assert len(await found(store)) == 2
        assert store.damaged == ()


async def test_a_file_that_is_deleted_under_the_server_is_begun_anew(path: Path) -> None:
    async with opened(path) as store:
        await store.write([SESSION, TURN, CALL])
        assert await store.check() is None
        delete(path)

        assert await store.check() == 3
        assert await store.check() is None
        await store.write([turn(2)])
        assert await found(store) == ["t2"]

    assert rows(path, "SELECT turn_id FROM conversations") == [("t2",)]


async def test_a_file_that_is_replaced_is_opened_and_kept(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "backup" / "history.db"
    async with opened(other) as store:
        await store.write([turn(1), turn(2)])
    async with opened(path) as store:
        await store.write([turn(3)])
        delete(path)
        other.rename(path)

        assert await store.check() == 1
        await store.write([turn(4)])

    assert rows(path, "SELECT turn_id FROM conversations") == [("t1",), ("t2",), ("t4",)]


async def test_what_cannot_be_opened_anew_is_tried_again_and_nothing_is_counted_twice(path: Path) -> None:
    async with opened(path) as store:
        await store.write([turn(1)])
        delete(path)
        path.mkdir()  # noqa: ASYNC240 - a local file
        for _ in range(2):
            with pytest.raises(StoreError, match="Is a directory"):
                await store.check()
        path.rmdir()  # noqa: ASYNC240 - a local file

        assert await store.check() == 1
        await store.write([turn(2)])

    assert rows(path, "SELECT turn_id FROM conversations") == [("t2",)]


async def test_what_was_deleted_is_in_no_byte_of_the_files(path: Path) -> None:
    async with opened(path) as store:
        await store.write([turn(1), turn(2, heard="the rhinoceros", replied="A rhinoceros.", session_id="s2")])
        while await store.delete(Deletion(session_id="s2"), 100):
            pass
        left = [file.name for file in path.parent.iterdir() if b"rhinoceros" in file.read_bytes()]

    assert left == []


async def test_a_closed_store_is_not_opened_by_a_check(path: Path) -> None:
    async with opened(path) as store:
        pass
    delete(path)

    assert await store.check() is None
    assert list(path.parent.iterdir()) == []


async def test_a_store_can_be_opened_twice_by_a_restarted_owner(path: Path) -> None:
    async with opened(path) as store:
        await store.write([TURN])
        await store.open()
        assert len(await found(store)) == 1


async def test_a_file_of_an_older_version_is_brought_up(path: Path) -> None:
    path.parent.mkdir()
    sqlite3.connect(path).close()
    async with opened(path) as store:
        await store.write([TURN])

    assert rows(path, "PRAGMA user_version") == [(len(STEPS),)]


async def test_whose_words_the_turns_of_the_first_version_were_is_not_known(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    for statement in STEPS[0]:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO sessions VALUES ('s1', 'phone', 1000.0)")
    connection.execute(
        "INSERT INTO conversations VALUES (7, 't1', 's1', 'phone', 1001.0, 'hi', 'ho', 'done', NULL, '{}')"
    )
    call = "'c1', 's1', 't1', 1001.0, 'home', 'light', '{}', 1, 'on', 1.0, 'hi', 0.9"
    connection.execute(f"INSERT INTO tool_calls VALUES ({call})")
    connection.commit()
    connection.close()

    async with opened(path) as store:
        (kept,) = await store.turns(TurnQuery(words="hi"))
        (conversation,) = await store.conversations(ConversationQuery())
        assert await found(store, user_id="phone") == []

    assert (kept.record.user_id, kept.record.language, kept.record.confidence) == ("", None, None)
    assert [(call.tool, call.user_id) for call in kept.calls] == [("light", "")]
    assert (conversation.user_id, conversation.client_id) == ("", "phone")


async def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    async with opened(path):
        pass
    rows(path, "PRAGMA user_version = 99")

    with pytest.raises(StoreError, match=r"history\.db has schema version 99.*use a newer sayso"):
        await SqliteStore(settings_for(path)).open()

    assert list(path.parent.glob("*damaged*")) == []


async def test_a_step_that_fails_has_no_effect(path: Path) -> None:
    path.parent.mkdir()
    rows(path, "CREATE TABLE conversations (something TEXT)")

    with pytest.raises(StoreError, match=r"history\.db: table conversations already exists"):
        await SqliteStore(settings_for(path)).open()

    assert rows(path, "SELECT name FROM sqlite_master") == [("conversations",)]


@pytest.mark.parametrize("call", ["write", "delete", "turns", "conversations"])
async def test_a_store_that_is_not_open_says_so(path: Path, call: str) -> None:
    store = SqliteStore(settings_for(path))
    arguments: dict[str, tuple[Any, ...]] = {
        "write": ([TURN],),
        "delete": (Deletion(before_s=1.0), 1),
        "turns": (TurnQuery(),),
        "conversations": (ConversationQuery(),),
    }

    with pytest.raises(StoreError, match=r"history\.db is not open"):
        await getattr(store, call)(*arguments[call])


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"file/history\.db"):
        await SqliteStore(settings_for(tmp_path / "file" / "history.db")).open()
    with pytest.raises(StoreError, match=str(tmp_path)):
        await SqliteStore(settings_for(tmp_path)).open()


async def test_a_locked_file_is_trouble_but_no_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.storage.sqlite.LOCK_TIMEOUT_S", 0.05)
    async with opened(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            await store.write([TURN])
        other.execute("COMMIT")
        other.close()

        await store.write([TURN])
        assert store.damaged == ()


# --- damage --------------------------------------------------------------------------------------


async def test_a_file_that_is_no_database_is_set_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(path, b"what is this? " * 1_000)

    async with opened(path) as store:
        await store.write([TURN])
        assert len(await found(store)) == 1
        assert store.damaged == (path.with_name("history.db.damaged-1"),)

    assert path.with_name("history.db.damaged-1").read_bytes() == b"what is this? " * 1_000
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "set aside as history.db.damaged-1" in caplog.text


def tear(path: Path, start: int) -> None:
    """Overwrite the file from a byte on."""
    whole = path.read_bytes()
    path.write_bytes(whole[:start] + b"\xa5" * (len(whole) - start))


async def test_a_file_that_is_torn_is_set_aside_at_the_start(path: Path) -> None:
    async with opened(path) as store:
        await store.write([turn(number) for number in range(500)])
    tear(path, 65_536)

    async with opened(path) as store:
        assert len(store.damaged) == 1
        assert await found(store) == []


async def test_damage_that_is_met_while_writing_loses_nothing_new(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(path) as store:
        await store.write([turn(number) for number in range(500)])
    tear(path, 65_536)
    monkeypatch.setattr("backends.storage.sqlite.CHECKED_MAX_BYTES", 0)

    async with opened(path) as store:
        assert store.damaged == ()
        await store.write([SESSION, turn(1_000), CALL])

        assert len(store.damaged) == 1
        assert await found(store) == ["t1000"]


def test_each_damaged_file_gets_a_number_and_keeps_its_log(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"first", b"second"):
        path.write_bytes(content)
        path.with_name("history.db-wal").write_bytes(content)
        set_aside(path)

    assert path.with_name("history.db.damaged-1").read_bytes() == b"first"
    assert path.with_name("history.db.damaged-2-wal").read_bytes() == b"second"
    assert len(list(path.parent.iterdir())) == 4
