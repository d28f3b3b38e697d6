"""History in PostgreSQL while it is stopped, frozen, full, reset and replaced: every record is written once.

Each test runs a server of its own; ``tests/backends/storage/test_queries.py`` has what is the same for every database.
"""

import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import psycopg
import pytest
import trio

from backends.protocols import StoreError, StoreFigures
from backends.storage.postgres import PostgresStore
from backends.storage.postgres_check import findings
from backends.storage.postgres_schema import STEPS, SchemaStep, migrate
from config.settings import HistorySettings
from protocol.messages.history import Deletion, TurnQuery
from tests.backends.storage.record_fixtures import CALL, SESSION, TURN, found, turn
from tests.fakes import default_settings
from tests.postgres_fixtures import PostgresServer, new_server, replica_of, wait_for
from tests.system.disk_fixtures import fill, small_disk

pytestmark = pytest.mark.system
QUICK: dict[str, Any] = {"pool_timeout_s": 2.0, "statement_timeout_s": 2.0}  # to give up
PATIENCE_S = 60.0


def settings_for(url: str, read_url: str = "", **changes: Any) -> HistorySettings:
    history = default_settings().history
    return attrs.evolve(history, url=url, read_url=read_url, postgres=attrs.evolve(history.postgres, **changes))


@asynccontextmanager
async def opened(url: str, read_url: str = "", **changes: Any) -> AsyncIterator[PostgresStore]:
    """Open a store."""
    store = PostgresStore(settings_for(url, read_url, **changes))
    with trio.fail_after(PATIENCE_S):
        await store.open()
        try:
            yield store
        finally:
            with trio.CancelScope(shield=True):
                await store.close()


async def in_the_end(store: PostgresStore, number: int) -> int:
    """Write a turn as often as it takes, as the history does; return how often it failed."""
    for failures in range(100):
        try:
            await store.check()
            await store.write([turn(number)])
        except StoreError:
            await trio.sleep(0.1)
        else:
            return failures
    raise AssertionError("it was never written")


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.make_database()


def database_of(url: str) -> str:
    return url.rpartition("/")[2]


# --- one server ----------------------------------------------------------------------------------


async def test_a_batch_is_written_whole_or_not_at_all(url: str) -> None:
    async with opened(url) as store:
        with pytest.raises(StoreError, match=r"PostgreSQL test.* null value in column"):
            await store.write([SESSION, TURN, attrs.evolve(CALL, tool=None)])  # type: ignore[arg-type] # the mistake
        assert await found(store) == []
        await store.write([turn(2)])
        assert await found(store) == ["t2"]


async def test_after_all_connections_were_reset_a_batch_is_sent_once_more_and_nothing_is_told(
    url: str, postgres: PostgresServer
) -> None:
    async with opened(url, max_overflow=0) as store:
        await store.write([turn(1)])
        assert await trio.to_thread.run_sync(postgres.end_connections, database_of(url)) >= 1
        await store.write([turn(2)])
        assert await trio.to_thread.run_sync(postgres.end_connections, database_of(url)) >= 1
        assert await found(store) == ["t2", "t1"]
        assert store.figures().retries == 2


async def test_the_pool_has_its_sizes_and_its_figures(url: str) -> None:
    async with opened(url, pool_size=2, max_overflow=1) as store:
        await store.write([turn(1)])
        figures = store.figures()
    assert 0 <= figures.used <= figures.connections <= 3
    assert (figures.retries, figures.fallbacks) == (0, 0)
    assert store.figures() == StoreFigures()


async def test_eight_servers_that_start_together_take_each_step_once(url: str) -> None:
    stores = [PostgresStore(settings_for(url)) for _ in range(8)]
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            for store in stores:
                nursery.start_soon(store.open)
        for store in stores:
            await store.close()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version, fits FROM sayso_schema").fetchall() == [
            (number, step.fits) for number, step in enumerate(STEPS, 1)
        ]


def test_a_step_that_suits_the_version_before_leaves_that_one_running_and_another_does_not(url: str) -> None:
    one, two = SchemaStep(1, ("CREATE TABLE a (b int)",)), SchemaStep(1, ("ALTER TABLE a ADD COLUMN c int",))
    three = SchemaStep(3, ("ALTER TABLE a DROP COLUMN b",))
    with psycopg.connect(url, autocommit=True) as connection:
        migrate(connection, "test", (one, two))
        migrate(connection, "test", (one,))
        migrate(connection, "test", (one, two, three))
        with pytest.raises(StoreError, match="schema version 3 of test, which needs a sayso that knows version 3"):
            migrate(connection, "test", (one, two))
        migrate(connection, "another", ())


def test_a_step_that_fails_has_no_effect(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        with pytest.raises(psycopg.Error):
            migrate(connection, "test", (SchemaStep(1, ("CREATE TABLE a (b int)", "CREATE TABLE a (b int)")),))
        migrate(connection, "test", (SchemaStep(1, ("CREATE TABLE a (b int)",)),))


async def test_tables_of_another_program_are_left_alone(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE conversations (id int)")
    with pytest.raises(StoreError, match='relation "conversations" already exists'):
        async with opened(url):
            pass


async def test_a_caller_that_goes_away_is_not_held_by_a_lock(url: str) -> None:
    with psycopg.connect(url) as other:
        async with opened(url, statement_timeout_s=2.0) as store:
            other.execute("LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE")
            with trio.move_on_after(0.2) as scope:
                await store.turns(TurnQuery())
            assert scope.cancelled_caught
            with pytest.raises(StoreError):
                await store.write([turn(1)])
            other.rollback()
            await in_the_end(store, 1)
            assert await found(store) == ["t1"]


@pytest.mark.parametrize("call", ["write", "delete", "turns"])
async def test_a_store_that_is_not_open_says_so(call: str) -> None:
    store = PostgresStore(settings_for("postgresql://sayso:hunter2@db/talk"))
    arguments = {"write": ([TURN],), "delete": (Deletion(before_s=1.0), 1), "turns": (TurnQuery(),)}
    with pytest.raises(StoreError, match="PostgreSQL talk at db is not open"):
        await getattr(store, call)(*arguments[call])


async def test_a_server_that_is_not_there_at_the_start_is_told_and_waited_for(
    caplog: pytest.LogCaptureFixture, url: str
) -> None:
    del url
    with caplog.at_level(logging.WARNING):
        async with opened("postgresql://sayso:hunter2@127.0.0.1:1/talk", **QUICK) as store:
            with pytest.raises(StoreError, match="Connection refused"):
                await store.check()
            with pytest.raises(StoreError, match=r"PostgreSQL talk at 127\.0\.0\.1"):
                await store.write([TURN])
    assert "history waits in memory: PostgreSQL talk at 127.0.0.1" in caplog.text
    assert "hunter2" not in caplog.text


def test_the_check_says_what_is_there_and_how_many_servers_it_has_room_for(url: str) -> None:
    ((is_well, text, fix),) = findings(settings_for(url))
    assert (is_well, fix) == (True, "")
    assert "the primary, with room for 24 servers of 4 connections" in text
    ((is_well, text, fix),) = findings(settings_for(url, pool_size=100))
    assert not is_well
    assert "max_overflow" in fix


# --- a server that is stopped, frozen, full ------------------------------------------------------


@pytest.fixture(scope="module")
def own() -> Iterator[PostgresServer]:
    """Return a server for tests that hurt it."""
    with new_server() as server:
        yield server


async def test_while_the_server_is_stopped_writes_fail_and_then_each_is_there_once(own: PostgresServer) -> None:
    async with opened(own.make_database(), **QUICK) as store:
        await in_the_end(store, 1)
        await trio.to_thread.run_sync(own.stop, "fast")
        try:
            with pytest.raises(StoreError, match="PostgreSQL test"):
                await store.write([turn(2)])
            with pytest.raises(StoreError):
                await store.turns(TurnQuery())
        finally:
            await trio.to_thread.run_sync(own.start)
        await in_the_end(store, 2)
        await in_the_end(store, 2)
        assert await found(store) == ["t2", "t1"]


async def test_a_server_that_comes_after_us_gets_its_tables(own: PostgresServer) -> None:
    url = own.make_database()
    await trio.to_thread.run_sync(own.stop, "immediate")
    try:
        async with opened(url, **QUICK) as store:
            with pytest.raises(StoreError):
                await store.check()
            await trio.to_thread.run_sync(own.start)
            await in_the_end(store, 1)
            assert await found(store) == ["t1"]
    finally:
        if not (own.folder / "postmaster.pid").exists():
            await trio.to_thread.run_sync(own.start)


async def test_a_frozen_server_holds_nobody_and_what_it_wrote_is_not_written_twice(own: PostgresServer) -> None:
    async with opened(own.make_database(), **QUICK) as store:
        await in_the_end(store, 1)
        with own.frozen():
            with pytest.raises(StoreError):
                await store.write([turn(2)])
            with pytest.raises(StoreError):
                await store.turns(TurnQuery())
        await in_the_end(store, 2)
        assert await found(store) == ["t2", "t1"]


async def written_until_refused(store: PostgresStore) -> int:
    """Write turns from the second on, until the disk is full; return the number of the last one that was written."""
    for number in range(2, 200):
        try:
            await store.write([turn(number, heard=os.urandom(50_000).hex())])
        except StoreError as error:
            if "No space left on device" not in str(error):
                raise
            return number - 1
    raise AssertionError("the disk is larger than that")


async def test_a_full_disk_refuses_writes_and_not_reads_and_then_goes_on() -> None:
    with small_disk(96) as disk, new_server(parent=disk, more="max_wal_size = 4MB\nshared_buffers = 1MB\n") as server:
        url = server.make_database()
        async with opened(url, statement_timeout_s=10.0) as store:
            await store.write([turn(1)])
            ballast = server.folder / "ballast"
            fill(ballast)
            written = await written_until_refused(store)
            assert await found(store) == [f"t{number}" for number in range(written, 0, -1)]
            ballast.unlink()
            await in_the_end(store, written + 1)
            assert (await found(store))[0] == f"t{written + 1}"


# --- replicas ------------------------------------------------------------------------------------


def caught_up(replica: PostgresServer, database: str, count: int) -> bool:
    try:
        with replica.connected(database) as connection:
            rows = connection.execute("SELECT count(*) FROM conversations").fetchone()
    except psycopg.Error:
        return False
    return rows == (count,)


def has_database(replica: PostgresServer, name: str) -> bool:
    with replica.connected("postgres") as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


async def test_a_replica_is_asked_until_it_is_killed_and_becomes_the_primary_when_that_is_lost() -> None:
    with new_server() as primary, replica_of(primary) as replica:
        url = primary.make_database()
        name = database_of(url)
        await trio.to_thread.run_sync(wait_for, "the replica has the database", lambda: has_database(replica, name))
        both = f"postgresql://postgres@127.0.0.1:{primary.port},127.0.0.1:{replica.port}/{name}"
        async with opened(both, read_url=both, pool_size=2, **QUICK) as store:
            await in_the_end(store, 1)
            await trio.to_thread.run_sync(wait_for, "the replica has it", lambda: caught_up(replica, name, 1))
            reader = store._replicas
            assert reader is not None
            with reader.connection() as connection:
                assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
            assert await found(store) == ["t1"]
            assert store.figures().fallbacks == 0

            await trio.to_thread.run_sync(replica.stop, "immediate")
            assert await found(store) == ["t1"], "the primary is asked"
            await store.write([turn(2)])
            assert await found(store) == ["t2", "t1"]
            await trio.to_thread.run_sync(replica.start)
            await trio.to_thread.run_sync(wait_for, "it has caught up", lambda: caught_up(replica, name, 2))

            await trio.to_thread.run_sync(primary.stop, "immediate")
            with pytest.raises(StoreError):
                await store.write([turn(3)])
            assert await found(store) == ["t2", "t1"], "the replica is asked without a primary"
            await trio.to_thread.run_sync(replica.promote)
            await in_the_end(store, 3)
            assert await found(store) == ["t3", "t2", "t1"]


async def test_a_primary_that_has_become_a_replica_is_not_written_to_again(own: PostgresServer) -> None:
    url = own.make_database()
    async with opened(url, **QUICK) as store:
        await in_the_end(store, 1)
        read_only = f"ALTER DATABASE {database_of(url)} SET default_transaction_read_only = "
        with own.connected("postgres") as connection:
            connection.execute(f"{read_only} on".encode())
        await store.write([turn(2)])
        await trio.to_thread.run_sync(own.end_connections, database_of(url))
        with pytest.raises(StoreError):
            await store.write([turn(3)])
        with own.connected("postgres") as connection:
            connection.execute(f"{read_only} off".encode())
        await in_the_end(store, 3)
        assert await found(store) == ["t3", "t2", "t1"]
