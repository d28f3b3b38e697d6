"""A server without a network: every connection of a client is a ``Line`` that a test reads and writes.

It runs on any event loop of anyio. Its WebSocket is the server's side of the ``websockets`` library.
"""

import json
from collections import deque
from typing import Any, Generic, TypeVar

import anyio
from anyio.abc import ByteStream
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from sayso_client import NoServer

URL = "ws://server.example/ws"
ACCEPTED: dict[str, Any] = {
    "session_id": "s1",
    "resume_token": "t1",
    "resume_window_s": 30.0,
    "server": {"name": "sayso", "version": "0"},
    "audio": {"format": "pcm_s16le", "sample_rate": 16_000, "channels": 1},
    "limits": {"max_message_bytes": 1_048_576, "max_utterance_s": 30.0, "idle_timeout_s": 300.0},
}


Item = TypeVar("Item")


class Channel(Generic[Item]):
    """A bounded queue whose ends may both close it; needs no cleaning up."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[Item] = deque()
        self._is_closed = False
        self._changed = anyio.Event()

    async def put(self, item: Item) -> None:
        await anyio.lowlevel.checkpoint()
        while len(self._items) >= self._capacity and not self._is_closed:
            await self._changed.wait()
        if self._is_closed:
            raise anyio.BrokenResourceError
        self._items.append(item)
        self._wake()

    async def get(self) -> Item:
        await anyio.lowlevel.checkpoint()
        while not self._items:
            if self._is_closed:
                raise anyio.EndOfStream
            await self._changed.wait()
        self._wake()
        return self._items.popleft()

    def close(self, *, loses_all: bool = False) -> None:
        self._is_closed = True
        if loses_all:
            self._items.clear()
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class MemoryStream(ByteStream):
    """One end of a pipe."""

    def __init__(self, outgoing: Channel[bytes], incoming: Channel[bytes]) -> None:
        self._outgoing = outgoing
        self._incoming = incoming

    async def send(self, item: bytes) -> None:
        await self._outgoing.put(bytes(item))

    async def send_eof(self) -> None:
        self._outgoing.close()

    async def receive(self, max_bytes: int = 65_536) -> bytes:
        return await self._incoming.get()

    async def aclose(self) -> None:
        self.close(loses_all=False)

    def close(self, *, loses_all: bool) -> None:
        self._outgoing.close(loses_all=loses_all)
        self._incoming.close(loses_all=loses_all)


def pipe(capacity: int) -> tuple[MemoryStream, MemoryStream]:
    up, down = Channel[bytes](capacity), Channel[bytes](capacity)
    return MemoryStream(up, down), MemoryStream(down, up)


class Line:
    """The server's end of one connection."""

    def __init__(self, stream: MemoryStream) -> None:
        self._stream = stream
        self._protocol = ServerProtocol(max_size=None)
        self._frames: deque[Frame] = deque()
        self.request: Request
        self.seq = 0

    async def upgrade(self) -> None:
        """Take the opening handshake."""
        self.request = await self._next_request()
        self._protocol.send_response(self._protocol.accept(self.request))
        await self._flush()

    async def reject(self, status: int, body: str, **headers: str) -> None:
        """Answer the opening handshake with another status."""
        self.request = await self._next_request()
        response: Response = self._protocol.reject(status, body)
        for name, value in headers.items():
            response.headers[name.replace("_", "-")] = value
        self._protocol.send_response(response)
        await self._flush()

    async def receive(self) -> Any:
        """Return the next text frame as ``(type, data)``, or audio as bytes."""
        while not self._frames:
            await self._read()
        frame = self._frames.popleft()
        if frame.opcode is Opcode.TEXT:
            content = json.loads(bytes(frame.data))
            return content["type"], content["data"]
        return bytes(frame.data)

    async def receive_audio(self, size: int) -> bytes:
        """Return the next ``size`` bytes of audio."""
        audio = b""
        while len(audio) < size:
            audio += await self.receive()
        return audio

    async def send(self, name: str, **data: Any) -> None:
        self.seq += 1
        await self.send_raw(json.dumps({"type": name, "data": data, "seq": self.seq}))

    def queue(self, name: str, **data: Any) -> None:
        """Let an event go out together with what is sent next."""
        self.seq += 1
        self._protocol.send_text(json.dumps({"type": name, "data": data, "seq": self.seq}).encode())

    async def send_raw(self, frame: str | bytes) -> None:
        if isinstance(frame, str):
            self._protocol.send_text(frame.encode())
        else:
            self._protocol.send_binary(frame)
        await self._flush()

    async def accept(self, **data: Any) -> dict[str, Any]:
        """Take the first frame and accept it; return its data."""
        await self.upgrade()
        name, asked = await self.receive()
        assert name == "connection_request"
        assert isinstance(asked, dict)
        await self.accept_now(**data)
        return asked

    async def accept_now(self, **data: Any) -> None:
        await self.send("connection_accepted", **(ACCEPTED | data))

    async def close(self, code: int, reason: str = "") -> None:
        self._protocol.send_close(code, reason)
        await self._flush()

    async def cut(self) -> None:
        """Lose the line: nothing that is on its way arrives."""
        self._stream.close(loses_all=True)

    async def _next_request(self) -> Request:
        while self._protocol.state is State.CONNECTING:
            self._protocol.receive_data(await self._stream.receive())
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    return event
        raise AssertionError("no request came")

    async def _read(self) -> None:
        self._protocol.receive_data(await self._stream.receive())
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.BINARY}:
                self._frames.append(event)
        await self._flush()

    async def _flush(self) -> None:
        if data := b"".join(self._protocol.data_to_send()):
            await self._stream.send(data)


class MemoryServer:
    """Gives the client's ends to ``connect(open_stream=...)``, and the others to the test."""

    def __init__(self, capacity: int = 1_000) -> None:
        self._capacity = capacity
        self._lines = Channel[Line](100)
        self.is_away = False
        self.opened_at: list[float] = []

    async def open_stream(self) -> MemoryStream:
        self.opened_at.append(anyio.current_time())
        if self.is_away:
            raise NoServer("nobody listens")
        client, server = pipe(self._capacity)
        await self._lines.put(Line(server))
        return client

    async def line(self) -> Line:
        """Return the next connection."""
        return await self._lines.get()
