"""Heads and their deadlines, over memory streams."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h11
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from backends.ingress.http_connection import BadHead, HttpConnection
from backends.ingress.http_head import request_of
from backends.protocols import HttpAnswer
from tests.backends.ingress.ingress_fixtures import gateway_settings, read_all

GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
OK = HttpAnswer(200, "text/plain", b"fine")


@asynccontextmanager
async def connected(**changes: Any) -> AsyncIterator[tuple[HttpConnection, trio.abc.Stream]]:
    ours, theirs = trio.testing.memory_stream_pair()
    yield HttpConnection(ours, gateway_settings(**changes)), theirs


async def serve_one(connection: HttpConnection) -> bool:
    head = await connection.next_head()
    assert head is not None
    return await connection.send(OK, request_of(head, "test:1"))


async def test_a_head_that_dribbles_gets_no_more_time_than_any_other(autojump_clock: MockClock) -> None:
    async with connected(head_timeout_s=5) as (connection, client), trio.open_nursery() as nursery:

        async def dribble() -> None:
            await client.send_all(b"GET / HTTP/1.1\r\n")
            while True:
                await client.send_all(b"X: y\r\n")
                await trio.sleep(0.5)

        nursery.start_soon(dribble)
        before = trio.current_time()
        with pytest.raises(BadHead, match="within 5 s") as error:
            await connection.next_head()
        assert error.value.status == 408
        assert trio.current_time() - before == pytest.approx(5)
        nursery.cancel_scope.cancel()


async def test_the_next_head_has_its_deadline_from_its_first_byte_on(autojump_clock: MockClock) -> None:
    async with connected(head_timeout_s=5, keepalive_s=60) as (connection, client), trio.open_nursery() as nursery:

        async def be_slow() -> None:
            await client.send_all(GET)
            await trio.sleep(59)
            await client.send_all(b"GET /he")

        nursery.start_soon(be_slow)
        assert await serve_one(connection)
        before = trio.current_time()
        with pytest.raises(BadHead):
            await connection.next_head()
        assert trio.current_time() - before == pytest.approx(59 + 5)


async def test_the_rest_of_a_pipelined_head_is_not_waited_for_as_long_as_an_idle_client(
    autojump_clock: MockClock,
) -> None:
    async with connected(head_timeout_s=5, keepalive_s=60) as (connection, client):
        await client.send_all(GET + b"GET /he")
        assert await serve_one(connection)
        before = trio.current_time()
        with pytest.raises(BadHead):
            await connection.next_head()
        assert trio.current_time() - before == pytest.approx(5)


async def test_a_connection_that_never_says_anything_ends_without_a_word(autojump_clock: MockClock) -> None:
    async with connected(head_timeout_s=5) as (connection, _):
        assert await connection.next_head() is None
        assert trio.current_time() == pytest.approx(5)


async def test_an_idle_connection_ends_after_keepalive(autojump_clock: MockClock) -> None:
    async with connected(keepalive_s=60) as (connection, client):
        await client.send_all(GET)
        assert await serve_one(connection)
        before = trio.current_time()
        assert await connection.next_head() is None
        assert trio.current_time() - before == pytest.approx(60)


async def test_a_client_that_leaves_within_a_head_is_no_error(autojump_clock: MockClock) -> None:
    async with connected() as (connection, client):
        await client.send_all(b"GET / HT")
        await client.aclose()
        assert await connection.next_head() is None


async def test_a_client_that_leaves_between_requests_is_no_error(autojump_clock: MockClock) -> None:
    async with connected() as (connection, client):
        await client.aclose()
        assert await connection.next_head() is None


async def test_a_request_with_a_body_is_answered_and_is_the_last(autojump_clock: MockClock) -> None:
    async with connected() as (connection, client):
        await client.send_all(b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100)
        assert not await serve_one(connection)
        assert b"connection: close" in await read_all(client)


@pytest.mark.parametrize("data", [b"x", b"xyz"])
async def test_what_is_behind_the_head_is_kept(autojump_clock: MockClock, data: bytes) -> None:
    async with connected() as (connection, client):
        await client.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n" + data)
        assert await connection.next_head() is not None
        assert connection.received == data


@given(st.integers(min_value=1_024, max_value=4_000), st.integers(min_value=1, max_value=5_000))
def test_a_head_is_taken_up_to_the_limit_and_not_beyond(limit: int, size: int) -> None:
    frame = b"GET / HTTP/1.1\r\nHost: x\r\nX: \r\n\r\n"
    data = frame.replace(b"X: ", b"X: " + b"x" * max(0, size - len(frame)))

    async def feed() -> h11.Request | None:
        async with connected(head_max_bytes=limit) as (connection, client):
            await client.send_all(data)
            return await connection.next_head()

    if len(data) <= limit:
        assert trio.run(feed) is not None
    else:
        with pytest.raises(BadHead) as error:
            trio.run(feed)
        assert error.value.status == 431


async def test_a_client_that_takes_no_answer_is_given_up_at_the_send_deadline(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    connection = HttpConnection(ours, gateway_settings())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(theirs.send_all, GET)
        head = await connection.next_head()
        assert head is not None
    with pytest.raises(trio.TooSlowError):
        await connection.send(OK, request_of(head, "test:1"))
    assert trio.current_time() == pytest.approx(5)
