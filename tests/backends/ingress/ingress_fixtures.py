"""Clients, settings and handlers for the tests of everything behind the port."""

import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import attrs
import trio
from trio.testing import MockClock
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from actors.admission.gateway_admission import AdmissionInputs, GatewayAdmission
from backends.ingress.accepted_connection import IngressRoutes
from backends.ingress.hypercorn_bridge import HttpApp
from backends.ingress.server import TrioIngress
from backends.protocols import Admitted, HttpAnswer, Refusal, Request, RequestKind
from config.settings import GatewaySettings, RateSettings, WebSocketSettings
from protocol.admission.identity import identity_of
from protocol.dialects.dialect import ClientLink, MakeDialect
from protocol.dialects.native import NativeDialect
from protocol.messages.identity import Identity
from protocol.messages.socket import Socket, SocketClosed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NATIVE: Mapping[str, MakeDialect] = {"/ws": lambda _request: NativeDialect()}
PATIENCE_S = 30.0
CLIENT = Identity("192.0.2.1:5000", "192.0.2.1")
PAGES = frozenset({"/health", "/big", "/broken", "/stuck", "/echo"})
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


def unpack_zstd(data: bytes) -> bytes:
    """Return what was compressed with Zstandard."""
    return zstd.decompress(data)


def websocket_settings(**changes: Any) -> WebSocketSettings:
    """Return ordinary settings with some changed."""
    ordinary = WebSocketSettings(
        max_connections=100,
        ping_interval_s=30,
        pong_timeout_s=20,
        close_timeout_s=5,
        max_message_bytes=1 << 20,
        send_buffer_bytes=65_536,
        recv_buffer_bytes=65_536,
        send_timeout_s=5,
        compression=True,
    )
    return attrs.evolve(ordinary, **changes)


def gateway_settings(websocket: WebSocketSettings | None = None, **changes: Any) -> GatewaySettings:
    """Return ordinary settings on a free port of loopback with some changed."""
    ordinary = GatewaySettings(
        host="127.0.0.1",
        port=0,
        require_key=False,
        insecure=False,
        tls_certificate="",
        tls_key="",
        cache_ttl_s=300,
        allowed_hosts=("x",),
        allowed_origins=(),
        trusted_proxies=(),
        wyoming_port=0,
        wyoming_networks=(),
        wyoming_name="",
        head_max_bytes=16_384,
        head_timeout_s=5,
        keepalive_s=5,
        request_timeout_s=5,
        backlog=512,
        max_http_connections=500,
        max_requests=100,
        max_share_per_address=0.8,
        body_timeout_s=10,
        upload_timeout_s=60,
        upload_min_bytes_per_s=1_000,
        rate=RateSettings(enabled=False, per_minute=1, per_hour=1, burst=1, loopback=True),
        websocket=websocket or websocket_settings(),
    )
    return attrs.evolve(ordinary, **changes)


class FrameClient:
    """The client's side of an open WebSocket, frame by frame."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.protocol = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
        self._frames: deque[Frame] = deque()

    async def flush(self) -> None:
        """Send what the protocol wants sent."""
        for data in self.protocol.data_to_send():
            if data:
                await self.stream.send_all(data)

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self.protocol.send_text(message.encode())
        else:
            self.protocol.send_binary(message)
        await self.flush()

    async def send_frame(self, opcode: Opcode, data: bytes, *, fin: bool = True) -> None:
        """Send any frame, right or wrong."""
        await self.stream.send_all(Frame(opcode, data, fin).serialize(mask=True))

    async def frame(self) -> Frame | None:
        """Return the next frame, ``None`` at the end of the stream; pings are answered."""
        while not self._frames:
            data = await self.stream.receive_some(65_536)
            if not data:
                return None
            await self.take_in(bytes(data))
        return self._frames.popleft()

    async def take_in(self, data: bytes) -> None:
        """Take what the server sent, and answer it as the protocol wants."""
        self.protocol.receive_data(data)
        self._frames.extend(event for event in self.protocol.events_received() if isinstance(event, Frame))
        await self.flush()

    async def payload(self) -> bytes:
        """Return the payload of the next frame."""
        frame = await self.frame()
        assert frame is not None, "the stream has ended"
        return bytes(frame.data)

    async def close_code(self) -> int | None:
        """Read to the end; return the code of the server's close frame."""
        while await self.frame() is not None:
            pass
        close = self.protocol.close_rcvd
        return None if close is None else close.code


async def echo(socket: Socket, request: Request) -> None:
    """Run a session that sends back what it gets."""
    try:
        while True:
            message = await socket.receive()
            if isinstance(message, str):
                await socket.send(message)
            else:
                await socket.send_speech(message)
    except SocketClosed:
        return


class FakeHandlers:
    """Two pages, a number of places and a session."""

    def __init__(self, *, places: int = 100, session: Callable[[Socket, Request], Awaitable[None]] = echo) -> None:
        self.places = places
        self.taken = 0
        self.most_taken = 0
        self.given_back = 0
        self.observed: list[tuple[str, str, int]] = []
        self.session = session
        self._changed = trio.lowlevel.ParkingLot()

    async def wait_given_back(self, count: int) -> None:
        """Wait until so many places were given back."""
        while self.given_back < count:
            await self._changed.park()

    def has_page(self, path: str) -> bool:
        return path in PAGES

    async def answer(self, request: Request) -> HttpAnswer | None:
        if request.path == "/health":
            return HttpAnswer(200, "application/json", b'{"status":"healthy"}')
        if request.path == "/big":
            return HttpAnswer(200, "application/json", b'"' + b"voice " * 10_000 + b'"', (("X-Mark", "1"),))
        if request.path == "/broken":
            raise ValueError("a bug")
        if request.path == "/stuck":
            await trio.sleep_forever()
        if request.path == "/echo":
            return HttpAnswer(200, "text/plain", repr((request.method, dict(request.query), request.peer)).encode())
        return None

    def take_place(self, request: Request) -> Admitted | Refusal:
        """Take a WebSocket's place."""
        if self.taken >= self.places:
            return Refusal(503, "all places are taken", 2.5, "places")
        self.taken += 1
        self.most_taken = max(self.taken, self.most_taken)
        return Admitted(identity_of(request.peer, request.headers, is_proxied=request.is_proxied), self._place())

    @contextmanager
    def _place(self) -> Iterator[None]:
        try:
            yield None
        finally:
            self.taken -= 1
            self.given_back += 1
            self._changed.unpark_all()

    async def serve_client(self, client: ClientLink, request: Request, admitted: Admitted) -> None:
        await self.session(client.socket, request)

    def observe(self, method: str, endpoint: str, status: int, duration_s: float) -> None:
        self.observed.append((method, endpoint, status))


class FakeAdmission:
    """The real admission, but WebSockets get the places of the handlers."""

    def __init__(
        self, settings: GatewaySettings, handlers: FakeHandlers, inputs: AdmissionInputs | None = None
    ) -> None:
        self._handlers = handlers
        self._real = GatewayAdmission(
            settings, inputs or AdmissionInputs(), count=ignore, on_places=ignore, jitter=lambda: 1.0
        )

    async def admit(self, request: Request, kind: RequestKind, *, is_reserved: bool = False) -> Admitted | Refusal:
        is_websocket = kind in (RequestKind.WEBSOCKET, RequestKind.TEXT_SESSION)
        verdict = await self._real.admit(request, RequestKind.PAGE if is_websocket else kind, is_reserved=is_reserved)
        return self._handlers.take_place(request) if is_websocket and isinstance(verdict, Admitted) else verdict


def ignore(_: object) -> None:
    """Count nothing."""


@attrs.frozen
class Server:
    """A listener that runs."""

    ingress: TrioIngress
    handlers: FakeHandlers
    port: int
    streams: list[trio.SocketStream] = attrs.field(factory=list)
    """Every client's stream, closed at the end."""

    async def connect(self) -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.streams.append(stream)
        return stream

    async def upgrade(self, extra: bytes = b"") -> FrameClient:
        """Open a WebSocket; fails unless it is accepted."""
        stream = await self.connect()
        await stream.send_all(UPGRADE + extra + b"\r\n")
        head, rest = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 101 "), head
        client = FrameClient(stream)
        if rest:
            await client.take_in(rest)
        return client


async def ask(port: int, data: bytes) -> bytes:
    """Send bytes and return all that comes until the server closes."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(data)
        return await read_all(stream)


def patient_clock() -> MockClock:
    """Return a clock that jumps once nothing moves, sockets of this machine included."""
    return MockClock(autojump_threshold=0.03)


async def read_head(stream: trio.abc.ReceiveStream) -> tuple[bytes, bytes]:
    """Return a response's head, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = await stream.receive_some(65_536)
        assert more, f"the connection ended within a head: {data!r}"
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


async def read_all(stream: trio.abc.ReceiveStream) -> bytes:
    """Return what comes until the end of the stream."""
    data = b""
    while more := await stream.receive_some(65_536):
        data += more
    return data


@asynccontextmanager
async def serving(
    handlers: FakeHandlers | None = None,
    settings: GatewaySettings | None = None,
    app: Any = None,
    inputs: AdmissionInputs | None = None,
    dialects: Mapping[str, MakeDialect] | None = None,
    *,
    turns: frozenset[str] = frozenset(),
) -> AsyncIterator[Server]:
    """Run a listener on a free port, for at most ``PATIENCE_S``."""
    handlers = handlers or FakeHandlers()
    settings = settings or gateway_settings()
    http = None if app is None else HttpApp(app, settings, frozenset({"/upload"}))
    admission = FakeAdmission(settings, handlers, inputs)
    ingress = TrioIngress(settings, handlers, admission, IngressRoutes(dialects or NATIVE, http, turns=turns))
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(lambda task_status: ingress.serve(task_status=task_status))
            server = Server(ingress, handlers, addresses[0][1])
            try:
                yield server
            finally:
                for stream in server.streams:
                    stream.socket.close()
            nursery.cancel_scope.cancel()
