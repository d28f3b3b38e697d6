"""The status stream, asked through the whole port."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import attrs
import msgspec
import pytest
import trio

from backends.ingress import status_stream
from backends.ingress.http_app import make_app
from tests.backends.ingress.ingress_fixtures import ask, serving
from tests.backends.ingress.test_http_app import AUDIO, SERVICES

REQUEST = b"GET /api/status/stream HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_stream, "INTERVAL_S", 0.01)


@asynccontextmanager
async def running(page: Mapping[str, Any]) -> AsyncIterator[int]:
    """Serve that status; gives the port."""
    app = make_app(attrs.evolve(SERVICES, status=lambda: dict(page)), AUDIO)
    with trio.fail_after(20):
        async with serving(app=app) as server:
            yield server.port


async def listen(port: int, until: bytes) -> tuple[trio.SocketStream, bytes]:
    """Ask for the stream and read until it has said ``until``."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(REQUEST)
    heard = b""
    while until not in heard:
        data = await stream.receive_some()
        assert data, heard
        heard += bytes(data)
    return stream, heard


async def test_pictures_come_one_after_the_other() -> None:
    page = {"stopping": False, "sessions": 3}
    async with running(page) as port:
        stream, heard = await listen(port, b"id: 3")
        await stream.aclose()
    head, _, body = heard.partition(b"\r\n\r\n")
    assert b" 200 " in head
    assert b"text/event-stream" in head
    lines = body.replace(b"\r", b"").split(b"\n")
    assert lines.index(b"retry: 2000") < lines.index(b"id: 1") < lines.index(b"id: 2") < lines.index(b"id: 3")
    [first, *_] = [line for line in lines if line.startswith(b"data: ")]
    assert msgspec.json.decode(first.removeprefix(b"data: ")) == page


async def test_the_stream_ends_when_the_server_drains() -> None:
    page = {"stopping": False}
    async with running(page) as port:
        stream, _ = await listen(port, b"id: 1")
        async with stream:
            page["stopping"] = True
            rest = b"".join([bytes(data) async for data in stream])
    assert b'"stopping":true' in rest


async def test_there_are_only_so_many_listeners_and_one_that_leaves_makes_room() -> None:
    async with running({"stopping": False}) as port:
        async with AsyncExitStack() as listeners:
            for _ in range(8):
                stream, _ = await listen(port, b"id: 1")
                await listeners.enter_async_context(stream)
            refused = await ask(port, REQUEST)
        assert b" 503 " in refused
        assert b"8 listeners are enough" in refused
        while b" 503 " in (answer := await begin(port)):
            await trio.lowlevel.checkpoint()
        assert b" 200 " in answer


async def begin(port: int) -> bytes:
    """Return how an answer begins."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(REQUEST)
        return bytes(await stream.receive_some())
