"""The HTTP app behind Hypercorn, given one request at a time with the bytes that were read already.

It answers one request a connection: the next one might be ours, or a WebSocket, and Hypercorn must see neither. A body
that arrives too slowly is answered 408 here, because the app would wait for it.

Hypercorn 0.18 has three faults on Trio that are cured here, outside of it:

* It sends under a shield and without a deadline, so a client that stops reading would hold its task for ever, through
  a shutdown too. The stream that it gets breaks instead.
* Once the peer is gone an app that only sends runs on without ever yielding to the loop. The app's own ``send``
  yields, so that the app can be cancelled.
* At the end of an answer it tells the app that the client has gone, whereupon quart-trio cancels the task in which
  Hypercorn was about to close the connection or to start its idle timeout; it would stay open for as long as the
  client likes. So sends are shielded here, and a connection ends soon after its app in any case.
"""

import contextlib
import json
import logging
from collections.abc import Callable
from typing import Final, cast

import attrs
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)

from backends.ingress.http_head import Handover, method_label
from backends.ingress.streams import STREAM_ERRORS, linger, send_in_pieces
from backends.ingress.tls_stream import AcceptedStream, TlsStream
from backends.protocols import Admitted
from config.settings import GatewaySettings
from protocol.admission.body_pace import BodyBounds, BodyPace
from runtime.messaging.exits import leaves

log = logging.getLogger("sayso.http")
Observe = Callable[[str, str, int, float], None]
ROUTE_KEY: Final = "route"
"""Where an app leaves the template of the route it has matched, in the scope."""
ADMITTED_KEY: Final = "admitted"
"""Where an app finds how its request was admitted (``backends.protocols.Admitted``): no header can forge that."""
HELD_KEY: Final = "held"
"""Where an app finds an ``ExitStack`` that is closed when its answer is over, however it ends."""
UNMATCHED: Final = "unmatched"
SLOW_BODY: Final = "slow_body"
"""The route in the metrics of a request whose body arrived too slowly."""
TIMED_OUT: Final = 408
MAX_EXCESS_BYTES: Final = 65_536
SLOW_BODY_HEAD: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
)
LAST_WORDS_S: Final = 2.0
"""Seconds that a connection may stay open after the app has returned; only an error page is sent after that."""


class AnswerCutOff(Exception):
    """An app cannot go on with an answer that it has begun; the client sees that its connection ends too soon."""


@attrs.define(eq=False)
class Exchange:
    """The progress of one request and its answer."""

    has_body_come: bool = False
    has_begun_to_answer: bool = False
    is_given_up: bool = False
    """Whether the client was told that its body arrives too slowly."""
    returned: trio.Event = attrs.field(factory=trio.Event, init=False)
    """Set when the app has returned."""


class ReplayStream(trio.abc.HalfCloseableStream):
    """A socket stream that gives one request to read; its sends have a deadline and yield to the loop."""

    def __init__(self, stream: AcceptedStream, handover: Handover, send_timeout_s: float, bounds: BodyBounds) -> None:
        self.socket = stream.socket  # Hypercorn asks it for the addresses
        self.exchange = Exchange()
        self._stream = stream
        self._send_timeout_s = send_timeout_s
        self._pace = BodyPace(bounds)
        self._is_broken = False
        self._sending = trio.Lock()  # Hypercorn's tasks write, and so does ``_give_up``
        self._body_left = handover.body_bytes
        self._excess = 0
        self._unread = handover.head + self._of_the_body(handover.received)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return the head and the body, then wait for the end of the stream.

        What comes behind the body would be the next request: Hypercorn would fail this one for it. A client that goes
        on and on is taken to have left, and so is one whose body arrives too slowly.
        """
        if self._unread:
            await trio.lowlevel.checkpoint()
            size = len(self._unread) if max_bytes is None else max_bytes
            data, self._unread = self._unread[:size], self._unread[size:]
            return data
        while self._excess <= MAX_EXCESS_BYTES:
            data = await self._received(max_bytes)
            wanted = self._of_the_body(data)
            if wanted or not data:
                return wanted
        return b""

    async def _received(self, max_bytes: int | None) -> bytes:
        if self.exchange.has_body_come:
            return bytes(await self._stream.receive_some(max_bytes))
        before_s = trio.current_time()
        with trio.move_on_after(self._pace.left_s()):
            data = bytes(await self._stream.receive_some(max_bytes))
            self._pace.note(trio.current_time() - before_s, len(data))
            return data
        if self.exchange.has_body_come:  # the end of a chunked body is seen by the app's side only
            return bytes(await self._stream.receive_some(max_bytes))
        await self._give_up()
        return b""

    async def _give_up(self) -> None:
        """Tell the client that its body arrives too slowly, unless it is being answered already."""
        if self.exchange.has_begun_to_answer or self._is_broken:
            return
        self.exchange.is_given_up = True
        self._is_broken = True  # Hypercorn has nothing to add
        body = json.dumps({"error": self._pace.bounds.expectation}).encode()
        try:
            async with self._sending:
                await send_in_pieces(self._stream, SLOW_BODY_HEAD % len(body) + body, self._send_timeout_s)
            await linger(self._stream)
        except (*STREAM_ERRORS, trio.TooSlowError):
            return

    def _of_the_body(self, data: bytes) -> bytes:
        if self._body_left is None:
            return data
        wanted = data[: self._body_left]
        self._body_left -= len(wanted)
        self.exchange.has_body_come = self.exchange.has_body_come or not self._body_left
        self._excess += len(data) - len(wanted)
        return wanted

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, or break: raises ``trio.BrokenResourceError`` when the client takes nothing for the send timeout."""
        await trio.lowlevel.checkpoint()
        async with self._sending:
            if self._is_broken:
                raise trio.BrokenResourceError("the client stopped reading, or was too slow")
            try:
                await send_in_pieces(self._stream, bytes(data), self._send_timeout_s)
            except trio.TooSlowError as error:
                self._is_broken = True
                await trio.aclose_forcefully(self._stream)
                raise trio.BrokenResourceError("the client stopped reading") from error

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """As the stream does."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """As the stream does."""
        await self._stream.aclose()


class HttpApp:
    """An ASGI app that serves connections; its lifespan hooks are not run, for ours has none."""

    def __init__(
        self, app: ASGIFramework, settings: GatewaySettings, upload_paths: frozenset[str] = frozenset()
    ) -> None:
        """Serve ``app``; bodies sent to ``upload_paths`` are recordings, which have a longer deadline."""
        self._app = app
        self._upload_paths = upload_paths
        self._small = BodyBounds(settings.body_timeout_s)
        self._upload = BodyBounds(settings.upload_timeout_s, settings.body_timeout_s, settings.upload_min_bytes_per_s)
        self._send_timeout_s = settings.websocket.send_timeout_s
        self._context = WorkerContext(max_requests=None)
        self._config = Config()
        self._config.accesslog = None
        self._config.errorlog = logging.getLogger("sayso.http")
        self._config.include_server_header = False
        self._config.keep_alive_timeout = settings.head_timeout_s  # until the head has come, which is at once
        self._config.keep_alive_max_requests = 0  # its first answer says ``connection: close``
        self._config.h11_max_incomplete_size = 2 * settings.head_max_bytes  # the head was checked before

    async def stop(self) -> None:
        """Close connections that wait for their request; requests that are served go on."""
        await self._context.terminated.set()

    async def serve(
        self,
        stream: AcceptedStream,
        handover: Handover,
        observe: Observe,
        admitted: Admitted,
    ) -> None:
        """Serve one connection for one request that was admitted; closes it."""
        bounds = self._upload if handover.path in self._upload_paths else self._small
        replay = ReplayStream(stream, handover, self._send_timeout_s, bounds)
        is_secure = isinstance(stream, TlsStream)
        app = ASGIWrapper(observed(self._app, observe, replay.exchange, admitted, is_secure=is_secure))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_close_soon_after, replay.exchange.returned, replay)
            await TCPServer(app, self._config, self._context, {}, replay)  # type: ignore[arg-type]  # wants TLS
            nursery.cancel_scope.cancel()


async def _close_soon_after(returned: trio.Event, stream: ReplayStream) -> None:
    await returned.wait()
    await trio.sleep(LAST_WORDS_S)
    await stream.aclose()


def observed(
    app: ASGIFramework, observe: Observe, exchange: Exchange, admitted: Admitted, *, is_secure: bool = False
) -> ASGIFramework:
    """Wrap the app: its request's figures are reported, its ``send`` always yields and is never cancelled midway.

    Its scope has ``admitted``, whose headers are added to the answer's.
    """
    added = [(name.lower().encode(), value.encode("latin-1")) for name, value in admitted.headers]

    async def serve(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        started_at = trio.current_time()
        status = 500
        cast("dict[str, object]", scope)[ADMITTED_KEY] = admitted
        if is_secure:
            scope["scheme"] = "https"

        async def receive_and_note() -> ASGIReceiveEvent:
            event = await receive()
            if event["type"] == "http.request" and not event["more_body"]:
                exchange.has_body_come = True
            return event

        async def send_and_yield(event: ASGISendEvent) -> None:
            nonlocal status
            await trio.lowlevel.checkpoint()
            if event["type"] == "http.response.start":
                status = event["status"]
                event["headers"] = [*event["headers"], *added]
                exchange.has_begun_to_answer = True
            with trio.CancelScope(shield=True):  # bounded by the stream's deadline
                await send(event)

        try:
            with contextlib.ExitStack() as held:
                cast("dict[str, object]", scope)[HELD_KEY] = held
                await app(scope, receive_and_note, send_and_yield)
        except* AnswerCutOff as cut_off:
            log.warning("an answer was cut off: %s", next(leaves(cut_off)))
        finally:
            exchange.returned.set()
            route = str(cast("dict[str, object]", scope).get(ROUTE_KEY, UNMATCHED))
            if exchange.is_given_up:
                route, status = SLOW_BODY, TIMED_OUT
            observe(method_label(scope["method"]), route, status, trio.current_time() - started_at)

    return serve
