"""Serves one accepted connection: reads heads, asks whether each request is admitted, and answers or hands it over.

Rules kept here:

* Admission is asked once for each request: for a WebSocket, a page of ours or the HTTP app.
* A WebSocket's place is taken after its handshake was checked and before that is answered. The place is
  given back exactly once.
* What a handler raises is logged and becomes a 500 or a close with 1011.
* An answer of ours leaves the connection open for the next request; the HTTP app gets one request and closes.
* A connection with a reserved place gets one answer, to a health check; every other request is refused.
"""

import json
import logging
from collections.abc import Callable, Mapping
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
    JSON,
    TEXT,
    BadTarget,
    SessionRefusal,
    body_bytes_of,
    error_answer,
    handover_of,
    handshake_error,
    handshake_of,
    method_label,
    not_a_websocket,
    origin_form,
    refusal_answer,
    refused_endpoint,
    refused_in_session,
    refused_session_answer,
    request_of,
    wants_websocket,
)
from backends.ingress.hypercorn_bridge import UNMATCHED, HttpApp
from backends.ingress.tls_stream import AcceptedStream
from backends.ingress.websocket import TrioWebSocket
from backends.ingress.websocket_deflate import INFLATED_MAX_BYTES, DeflateOffer
from backends.protocols import (
    Admitted,
    HttpAnswer,
    IngressHandlers,
    Refusal,
    Request,
    RequestAdmission,
    RequestKind,
)
from config.settings import GatewaySettings, WebSocketSettings
from protocol.admission.forwarding import Network, caller_through, networks_of
from protocol.admission.identity import identity_of
from protocol.admission.origin import PREFLIGHT_HEADERS, is_preflight
from protocol.admission.rate import SlidingCount
from protocol.dialects.dialect import ClientLink, Dialect, HandshakeRefused, MakeDialect, OpeningRequest
from protocol.messages.events import ConnectionRefused
from protocol.messages.identity import Identity
from protocol.messages.socket import SocketClosed

log = logging.getLogger("sayso.ingress")

REFUSED_CLOSE_S: Final = 2.0  # a refused browser has no place: seconds for which it may hold an HTTP connection
RESERVED_HEAD_S: Final = 2.0  # for the head of a health check while the server is full
SWITCHING: Final = 101
REFUSALS_TOLD: Final = 10  # in the window below; a client that tries again and again must not fill the disk
REFUSALS_WINDOW_S: Final = 60.0
SERVER_METHODS: Final = (("Allow", "GET, HEAD, POST, OPTIONS"),)
NORMAL, INTERNAL_ERROR = 1000, 1011  # close codes, RFC 6455 section 7.4.1 and IANA


@attrs.frozen
class IngressRoutes:
    """The endpoints behind the port besides our own pages."""

    dialects: Mapping[str, MakeDialect]
    """The dialect of each WebSocket path."""
    http: HttpApp | None = None
    """Serves every request that is not for a page of ours; without it those are answered 404."""
    posted: frozenset[str] = frozenset()
    """WebSocket paths to which the app takes POST."""
    told: Callable[[str, HttpAnswer, str], HttpAnswer] = lambda _path, answer, _reason: answer
    """Returns a refusal in the form of the protocol that is spoken at a path."""


@attrs.define(eq=False)
class ListenerState:
    """State that all connections of one listener share."""

    settings: GatewaySettings
    handlers: IngressHandlers
    admission: RequestAdmission
    routes: IngressRoutes
    proxies: tuple[Network, ...] = attrs.field(init=False)
    """The networks of trusted proxies."""
    connections: OpenConnections = attrs.field(init=False)
    """The open connections that count as HTTP: all but the WebSockets that have a place."""
    sockets: set[TrioWebSocket] = attrs.field(factory=set, init=False)
    waiting: set[trio.CancelScope] = attrs.field(factory=set, init=False)
    """One for each connection that waits for a request."""
    is_stopping: bool = attrs.field(default=False, init=False)
    told: SlidingCount = attrs.field(factory=lambda: SlidingCount(REFUSALS_TOLD, REFUSALS_WINDOW_S), init=False)
    """Refusals that were logged."""

    def __attrs_post_init__(self) -> None:
        self.proxies = networks_of(self.settings.trusted_proxies)
        self.connections = OpenConnections(self.settings)


@attrs.frozen
class OpeningHandshake:
    """A valid WebSocket handshake that is not answered yet."""

    protocol: ServerProtocol
    greeting: bytes
    """The answer that opens it."""
    dialect: Dialect


class AcceptedConnection:
    """One connection, from the accept until it is over; does not close the stream."""

    def __init__(
        self,
        state: ListenerState,
        stream: AcceptedStream,
        peer: str,
        place: ConnectionPlace,
        *,
        is_proxied: bool = False,
    ) -> None:
        """Serve ``stream``; with ``is_proxied`` a trusted proxy has said that it is ``peer``'s."""
        settings = state.settings
        if place.is_reserved:
            settings = attrs.evolve(settings, head_timeout_s=min(RESERVED_HEAD_S, settings.head_timeout_s))
        self._state = state
        self._stream = stream
        self._peer = peer
        self._is_proxied = is_proxied
        self._place = place
        self._connection = HttpConnection(stream, settings)

    async def serve(self) -> None:
        """Serve requests until the connection ends."""
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
        request = self._from_caller(request_of(head, self._peer))
        handshake = self._handshake(head, request) if self._is_for_dialect(request) else None
        kind = self._kind_of(request, handshake)
        verdict = await self._state.admission.admit(request, kind, is_reserved=self._place.is_reserved)
        if isinstance(verdict, Refusal):
            return await self._refuse(request, handshake, verdict, started_at)
        if isinstance(handshake, OpeningHandshake):
            self._observe(request, request.path, SWITCHING, started_at)
            await self._serve_websocket(handshake, request, verdict)
            return False
        http = self._state.routes.http
        if http is not None and kind is RequestKind.HTTP:
            with verdict.place:
                handover = handover_of(head, self._connection.received)
                await http.serve(self._stream, handover, self._state.handlers.observe, verdict)
            return False
        endpoint, answer = await self._page(request, handshake)
        self._observe(request, endpoint, answer.status, started_at)
        return await self._answer(request, answer, verdict)

    def _is_for_dialect(self, request: Request) -> bool:
        routes = self._state.routes
        return request.path in routes.dialects and not (request.method == "POST" and request.path in routes.posted)

    def _from_caller(self, request: Request) -> Request:
        """Return the request with its sender, as a trusted proxy has told it."""
        if self._is_proxied:
            return attrs.evolve(request, is_proxied=True)
        caller = caller_through(self._peer, request.headers, self._state.proxies)
        return request if caller is None else attrs.evolve(request, peer=caller, is_proxied=True)

    def _kind_of(self, request: Request, handshake: OpeningHandshake | HttpAnswer | None) -> RequestKind:
        if isinstance(handshake, OpeningHandshake):
            return RequestKind.WEBSOCKET
        if handshake is not None or self._state.handlers.has_page(request.path) or request.path == ANY_TARGET:
            return RequestKind.PAGE
        is_for_app = not is_preflight(request.method, request.headers) and not wants_websocket(request)
        return RequestKind.HTTP if is_for_app and self._state.routes.http is not None else RequestKind.PAGE

    async def _page(self, request: Request, wrong_handshake: HttpAnswer | None) -> tuple[str, HttpAnswer]:
        """Return the endpoint's label and the answer, for a request that the listener answers itself."""
        if is_preflight(request.method, request.headers):
            return "preflight", HttpAnswer(200, TEXT, b"", PREFLIGHT_HEADERS)
        if request.path == ANY_TARGET:
            return ANY_TARGET, HttpAnswer(200, TEXT, b"", SERVER_METHODS)
        answer = wrong_handshake or await self._own_answer(request)
        if answer is not None:
            return request.path, answer
        return UNMATCHED, error_answer(404, f"there is nothing at {request.path}")

    async def _answer(self, request: Request, answer: HttpAnswer, verdict: Admitted | Refusal) -> bool:
        """Send an answer; return whether another request may follow."""
        answer = attrs.evolve(answer, headers=(*answer.headers, *verdict.headers))
        is_reserved = self._place.is_reserved
        is_last = self._state.is_stopping or is_reserved
        return await self._connection.send(answer, request, is_last=is_last, may_linger=not is_reserved)

    async def _refuse(
        self,
        request: Request,
        handshake: OpeningHandshake | HttpAnswer | None,
        refusal: Refusal,
        started_at: float,
    ) -> bool:
        """Tell the sender why its request is refused; return whether another may follow."""
        if not self._state.told.add(trio.current_time()):
            log.info("refused %s of %s: %s", method_label(request.method), request.peer, refusal.reason)
        told = None if self._place.is_reserved else refused_in_session(refusal)
        if not isinstance(handshake, OpeningHandshake) or told is None:
            self._observe(request, refused_endpoint(refusal), refusal.status, started_at)
            answer = self._state.routes.told(request.path, refusal_answer(refusal), refusal.reason)
            return await self._answer(request, answer, refusal)
        self._observe(request, request.path, refusal.status, started_at)
        if "origin" not in request.headers:
            answer = self._state.routes.told(request.path, refused_session_answer(refusal), refusal.reason)
            return await self._answer(request, answer, refusal)
        await self._refuse_browser(handshake, request, told)
        return False

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
            self._place.work()  # without a valid head it counts as waiting: it may be closed in favour of another
            return head
        return None

    def _observe(self, request: Request, endpoint: str, status: int, started_at: float) -> None:
        duration_s = trio.current_time() - started_at
        self._state.handlers.observe(method_label(request.method), endpoint, status, duration_s)

    async def _own_answer(self, request: Request) -> HttpAnswer | None:
        """Return one of our own pages' answer; 405 for any method but GET and HEAD."""
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

    def _handshake(self, head: h11.Request, request: Request) -> OpeningHandshake | HttpAnswer:
        """Return the handshake, or the answer that says what is wrong with it."""
        if not wants_websocket(request):
            return not_a_websocket(request)
        if body_bytes_of(head) != 0:
            return error_answer(400, "a WebSocket's handshake has no body")
        make_dialect = self._state.routes.dialects[request.path]
        try:
            dialect = make_dialect(OpeningRequest(request.path, request.query, request.headers, request.repeated))
        except HandshakeRefused as refused:
            return HttpAnswer(refused.status, JSON, json.dumps(refused.body).encode(), tuple(refused.headers))
        protocol = protocol_for(dialect, self._state.settings.websocket)
        response = protocol.accept(handshake_of(head))
        if response.status_code != SWITCHING:
            return handshake_error(response)
        return OpeningHandshake(protocol, response.serialize(), dialect)

    def _open(self, handshake: OpeningHandshake, identity: Identity, *, close_timeout_s: float) -> TrioWebSocket:
        return TrioWebSocket(
            self._stream,
            handshake.protocol,
            attrs.evolve(self._state.settings.websocket, close_timeout_s=close_timeout_s),
            identity=identity,
            greeting=handshake.greeting,
            received=self._connection.received,
        )

    async def _serve_websocket(self, handshake: OpeningHandshake, request: Request, admitted: Admitted) -> None:
        state = self._state
        close_timeout_s = state.settings.websocket.close_timeout_s
        with admitted.place:
            websocket = self._open(handshake, admitted.identity, close_timeout_s=close_timeout_s)
            self._place.leave()
            state.sockets.add(websocket)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(websocket.run)
                    what = f"the session of {request.peer}"
                    client = ClientLink(websocket, handshake.dialect)
                    ended = await contained(log, what, state.handlers.serve_client, client, request, admitted)
                    if isinstance(ended, Failure):
                        websocket.start_close(INTERNAL_ERROR, "internal error")
                    else:
                        websocket.start_close(NORMAL, "")
            finally:
                state.sockets.discard(websocket)

    async def _refuse_browser(self, handshake: OpeningHandshake, request: Request, told: SessionRefusal) -> None:
        """Tell a browser, which cannot read a refused handshake's status, over the WebSocket itself."""
        close_timeout_s = min(REFUSED_CLOSE_S, self._state.settings.websocket.close_timeout_s)
        identity = identity_of(request.peer, request.headers, is_proxied=request.is_proxied)
        websocket = self._open(handshake, identity, close_timeout_s=close_timeout_s)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(websocket.run)
            try:
                client = ClientLink(websocket, handshake.dialect)
                await client.send(ConnectionRefused(told.reason, round(told.retry_after_s * 1_000)), seq=0)
            except SocketClosed as closed:
                log.debug("%s left before it was refused: %s", self._peer, closed)
            websocket.start_close(told.close_code, told.close_reason)


def protocol_for(dialect: Dialect, settings: WebSocketSettings) -> ServerProtocol:
    """Return the WebSocket protocol of a connection whose head was read; its handshake selects as the dialect says.

    Where frames may be larger than what is ever inflated, none is compressed: such a client would be closed.
    """
    subprotocol = None if dialect.subprotocol is None else Subprotocol(dialect.subprotocol)
    is_compressed = settings.compression and (dialect.max_frame_bytes or 0) <= INFLATED_MAX_BYTES
    return ServerProtocol(
        state=State.OPEN,  # the head was read by h11, so it begins with frames
        max_size=dialect.max_frame_bytes or settings.max_message_bytes,
        extensions=[DeflateOffer()] if is_compressed else None,
        select_subprotocol=lambda _protocol, offered: subprotocol if subprotocol in offered else None,
        logger=logging.getLogger("websockets.server"),
    )
