"""A WebSocket client on anyio: the sans-IO protocol of the ``websockets`` library on a byte stream.

Rules kept here:

* No task of its own: the receiving task reads the stream, answers pings, and sees the close. Another task may send.
* A send that is cancelled may have left half a frame behind, so it breaks the connection.
* Every failure of the stream is ``LineLost`` with a close code; 1006 if none came. A server that closes says why before
  a send fails, so a send that fails reads on to the end.

``ClientSession`` is built on this; use it alone to speak the protocol yourself, with the least memory for each
connection.
"""

import contextlib
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, Self
from urllib.parse import quote, urlsplit

import anyio
import attrs
from anyio.abc import ByteStream
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from sayso_client.errors import ABNORMAL, BadAddress, LineLost, NoServer, ServerRefused

RECEIVE_BYTES: Final = 65_536
MAX_MESSAGE_BYTES: Final = 16 << 20
GOODBYE_S: Final = 3.0
SWITCHING_PROTOCOLS: Final = 101
SHOWN_CHARS: Final = 200
BROKEN: Final = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)

OpenStream = Callable[[], Awaitable[ByteStream]]


class WebSocket:
    """An open WebSocket.

    ``receive`` must be called again and again, or pings stay unanswered and a close unseen.
    """

    def __init__(self, stream: ByteStream, protocol: ClientProtocol) -> None:
        self._stream = stream
        self._protocol = protocol
        self._sending = anyio.Lock(fast_acquire=True)
        self._frames: deque[str | bytes] = deque()
        self._parts: list[Frame] = []
        self._reading = anyio.Lock(fast_acquire=True)
        self.heard_at = anyio.current_time()
        """When data was received last, pings and their answers included."""
        self._is_broken = False  # nothing can be sent
        self._is_ended = False  # nothing more is received

    def __repr__(self) -> str:
        return f"<WebSocket {'BROKEN' if self._is_broken or self._is_ended else self._protocol.state.name}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close with 1000; at once if the block has failed."""
        await (self.close() if kind is None else self.abort())

    @property
    def is_open(self) -> bool:
        """Whether frames may be sent."""
        return self._protocol.state is State.OPEN and not self._is_broken and not self._is_ended

    @property
    def close_code(self) -> int | None:
        """The close code that came, 1006 if the connection ended without one, None while it is open."""
        if self._protocol.close_rcvd is not None:
            return int(self._protocol.close_rcvd.code)
        return ABNORMAL if self._is_ended or self._protocol.state is State.CLOSED else None

    @property
    def close_reason(self) -> str:
        """The reason that came with the close code."""
        return self._protocol.close_rcvd.reason if self._protocol.close_rcvd is not None else ""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self._protocol.subprotocol

    async def send(self, frame: str | bytes) -> None:
        """Send text or audio; raises ``LineLost``."""
        self._check_open()
        if isinstance(frame, str):
            self._protocol.send_text(frame.encode())
        else:
            self._protocol.send_binary(frame)
        await self._send_waiting()

    async def ping(self, data: bytes = b"") -> None:
        """Send a ping of the WebSocket protocol; raises ``LineLost``."""
        self._check_open()
        self._protocol.send_ping(data)
        await self._send_waiting()

    async def receive(self) -> str | bytes:
        """Return the next text or audio; raises ``LineLost`` once the connection is closed."""
        while not self._frames:
            if self.close_code is not None:
                raise self._lost()
            await self._read()
        return self._frames.popleft()

    def take_waiting(self) -> list[str | bytes]:
        """Return the messages that arrived and were not received yet."""
        frames = list(self._frames)
        self._frames.clear()
        return frames

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close, and wait for the server's close frame, but not for long."""
        try:
            with anyio.move_on_after(GOODBYE_S), contextlib.suppress(LineLost):
                if self.is_open:
                    self._protocol.send_close(code, reason)
                    await self._flush()
                while True:
                    await self.receive()
        finally:
            await self.abort()

    async def abort(self) -> None:
        """Close the stream at once, without a close frame."""
        self._is_ended = True
        await anyio.aclose_forcefully(self._stream)

    async def upgrade(self, headers: Mapping[str, str]) -> None:
        """Make the opening handshake; raises ``ServerRefused``, ``NoServer`` and ``LineLost``."""
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        await self._flush()
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            await self._read()
        if self._protocol.handshake_exc is not None:  # else it is open, or was closed at once
            raise NoServer(f"what answers speaks no WebSocket: {self._protocol.handshake_exc}")

    async def _read(self) -> None:
        """Wait for the next bytes, unless another task has read meanwhile."""
        if self._reading.locked():
            async with self._reading:
                return
        async with self._reading:
            try:
                self._protocol.receive_data(await self._stream.receive(RECEIVE_BYTES))
                self.heard_at = anyio.current_time()
            except anyio.EndOfStream:
                self._protocol.receive_eof()
            except BROKEN as error:
                self._is_ended = True
                raise self._lost() from error
            for event in self._protocol.events_received():
                if isinstance(event, Response):
                    _check(event)
                elif isinstance(event, Frame):
                    self._take(event)
            with contextlib.suppress(LineLost):  # what was received comes first; the next read fails, too
                await self._flush()

    async def _send_waiting(self) -> None:
        """Write; if that fails, read the frames that the server sent before it closed."""
        try:
            await self._flush()
        except LineLost:
            with anyio.move_on_after(GOODBYE_S), contextlib.suppress(LineLost):
                while self.close_code is None:
                    await self._read()
            self._is_ended = True
            raise self._lost() from None

    def _take(self, frame: Frame) -> None:
        """Keep a message once its last fragment has come; ``ClientProtocol`` holds their sum to its ``max_size``."""
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return
        if not self._parts and frame.fin:
            self._frames.append(_message(frame.opcode, bytes(frame.data)))
            return
        self._parts.append(frame)
        if frame.fin:
            data = b"".join(bytes(part.data) for part in self._parts)
            self._frames.append(_message(self._parts[0].opcode, data))
            self._parts.clear()

    async def _flush(self) -> None:
        """Write the protocol's pending bytes."""
        try:
            async with self._sending:
                for data in self._protocol.data_to_send():
                    if data:
                        await self._stream.send(data)
                    else:
                        await self._stream.send_eof()
        except BROKEN as error:
            self._is_broken = True
            raise self._lost() from error
        except BaseException:
            self._is_broken = True  # cancelled in the middle of a frame, perhaps
            raise

    def _check_open(self) -> None:
        if not self.is_open:
            raise self._lost()

    def _lost(self) -> LineLost:
        return LineLost(self.close_code or ABNORMAL, self.close_reason)


def _message(opcode: Opcode, data: bytes) -> str | bytes:
    return data.decode(errors="replace") if opcode is Opcode.TEXT else data


def _check(response: Response) -> None:
    """Raise ``ServerRefused`` with the reason in an answer that opens no WebSocket."""
    if response.status_code == SWITCHING_PROTOCOLS:
        return
    after = response.headers.get("Retry-After", "")
    text = (response.body or b"").decode(errors="replace").strip()[:SHOWN_CHARS]
    again = f"; try again in {after} s" if after else ""
    raise ServerRefused(
        f"the server refused the connection: {response.status_code} {text}".rstrip() + again,
        status=response.status_code,
        retry_after_s=float(after) if after.isdigit() else None,
    )


def parse_address(url: str) -> WebSocketURI:
    """Return the parts of an address; raises ``BadAddress``."""
    try:
        if urlsplit(url).port != 0:
            return parse_uri(url)
    except (InvalidURI, ValueError):
        pass
    raise BadAddress(f"the address must be like ws://127.0.0.1:8000/ws, not {url!r}")


def address_at(url: str, replica: str | None) -> str:
    """Return an address that names the replica that is wanted.

    >>> address_at("ws://voice.example/ws", "one")
    'ws://voice.example/ws?at=one'
    """
    if replica is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}at={quote(replica, safe='')}"


async def connect_stream(
    address: WebSocketURI, ssl_context: ssl.SSLContext | None = None, *, local_host: str | None = None
) -> ByteStream:
    """Connect by TCP, and by TLS if the address is ``wss``; raises ``NoServer``.

    Without a context, Python's default one checks the server's certificate. ``local_host`` is the address of this
    machine that the server shall see.
    """
    try:
        if not address.secure:
            return await anyio.connect_tcp(address.host, address.port, local_host=local_host)
        return await anyio.connect_tcp(
            address.host,
            address.port,
            local_host=local_host,
            tls_hostname=address.host,
            ssl_context=ssl_context or ssl.create_default_context(),
            tls_standard_compatible=False,  # many servers end the connection without TLS's close_notify
        )
    except ssl.SSLError as error:
        raise NoServer(f"no safe connection to {address.host}: {error}") from error
    except BROKEN as error:
        why = error.__cause__ or error  # anyio's own error has no reason
        raise NoServer(f"no server at {address.host}:{address.port} ({why})") from error


@attrs.frozen
class Endpoint:
    """The address of a server, and how its WebSocket is opened.

    >>> async with await Endpoint("ws://127.0.0.1:8000/ws").open() as socket:  # doctest: +SKIP
    ...     await socket.send('{"type": "connection_request", "data": {...}}')
    """

    url: str
    headers: Mapping[str, str] = attrs.field(factory=dict)
    """Added to the request, such as ``Authorization``. Without ``Origin``: this is no browser."""
    subprotocols: Sequence[str] = ()
    ssl_context: ssl.SSLContext | None = None
    """For ``wss``; without one, Python's default context checks the server's certificate."""
    open_stream: OpenStream | None = None
    """Opens the stream below the WebSocket instead of a TCP connection to the address."""
    timeout_s: float = 10.0
    """For the connection, and again for the server's answer to the first frame."""

    async def open(self, *, at: str | None = None) -> WebSocket:
        """Open a WebSocket; raises ``BadAddress``, ``NoServer`` and ``ServerRefused``.

        ``at`` names the replica that is wanted, for a proxy that knows it (docs/protocol.md).
        """
        address = parse_address(address_at(self.url, at))
        subprotocols = [Subprotocol(name) for name in self.subprotocols] or None
        protocol = ClientProtocol(address, subprotocols=subprotocols, max_size=MAX_MESSAGE_BYTES)
        try:
            with anyio.fail_after(self.timeout_s):
                open_stream = self.open_stream or partial(connect_stream, address, self.ssl_context)
                socket = WebSocket(await open_stream(), protocol)
                try:
                    await socket.upgrade(self.headers)
                except BaseException:
                    await socket.abort()
                    raise
        except LineLost as lost:
            raise NoServer(f"{self.url} ended the connection before it was a WebSocket") from lost
        except TimeoutError as error:
            raise NoServer(f"{self.url} did not take a WebSocket within {self.timeout_s:g} s") from error
        return socket
