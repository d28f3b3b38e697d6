"""Things of users in PostgreSQL while it hangs, and several built-in servers that announce what is due.

``tests/backends/builtin/test_owned_sqlite.py`` has what is the same for every database.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
import trio
from mcp import Client
from mcp_types import EmptyResult

from backends.builtin.owned import StoreBusy, StoreFailed
from backends.builtin.owned_postgres import REST_S, PostgresOwnedStore
from backends.builtin.server import make_server
from backends.mcp.announcements import (
    SESSION_META_KEY,
    USER_META_KEY,
    Announcements,
    listeners_request,
    told_request,
)
from tests.postgres_fixtures import PostgresServer, new_server

pytestmark = pytest.mark.system


@attrs.define
class Stopwatch:
    """A clock that goes on when it is told."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def store(postgres: PostgresServer, clock: Stopwatch) -> Iterator[PostgresOwnedStore]:
    made = PostgresOwnedStore(postgres.make_database(), clock)
    yield made
    made.close()


def put(store: PostgresOwnedStore, text: str) -> None:
    with store.changing("ada") as change:
        change.add("note", {"text": text})


def texts(store: PostgresOwnedStore) -> list[str]:
    return [thing.body["text"] for thing in store.things("ada", "note")]


def name_of(store: PostgresOwnedStore) -> str:
    return store._name.split()[1]


def test_a_connection_that_was_reset_is_made_anew_and_nothing_is_said(
    store: PostgresOwnedStore, postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, "a")
    assert postgres.end_connections(name_of(store)) == 1
    put(store, "b")
    assert texts(store) == ["a", "b"]
    assert caplog.records == []


def test_a_connection_that_is_reset_within_a_change_changes_nothing(
    store: PostgresOwnedStore, postgres: PostgresServer, clock: Stopwatch
) -> None:
    put(store, "a")

    def change() -> None:
        with store.changing("ada") as changes:
            changes.add("note", {"text": "half"})
            postgres.end_connections(name_of(store))

    with pytest.raises(StoreFailed, match="cannot be kept now"):
        change()
    clock.now_s += REST_S
    assert texts(store) == ["a"]


def test_a_user_that_is_being_changed_elsewhere_is_waited_for_a_moment_and_others_are_not(
    store: PostgresOwnedStore, clock: Stopwatch
) -> None:
    other = PostgresOwnedStore(store_url(store), clock)
    put(store, "a")
    with store.changing("ada"):
        with pytest.raises(StoreBusy, match="being changed elsewhere"):
            put(other, "b")
        with other.changing("bob") as change:
            change.add("note", {"text": "c"})
    put(other, "d")
    assert texts(store) == ["a", "d"]
    other.close()


def store_url(store: PostgresOwnedStore) -> str:
    """Return the address of a store's database."""
    given = psycopg.conninfo.conninfo_to_dict(store._conninfo)
    return f"postgresql://{given['user']}@{given['host']}:{given['port']}/{given['dbname']}"


def test_tables_of_a_newer_version_are_left_alone(store: PostgresOwnedStore, clock: Stopwatch) -> None:
    put(store, "a")
    with psycopg.connect(store_url(store)) as connection:
        connection.execute("INSERT INTO sayso_schema VALUES ('owned', 99, 99)")
    newer = PostgresOwnedStore(store_url(store), clock)
    with pytest.raises(StoreFailed):
        newer.things("ada", "note")
    newer.close()


def test_a_frozen_server_is_left_alone_for_a_while(clock: Stopwatch, caplog: pytest.LogCaptureFixture) -> None:
    with new_server() as server:
        store = PostgresOwnedStore(server.make_database(), clock)
        put(store, "a")
        with server.frozen():
            with pytest.raises(StoreFailed, match="cannot be kept now"):
                put(store, "b")
            for _ in range(100):
                with pytest.raises(StoreFailed):
                    store.things("ada", "note")
        clock.now_s += REST_S
        assert texts(store) == ["a"]
        store.close()
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1, "it was asked once"


async def test_of_three_servers_one_announces_what_is_due_wherever_the_user_is(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = await trio.to_thread.run_sync(postgres.make_database)
    said: list[tuple[str, str]] = []
    arrived = trio.Event()
    clients: list[Client] = []

    def note(owner: str) -> Any:
        def deliver(announcement: Any) -> None:
            said.append((owner, announcement.text))
            receipts.append((owner, announcement.receipts))
            arrived.set()

        return deliver

    receipts: list[tuple[str, Any]] = []
    with trio.fail_after(60):
        async with AsyncExitStack() as stack:
            for owner in ("one", "two", "three"):
                server = make_server(tmp_path / owner, {}, url=url, owner=owner)
                client = Client(server, mode="legacy", extensions=[Announcements(note(owner))])
                clients.append(await stack.enter_async_context(client))
            asked, *others = clients
            meta: Any = {USER_META_KEY: "ada", SESSION_META_KEY: "kitchen"}
            for name in ("tea", "egg"):
                await asked.call_tool("set_timer", {"name": name, "seconds": 1}, meta=meta)
            for number, other in enumerate(others):  # the user is at the others by now, with two devices
                await other.session.send_request(listeners_request({f"phone{number}": "ada"}), EmptyResult)
            while len(said) < 2:
                await arrived.wait()
                arrived = trio.Event()
            for owner, numbers in receipts:
                teller = clients[("one", "two", "three").index(owner)]
                await teller.session.send_request(told_request(numbers), EmptyResult)
            await trio.sleep(3.0)  # longer than every server takes to look again
    assert Counter(text.split()[1] for _, text in said) == {"tea": 1, "egg": 1}
    assert {owner for owner, _ in said} <= {"two", "three"}
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM owned_tellings").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM owned_things").fetchone() == (0,)
