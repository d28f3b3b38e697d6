"""A real server whose database is stopped, frozen, reset or locked answers all the same, and keeps each turn once."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from backends.protocols import StoreError
from backends.storage.sqlite import SqliteStore
from tests.backends.storage.record_fixtures import found, turn
from tests.fakes import default_settings
from tests.postgres_fixtures import new_server
from tests.system.client_fixtures import QUIET, Client, talking
from tests.system.disk_fixtures import fill, small_disk
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server

pytestmark = pytest.mark.system
LIMIT_S = 240
QUICK: dict[str, object] = {
    "history.postgres.pool_timeout_s": 1.0,
    "history.postgres.statement_timeout_s": 1.0,
    "tools.builtin": False,
}


async def said(client: Client, text: str) -> None:
    """Say something, hear that there is no language model, and wait for the end of the turn."""
    await client.tell("text", text=text)
    await client.next("turn_completed")


def heard(server: Server) -> list[str]:
    """Return what the history has, the oldest first; nothing while it cannot be read."""
    answer = server.get("/api/conversations?limit=500")
    turns = answer.json().get("turns", ()) if answer.status == 200 else ()
    return [turn["heard"] for turn in reversed(turns)]


def database_health(server: Server) -> str:
    health: str = server.get("/health/detailed").json()["components"]["database"]["status"]
    return health


async def wait(what: str, is_so: Any) -> None:
    await trio.to_thread.run_sync(poll, what, is_so)


async def keeps_all(server: Server, expected: list[str]) -> None:
    """Wait until everything is there, each once, and the server says that all is well."""
    await wait("all turns are kept", lambda: len(heard(server)) >= len(expected))
    assert heard(server) == expected
    await wait("the database is well", lambda: database_health(server) == "healthy")
    assert 'history_rows_total{outcome="lost"} 0.0' in server.get("/metrics").body.decode()


async def test_the_voice_goes_on_while_postgresql_is_missing_stopped_frozen_and_reset_and_each_turn_is_kept_once(
    tmp_path: Path,
) -> None:
    need_models()
    with trio.fail_after(LIMIT_S), new_server() as database:
        url = database.make_database()
        await trio.to_thread.run_sync(database.stop)
        with running_server(tmp_path, SMALL | QUICK | {"history.url": url}) as server:
            async with talking(server.url, QUIET) as client:
                await said(client, "one")
                await wait("it is told", lambda: database_health(server) == "degraded")
                await trio.to_thread.run_sync(database.start)
                await keeps_all(server, ["one"])
                await trio.to_thread.run_sync(database.stop)
                await said(client, "two")
                await wait("it is told", lambda: database_health(server) == "degraded")
                assert server.get("/health/ready").status == 200
                await said(client, "three")
                await trio.to_thread.run_sync(database.start)
                await keeps_all(server, ["one", "two", "three"])
                with database.frozen():
                    await said(client, "four")
                    await wait("it is told", lambda: database_health(server) == "degraded")
                await keeps_all(server, ["one", "two", "three", "four"])
                await trio.to_thread.run_sync(database.end_connections, url.rpartition("/")[2])
                await said(client, "five")
                await keeps_all(server, ["one", "two", "three", "four", "five"])
        text = server.log()
        assert "history waits in memory" in text
        assert "history is written again" in text


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the write lock of a SQLite file, as another program may."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def test_the_voice_goes_on_while_another_program_locks_the_file(tmp_path: Path) -> None:
    need_models()
    with trio.fail_after(LIMIT_S), running_server(tmp_path, SMALL | {"tools.builtin": False}) as server:
        async with talking(server.url, QUIET) as client:
            await said(client, "one")
            await keeps_all(server, ["one"])
            with locked(tmp_path / "data" / "history.db"):
                await said(client, "two")
                await wait("it is told", lambda: database_health(server) == "degraded")
                assert heard(server) == ["one"], "looking up waits for no lock"
            await keeps_all(server, ["one", "two"])


async def written_until_refused(store: SqliteStore) -> int:
    """Write turns until the disk is full; return how many were written."""
    for number in range(1, 200):
        try:
            await store.write([turn(number, heard="x" * 100_000)])
        except StoreError as error:
            if "disk is full" not in str(error):
                raise
            return number - 1
    raise AssertionError("the disk is larger than that")


async def test_a_full_disk_refuses_writes_and_not_reads_and_then_goes_on() -> None:
    with trio.fail_after(LIMIT_S), small_disk(16) as disk:
        store = SqliteStore(attrs.evolve(default_settings().history.sqlite, path=disk / "data" / "history.db"))
        await store.open()
        ballast = disk / "ballast"
        fill(ballast)
        written = await written_until_refused(store)
        assert await found(store) == [f"t{number}" for number in range(written, 0, -1)]
        ballast.unlink()
        await store.write([turn(written + 1)])
        assert await found(store) == [f"t{number}" for number in range(written + 1, 0, -1)]
        assert store.damaged == ()
        await store.close()
