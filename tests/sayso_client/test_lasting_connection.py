from random import Random

import anyio
import pytest
import trio

from sayso_client import Endpoint, NoServer, ReconnectPolicy, Reply, SessionClosed, WebSocket, connect
from sayso_client.lasting_connection import LastingConnection
from sayso_client.reconnection import Tries
from tests.sayso_client.memory_server import URL, Line, MemoryServer


async def nothing(_socket: WebSocket) -> None:
    pass


class Upgrading(MemoryServer):
    """Takes every connection's opening handshake, as long as its test's nursery lives."""

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__()
        self.lines: list[Line] = []
        nursery.start_soon(self._serve)

    async def _serve(self) -> None:
        while True:
            line = await self.line()
            await line.upgrade()
            self.lines.append(line)


async def opened(server: MemoryServer) -> LastingConnection:
    endpoint = Endpoint(URL, open_stream=server.open_stream)
    connection = LastingConnection(endpoint, Tries(ReconnectPolicy(), Random(3)), nothing, str)
    await connection.open()
    return connection


async def test_all_that_need_a_lost_connection_get_the_same_new_one(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    server = Upgrading(nursery)
    connection = await opened(server)
    first = await connection.get()
    assert await connection.get() is first
    await first.abort()
    found: list[WebSocket] = []

    async def get() -> None:
        found.append(await connection.get())

    async with trio.open_nursery() as tasks:
        for _ in range(3):
            tasks.start_soon(get)
        await trio.testing.wait_all_tasks_blocked()
        assert connection.is_being_opened
    assert found[0] is not first
    assert found == [found[0]] * 3
    assert len(server.lines) == 2


async def test_a_refusal_in_passing_is_tried_again_and_a_final_one_is_not(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    server = MemoryServer()

    async def serve() -> None:
        await (await server.line()).upgrade()
        await (await server.line()).reject(503, "full", Retry_After="7")
        await (await server.line()).reject(401, "the key has run out")

    nursery.start_soon(serve)
    connection = await opened(server)
    await (await connection.get()).abort()
    for _ in range(2):
        with pytest.raises(SessionClosed, match="401 the key has run out"):
            await connection.get()
    assert 7.0 <= server.opened_at[2] - server.opened_at[1] <= 9.0


async def test_after_leave_it_does_not_come_back(nursery: trio.Nursery) -> None:
    connection = await opened(Upgrading(nursery))
    connection.leave()
    await (await connection.get()).abort()
    with pytest.raises(SessionClosed):
        await connection.get()


async def test_a_handshake_that_takes_too_long_closes_the_connection(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    server = Upgrading(nursery)

    async def stuck(_socket: WebSocket) -> None:
        await anyio.sleep_forever()

    connection = LastingConnection(Endpoint(URL, open_stream=server.open_stream), Tries(None, Random(1)), stuck, str)
    with pytest.raises(NoServer, match="does not answer"):
        await connection.open()
    with pytest.raises(anyio.EndOfStream):
        await server.lines[0].receive()


NAMED = {"server": {"name": "sayso", "version": "0", "replica": "one"}}


async def test_a_lost_client_asks_once_for_the_replica_that_it_was_at(autojump_clock: trio.testing.MockClock) -> None:
    server = MemoryServer()
    is_in = anyio.Event()
    asked: list[str] = []

    async def serve() -> None:
        line = await server.line()
        await line.accept(**NAMED)
        await is_in.wait()
        await line.cut()
        refused = await server.line()
        await refused.reject(503, "full")
        again = await server.line()
        await again.accept(resumed=True)
        await again.send("reply", turn_id="a", text="It is noon.")
        asked.extend(one.request.path for one in (line, refused, again))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        async with connect(URL, open_stream=server.open_stream, rng=Random(1)) as session:
            is_in.set()
            while not isinstance(await session.receive(), Reply):
                pass
            await session.abort()
    assert asked == ["/ws", "/ws?at=one", "/ws"]


async def test_a_client_of_a_replica_that_leaves_does_not_ask_for_it(autojump_clock: trio.testing.MockClock) -> None:
    server = MemoryServer()
    asked: list[str] = []

    async def serve() -> None:
        line = await server.line()
        await line.accept(**NAMED)
        await line.send("going_away", reason="update", deadline_ms=100, resume_token="t9", retry_after_ms=10)
        await line.close(1012)
        again = await server.line()
        await again.accept(resumed=True)
        await again.send("reply", turn_id="a", text="It is noon.")
        asked.append(again.request.path)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        async with connect(URL, open_stream=server.open_stream, rng=Random(1)) as session:
            while not isinstance(await session.receive(), Reply):
                pass
            await session.abort()
    assert asked == ["/ws"]
