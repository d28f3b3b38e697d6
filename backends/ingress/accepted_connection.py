"""Serves one accepted connection: reads heads, sees whose each request is, and answers or hands over.

Rules kept here:

* Which pages may use this server is decided once, before it is known whether a request is for a WebSocket, for a page
  of ours or for the HTTP app.
* A place for a WebSocket is asked for once the handshake was found to be right, before it is answered, and given back
  exactly once.
* What a handler raises is logged and becomes a 500 or a close with 1011.
* An answer of ours leaves the connection open for the next request; the HTTP app gets one request and closes.
* A connection with a reserved place gets one answer, to a health check; every other request is refused.
"""

import logging
import socket
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

import attrs
import h11
import trio
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from backends.ingress.connections import ConnectionPlace, OpenConnections
from backends.ingress.containment import Failure, contained
from backends.ingress.http_connection import BadHead, HttpConnection
from backends.ingress.http_head import (
    ANY_TARGET,
    TEXT,
    BadTarget,
    body_bytes_of,
    error_answer,
    handover_of,
    handshake_error,
    handshake_of,
    is_health_check,
    method_label,
    not_a_websocket,
    origin_form,
    refusal_answer,
    request_of,
    wants_websocket,
)
from backends.ingress.hypercorn_bridge import UNMATCHED, HttpApp
from backends.ingress.websocket import TrioWebSocket
from backends.protocols import HttpAnswer, IngressHandlers, Refusal, Request
from config.settings import GatewaySettings
from protocol.admission.origin import (
    PREFLIGHT_HEADERS,
    SitePolicy,
    cors_headers,
    is_preflight,
    own_names,
    site_refusal,
)
from protocol.admission.rate import SlidingCount
from protocol.dialects.dialect import ClientLink, Dialect, MakeDialect, OpeningRequest
from protocol.messages.events import ConnectionRefused
from protocol.messages.socket import SocketClosed

log = logging.getLogger("sayso.ingress")

REFUSED_CLOSE_S: Final = 2.0  # a refused browser has no place: it may hold an HTTP connection for so long
RESERVED_HEAD_S: Final = 2.0  # for the head of a health check while the server is full
RETRY_AFTER_S: Final = "1"  # places are taken and given back within milliseconds, or the server is under attack
SWITCHING: Final = 101
REFUSALS_TOLD: Final = 10  # in the window below; a page that tries again and again must not fill the disk
REFUSALS_WINDOW_S: Final = 60.0
SERVER_METHODS: Final = (("Allow", "GET, HEAD, POST, OPTIONS"),)
NORMAL, INTERNAL_ERROR, TRY_AGAIN_LATER = 1000, 1011, 1013  # close codes, RFC 6455 section 7.4.1 and IANA


@attrs.frozen
class IngressRoutes:
    """What is behind the port besides our own pages."""

    dialects: Mapping[str, MakeDialect]
    """What is spoken over a WebSocket, by its path."""
    http: HttpApp | None = None
    """Gets every request that is not ours; without it those are answered 404."""


@attrs.define(eq=False)
class ListenerState:
    """What all connections of one listener share."""

    settings: GatewaySettings
    handlers: IngressHandlers
    routes: IngressRoutes
    connections: OpenConnections = attrs.field(init=False)
    """Those that count as HTTP: all but the WebSockets that have a place."""
    sockets: set[TrioWebSocket] = attrs.field(factory=set, init=False)
    waiting: set[trio.CancelScope] = attrs.field(factory=set, init=False)
    """One for each connection that waits for a request."""
    is_stopping: bool = attrs.field(default=False, init=False)
    sites: SitePolicy = attrs.field(init=False)
    told: SlidingCount = attrs.field(factory=lambda: SlidingCount(REFUSALS_TOLD, REFUSALS_WINDOW_S), init=False)
    """Refusals of web pages that were logged."""

    @sites.default
    def _sites(self) -> SitePolicy:
        names = own_names(self.settings.host, socket.gethostname())
        return SitePolicy.of(names, self.settings.allowed_hosts, self.settings.allowed_origins)

    def __attrs_post_init__(self) -> None:
        self.connections = OpenConnections(self.settings)


class AcceptedConnection:
    """One connection, from the accept until it is over; does not close the stream."""

    def __init__(self, state: ListenerState, stream: trio.SocketStream, peer: str, place: ConnectionPlace) -> None:
        settings = state.settings
        if place.is_reserved:
            settings = attrs.evolve(settings, head_timeout_s=min(RESERVED_HEAD_S, settings.head_timeout_s))
        self._state = state
        self._stream = stream
        self._peer = peer
        self._place = place
        self._connection = HttpConnection(stream, settings)

    async def serve(self) -> None:
        """Serve requests until the connection ends, by whose will ever."""
        try:
            while await self._serve_request():
                pass
        except BadHead as error:
            self._state.handlers.observe("OTHER", "malformed", error.status, 0.0)
            await self._connection.send(error_answer(error.status, str(error)))

    async def _serve_request(self) -> bool:
        """Serve the next request, if there is one; return whether another may follow on this connection."""
        head = await self._next_head()
        if head is None:
            return False
        started_at = trio.current_time()
        try:
            head = origin_form(head)
        except BadTarget as error:
            raise BadHead(error.status, str(error)) from error
        request = request_of(head, self._peer)
        routes = self._state.routes
        endpoint = request.path
        cors = cors_headers(request.headers, self._state.sites)
        if (early := self._early_answer(request)) is not None:
            endpoint, answer = early
        elif request.path in routes.dialects:
            refused = await self._answer_on_websocket_path(head, request, started_at)
            if refused is None:
                return False
            answer = refused
        elif (own := await self._own_answer(request)) is not None:
            answer = own
        elif routes.http is not None and not wants_websocket(request):
            with self._state.connections.request(self._peer) as has_room:
                if has_room:
                    handover = handover_of(head, self._connection.received)
                    await routes.http.serve(self._stream, handover, self._state.handlers.observe, cors)
                    return False
            endpoint, answer = "turned_away", busy_answer("too many requests are in work")
        else:
            endpoint, answer = UNMATCHED, error_answer(404, f"there is nothing at {request.path}")
        self._observe(request, endpoint, answer.status, started_at)
        answer = attrs.evolve(answer, headers=(*answer.headers, *cors))
        is_reserved = self._place.is_reserved
        is_last = self._state.is_stopping or is_reserved
        return await self._connection.send(answer, request, is_last=is_last, may_linger=not is_reserved)

    def _early_answer(self, request: Request) -> tuple[str, HttpAnswer] | None:
        """Return endpoint and answer of what does not depend on the path; ``None`` if the path decides."""
        refused = site_refusal(request.method, request.headers, self._state.sites)
        if refused is not None:
            if not self._state.told.add(trio.current_time()):
                log.info("refused %s of %s: %s", method_label(request.method), self._peer, refused.message)
            return f"refused_{refused.reason}", error_answer(refused.status, refused.message)
        if self._place.is_reserved and not is_health_check(request):
            return "turned_away", busy_answer("too many connections")
        if is_preflight(request.method, request.headers):
            return "preflight", HttpAnswer(200, TEXT, b"", PREFLIGHT_HEADERS)
        if request.path == ANY_TARGET:
            return ANY_TARGET, HttpAnswer(200, TEXT, b"", SERVER_METHODS)
        return None

    async def _next_head(self) -> h11.Request | None:
        if self._state.is_stopping:
            return None
        self._place.wait()
        with trio.CancelScope() as scope:
            self._state.waiting.add(scope)
            try:
                head = await self._connection.next_head()
            finally:
                self._state.waiting.discard(scope)
            self._place.work()  # a connection whose head is none goes on waiting: it may be closed for another one
            return head
        return None

    def _observe(self, request: Request, endpoint: str, status: int, started_at: float) -> None:
        duration_s = trio.current_time() - started_at
        self._state.handlers.observe(method_label(request.method), endpoint, status, duration_s)

    async def _own_answer(self, request: Request) -> HttpAnswer | None:
        """Return the answer of one of our own pages; they are only read, so another method is not asked for."""
        is_read = request.method in ("GET", "HEAD")
        asked = request if is_read else attrs.evolve(request, method="GET")
        timeout_s = self._state.settings.request_timeout_s
        with trio.move_on_after(timeout_s):
            answer = await contained(log, f"the page {request.path}", self._state.handlers.answer, asked)
            if isinstance(answer, Failure):
                return error_answer(500, "the server failed to answer; its log says why")
            if answer is None or is_read:
                return answer
            return error_answer(405, f"{request.path} is read with GET or HEAD only", [("Allow", "GET, HEAD")])
        return error_answer(503, f"no answer within {timeout_s:g} s", [("Retry-After", "1")])

    # --- WebSockets ------------------------------------------------------------------------------

    async def _answer_on_websocket_path(
        self, head: h11.Request, request: Request, started_at: float
    ) -> HttpAnswer | None:
        """Serve a WebSocket (``None``) or return the answer that says why not."""
        if not wants_websocket(request):
            return not_a_websocket(request)
        if body_bytes_of(head) != 0:
            return error_answer(400, "a WebSocket's handshake has no body")
        make_dialect = self._state.routes.dialects[request.path]
        dialect = make_dialect(OpeningRequest(request.path, request.query, request.headers))
        protocol = protocol_for(dialect, self._state.settings.websocket.max_message_bytes)
        response = protocol.accept(handshake_of(head))
        if response.status_code != SWITCHING:
            return handshake_error(response)
        place = self._state.handlers.admit(request)
        if isinstance(place, Refusal):
            if "origin" not in request.headers:
                return refusal_answer(place)
            self._observe(request, request.path, place.status, started_at)
            await self._refuse_browser(protocol, dialect, response.serialize(), place)
            return None
        self._observe(request, request.path, SWITCHING, started_at)
        await self._serve_admitted(protocol, dialect, response.serialize(), request, place)
        return None

    def _open(self, protocol: ServerProtocol, greeting: bytes, *, close_timeout_s: float) -> TrioWebSocket:
        return TrioWebSocket(
            self._stream,
            protocol,
            attrs.evolve(self._state.settings.websocket, close_timeout_s=close_timeout_s),
            peer=self._peer,
            greeting=greeting,
            received=self._connection.received,
        )

    async def _serve_admitted(
        self,
        protocol: ServerProtocol,
        dialect: Dialect,
        greeting: bytes,
        request: Request,
        place: AbstractContextManager[ConnectionRefused | None],
    ) -> None:
        state = self._state
        with place as refusal:
            websocket = self._open(protocol, greeting, close_timeout_s=state.settings.websocket.close_timeout_s)
            self._place.leave()
            state.sockets.add(websocket)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(websocket.run)
                    what = f"the session of {self._peer}"
                    client = ClientLink(websocket, dialect)
                    ended = await contained(log, what, state.handlers.serve_client, client, request, refusal)
                    if isinstance(ended, Failure):
                        websocket.start_close(INTERNAL_ERROR, "internal error")
                    else:
                        websocket.start_close(NORMAL, "")
            finally:
                state.sockets.discard(websocket)

    async def _refuse_browser(
        self, protocol: ServerProtocol, dialect: Dialect, greeting: bytes, refusal: Refusal
    ) -> None:
        """Tell a browser, which cannot read a refused handshake's status, over the WebSocket itself."""
        close_timeout_s = min(REFUSED_CLOSE_S, self._state.settings.websocket.close_timeout_s)
        websocket = self._open(protocol, greeting, close_timeout_s=close_timeout_s)
        retry_after_ms = round(refusal.retry_after_s * 1_000)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(websocket.run)
            try:
                for frame in dialect.encode(ConnectionRefused(refusal.reason, retry_after_ms), seq=0):
                    await websocket.send(frame)
            except SocketClosed as closed:
                log.debug("%s left before it was refused: %s", self._peer, closed)
            websocket.start_close(TRY_AGAIN_LATER, f"retry_after_ms={retry_after_ms}")


def protocol_for(dialect: Dialect, max_frame_bytes: int) -> ServerProtocol:
    """Return the WebSocket protocol of a connection whose head was read; its handshake selects as the dialect says."""
    subprotocol = None if dialect.subprotocol is None else Subprotocol(dialect.subprotocol)
    return ServerProtocol(
        state=State.OPEN,  # the head was read by h11, so it begins with frames
        max_size=dialect.max_frame_bytes or max_frame_bytes,
        extensions=None,  # deflate costs 300 KiB a client and gains nothing on audio
        select_subprotocol=lambda _protocol, offered: subprotocol if subprotocol in offered else None,
        logger=logging.getLogger("websockets.server"),
    )


def busy_answer(message: str) -> HttpAnswer:
    """Return the answer to a request that finds no place."""
    return error_answer(503, message, [("Retry-After", RETRY_AFTER_S)])
