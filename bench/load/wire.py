"""A WebSocket client on Trio: websockets' sans-IO protocol on a socket stream; no task of its own."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import trio
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

RECEIVE_BYTES = 65_536
SWITCHING = 101


class Refused(Exception):
    """The server answered the upgrade with another status."""

    def __init__(self, status: int, retry_after_s: float | None) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.retry_after_s = retry_after_s


class Socket:
    """An open WebSocket; one task may send while another receives.

    Whoever sends on one that has been closed gets ``trio.BrokenResourceError``.
    """

    def __init__(self, stream: trio.SocketStream, protocol: ClientProtocol) -> None:
        self.stream = stream
        self._protocol = protocol
        self._sending = trio.Lock()
        self._frames: deque[Frame] = deque()

    @property
    def close_code(self) -> int | None:
        """The close code that came, 1006 without any; None while it is open."""
        return self._protocol.close_code if self._protocol.state is State.CLOSED else None

    async def send_text(self, text: str) -> None:
        """Send a text frame."""
        self._check_open()
        self._protocol.send_text(text.encode())
        await self.flush()

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        self._check_open()
        self._protocol.send_binary(data)
        await self.flush()

    async def ping(self, data: bytes) -> None:
        """Send a ping."""
        self._check_open()
        self._protocol.send_ping(data)
        await self.flush()

    async def flush(self) -> None:
        """Write what the protocol has to say."""
        async with self._sending:
            for data in self._protocol.data_to_send():
                if data:
                    await self.stream.send_all(data)
                else:
                    await self.stream.send_eof()

    async def receive(self) -> Frame | None:
        """Return the next data frame; None once the connection is closed."""
        while not self._frames:
            if self._protocol.state is State.CLOSED:
                return None
            await self._read()
        return self._frames.popleft()

    async def upgrade(self) -> None:
        """Make the opening handshake; raises ``Refused`` and ``trio.BrokenResourceError``."""
        self._protocol.send_request(self._protocol.connect())
        await self.flush()
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            await self._read()
        self._check_open()

    async def leave(self, timeout_s: float = 3.0) -> None:
        """Close with 1000; a server that is slow to answer is left without."""
        with trio.move_on_after(timeout_s):
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(1000)
                await self.flush()
            while await self.receive() is not None:
                pass

    def _check_open(self) -> None:
        if self._protocol.state is not State.OPEN:
            raise trio.BrokenResourceError(f"the connection is {self._protocol.state.name.lower()}")

    async def _read(self) -> None:
        data = await self.stream.receive_some(RECEIVE_BYTES)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            self._take(event)
        await self.flush()

    def _take(self, event: object) -> None:
        if isinstance(event, Response):
            if event.status_code != SWITCHING:
                after = event.headers.get("Retry-After")
                raise Refused(event.status_code, float(after) if after and after.isdigit() else None)
        elif isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.BINARY}:
            self._frames.append(event)


@asynccontextmanager
async def connected(url: str, receive_buffer_bytes: int = 0, source: str = "") -> AsyncIterator[Socket]:
    """Open a WebSocket for the block; raises ``Refused`` and ``OSError``.

    The receive buffer may be made small, and ``source`` be the address of ours that the server sees.
    """
    parts = urlsplit(url)
    family = trio.socket.AF_INET6 if ":" in (parts.hostname or "") else trio.socket.AF_INET
    raw = trio.socket.socket(family, trio.socket.SOCK_STREAM)
    if receive_buffer_bytes:
        raw.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, receive_buffer_bytes)
    try:
        if source:
            await raw.bind((source, 0))
        await raw.connect((parts.hostname or "127.0.0.1", parts.port or 80))
    except BaseException:
        raw.close()
        raise
    async with trio.SocketStream(raw) as stream:
        socket = Socket(stream, ClientProtocol(parse_uri(url), max_size=None))
        await socket.upgrade()
        yield socket
