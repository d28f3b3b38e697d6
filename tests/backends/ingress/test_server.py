"""The listener with real sockets on loopback: its limits, its border around each connection, its end."""

import json
import logging
import socket as stdlib_socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from backends.ingress.accepted_connection import IngressRoutes
from backends.ingress.server import STOP_GRACE_S, TrioIngress
from backends.protocols import Admitted, Refusal, Request
from protocol.admission.connections import GRACE_S
from protocol.messages.socket import Socket
from tests.backends.ingress.ingress_fixtures import (
    NATIVE,
    UPGRADE,
    FakeAdmission,
    FakeHandlers,
    Server,
    ask,
    gateway_settings,
    patient_clock,
    read_all,
    read_head,
    serving,
)

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def clock() -> MockClock:
    return patient_clock()


@asynccontextmanager
async def full() -> AsyncIterator[Server]:
    """Run a server with two places, both taken by clients whose request is in work."""
    async with serving(settings=gateway_settings(max_http_connections=2)) as server:
        for _ in range(2):
            stream = await server.connect()
            await stream.send_all(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked()
        yield server


async def test_a_full_server_answers_health_checks_and_refuses_all_else(clock: MockClock) -> None:
    async with full() as server:
        refused = await ask(server.port, b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in refused.lower()
        assert json.loads(refused.partition(b"\r\n\r\n")[2]) == {"error": "too many connections"}
        for _ in range(5):
            answer = await ask(server.port, HEALTH)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"connection: close" in answer.lower()
        assert (await ask(server.port, UPGRADE + b"\r\n")).startswith(b"HTTP/1.1 503 ")
    assert ("GET", "turned_away", 503) in server.handlers.observed


async def test_a_health_check_is_answered_while_other_connections_hold_its_places(clock: MockClock) -> None:
    async with full() as server:
        silent = [await server.connect() for _ in range(2)]
        assert (await ask(server.port, HEALTH)).startswith(b"HTTP/1.1 200 ")
        assert await read_all(silent[0]) == b""
        await silent[1].send_all(b"GET /hea")
        assert (await read_all(silent[1])).startswith(b"HTTP/1.1 408 "), "two seconds are enough for a head"


async def test_a_connection_without_any_place_is_refused(clock: MockClock) -> None:
    async with full() as server:
        for _ in range(2):
            stream = await server.connect()
            await stream.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
            await read_head(stream)  # it is refused, and its connection lingers
        answer = await ask(server.port, b"")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"error": "too many connections"}


async def test_idle_connections_leave_for_new_ones(clock: MockClock) -> None:
    async with serving(settings=gateway_settings(max_http_connections=2)) as server:
        first, second = await server.connect(), await server.connect()
        await trio.sleep(GRACE_S)
        answer = await ask(server.port, b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert await read_all(first) == b""
        await second.send_all(HEALTH)
        assert (await read_all(second)).startswith(b"HTTP/1.1 200 ")
    assert ("OTHER", "closed_waiting", 408) in server.handlers.observed


async def test_a_connection_whose_head_was_refused_leaves_for_a_new_one_while_it_lingers(clock: MockClock) -> None:
    async with serving(settings=gateway_settings(max_http_connections=1, head_timeout_s=2)) as server:
        late = await server.connect()
        await late.send_all(b"GET /hea")
        head, _ = await read_head(late)
        assert head.startswith(b"HTTP/1.1 408 ")
        answer = await ask(server.port, b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")


async def test_an_address_that_has_its_share_of_requests_is_refused_another(clock: MockClock) -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        await trio.sleep_forever()

    settings = gateway_settings(max_requests=2, max_share_per_address=0.5)
    async with serving(settings=settings, app=app) as server:
        stuck = await server.connect()
        await stuck.send_all(b"GET /app HTTP/1.1\r\nHost: x\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked()
        refused = await ask(server.port, b"GET /app HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"too many requests are in work" in refused
        assert (await ask(server.port, HEALTH)).startswith(b"HTTP/1.1 200 ")


async def test_an_admission_that_crashes_ends_that_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeHandlers):
        def take_place(self, request: Request) -> Admitted | Refusal:
            raise KeyError("no such tenant")

    async with serving(Broken()) as server, httpx2.AsyncClient() as client:
        assert await ask(server.port, UPGRADE + b"\r\n") == b""
        assert (await client.get(f"http://127.0.0.1:{server.port}/health")).status_code == 200
    assert "no such tenant" in caplog.text


async def test_stopping_says_goodbye_to_sockets_and_closes_idle_connections() -> None:
    async with serving() as server:
        client, idle = await server.upgrade(), await server.connect()
        await idle.send_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        await read_head(idle)
        codes = []

        async def read() -> None:
            codes.append(await client.close_code())
            await client.stream.aclose()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await server.ingress.stop()
        assert codes == [1012]
        assert await idle.receive_some() == b""
        with pytest.raises(OSError, match="all attempts to connect"):
            await server.connect()
    assert (server.handlers.taken, server.handlers.given_back) == (0, 1)


async def test_stopping_cuts_what_does_not_end(clock: MockClock) -> None:
    async def stubborn(socket: Socket, request: Request) -> None:
        await trio.sleep_forever()

    async with serving(FakeHandlers(session=stubborn)) as server:
        await server.upgrade()
        before = trio.current_time()
        await server.ingress.stop()
        assert trio.current_time() - before == pytest.approx(STOP_GRACE_S)
    assert (server.handlers.taken, server.handlers.given_back) == (0, 1)


async def test_stopping_what_never_began_returns_at_once() -> None:
    settings, handlers = gateway_settings(), FakeHandlers()
    admission = FakeAdmission(settings, handlers)
    ingress = TrioIngress(settings, handlers, admission, IngressRoutes(NATIVE))
    with trio.fail_after(1):
        await ingress.stop()


async def test_the_listener_shows_its_connections() -> None:
    async with serving() as server:
        await server.upgrade()
        assert repr(server.ingress) == "<TrioIngress 0 http, 1 websockets>"


async def test_clients_that_vanish_at_once_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server:
        for _ in range(50):
            stream = await server.connect()
            reset = struct.pack("ii", 1, 0)  # closing sends a reset
            stream.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_LINGER, reset)
            await stream.send_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            await stream.aclose()
        answer = await ask(server.port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
