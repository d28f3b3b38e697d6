"""A server on 127.0.0.1 that plays byte scripts: whole, slow, cut, or nonsense; requests are parsed by h11."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import attrs
import h11
import trio
import trio.testing


@attrs.frozen
class Wait:
    """A pause in a script, in seconds of the test's clock."""

    seconds: float


@attrs.frozen
class Hold:
    """Stay silent until ``event``."""

    event: trio.Event


Step = bytes | Wait | Hold


@attrs.frozen
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@attrs.define
class ScriptedServer:
    """Plays ``scripts`` in turn, one per request, the last one again and again; keeps what it received."""

    scripts: Sequence[Sequence[Step]]
    url: str = ""
    requests: list[Received] = attrs.field(factory=list)
    gone: trio.Event = attrs.field(factory=trio.Event)
    """Set when a client has closed before its script was over."""

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            request = await read_request(stream)
            if request is None:
                return
            self.requests.append(request)
            script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
            with suppress(trio.BrokenResourceError):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._watch, stream)
                    for step in script:
                        await _play(step, stream)
                    nursery.cancel_scope.cancel()

    async def _watch(self, stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError):
            await stream.receive_some(1)
        self.gone.set()


@asynccontextmanager
async def scripted(*scripts: Sequence[Step]) -> AsyncIterator[ScriptedServer]:
    """Serve scripts until the block is left."""
    server = ScriptedServer(scripts)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        server.url = f"http://127.0.0.1:{port}"
        yield server
        nursery.cancel_scope.cancel()


def head(status: int = 200, content_type: str = "application/json", length: int | None = None) -> bytes:
    """The head of an answer that ends with its connection, or after ``length`` bytes."""
    size = "" if length is None else f"content-length: {length}\r\n"
    return f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\nconnection: close\r\n{size}\r\n".encode()


def page(value: Any, status: int = 200) -> list[Step]:
    """A whole JSON answer."""
    body = json.dumps(value).encode()
    return [head(status, length=len(body)), body]


def ndjson(items: Iterable[Any]) -> list[Step]:
    """A streamed answer as Ollama gives it."""
    return [head(content_type="application/x-ndjson"), *(json.dumps(item).encode() + b"\n" for item in items)]


def sse(items: Iterable[Any], *, done: bool = True) -> list[Step]:
    """A streamed answer as OpenAI's servers give it."""
    events: list[Step] = [b"data: " + json.dumps(item).encode() + b"\n\n" for item in items]
    return [head(content_type="text/event-stream"), *events, *([b"data: [DONE]\n\n"] if done else [])]


async def read_request(stream: trio.SocketStream) -> Received | None:
    """Read one request to its end; ``None`` if the client has gone before."""
    connection = h11.Connection(h11.SERVER)
    request: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await stream.receive_some(65_536)
            if not data and request is None:
                return None
            connection.receive_data(data)
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif request is None:
            return None
        else:
            headers = {name.decode(): value.decode() for name, value in request.headers}
            return Received(request.method.decode(), request.target.decode(), headers, body)


async def _play(step: Step, stream: trio.SocketStream) -> None:
    match step:
        case Wait(seconds):
            await trio.sleep(seconds)
        case Hold(event):
            await event.wait()
        case bytes():
            await stream.send_all(step)
            await trio.testing.wait_all_tasks_blocked()  # so that steps arrive as pieces of their own
