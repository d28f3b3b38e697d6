"""One port for everything: our own pages, WebSockets, and the HTTP app for the rest.

Rules kept here:

* A client can end nothing but its own connection: errors are contained in each connection and logged.
* HTTP connections are bounded in number, for each address too, and counted from the accept to their end, or until they
  are WebSockets with a place of their own (``protocol/admission/connections.py``).
* A TLS handshake has the deadline of a request's head, and meanwhile its connection may be closed for another one.
* Every way to stop is bounded: a close frame for each WebSocket, the end of the answer under way for the rest, then
  the connections are cut.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import trio

from backends.ingress.accepted_connection import AcceptedConnection, IngressRoutes, ListenerState
from backends.ingress.certificates import CertificateFiles, ServerCertificate
from backends.ingress.containment import contained
from backends.ingress.direct_stream import DirectStream
from backends.ingress.listeners import Listener, address_of, open_listeners
from backends.ingress.proxy_header import caller_behind
from backends.ingress.streams import STREAM_ERRORS, linger, send_in_pieces
from backends.ingress.tls_stream import AcceptedStream, HandshakeFailed, TlsStream
from backends.protocols import IngressHandlers, RequestAdmission
from config.settings import GatewaySettings
from protocol.admission.forwarding import BadProxyHeader, is_trusted
from protocol.admission.notices import CertificateLook

log = logging.getLogger("sayso.ingress")

STOP_GRACE_S: Final = 3.0  # fits into the 5 s that an actor has to stop
SERVICE_RESTART: Final = 1012
REPLACED: Final = 408  # status in the metrics of a connection that sent no request and was closed in favour of another
TURNED_AWAY_MAX: Final = 8  # refused connections answered at a time, each for up to 1 s; others are closed
BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 33\r\n"
    b'retry-after: 1\r\nconnection: close\r\n\r\n{"error": "too many connections"}'
)


BAD_REQUEST: Final = 400
TIMED_OUT: Final = 408
IN_CLEAR: Final = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 55\r\nconnection: close\r\n\r\n"
    b'{"error": "TLS is spoken here: use https:// or wss://"}'
)


def tls_files(settings: GatewaySettings) -> CertificateFiles | None:
    """Return the files of the certificate, if there is to be TLS."""
    if not settings.tls_certificate:
        return None
    return CertificateFiles(Path(settings.tls_certificate), Path(settings.tls_key))


class TrioIngress:
    """The listener; ``serve`` may be called once."""

    def __init__(
        self,
        settings: GatewaySettings,
        handlers: IngressHandlers,
        admission: RequestAdmission,
        routes: IngressRoutes,
        publish_certificate: Callable[[CertificateLook], None] = lambda _: None,
    ) -> None:
        """Tell ``publish_certificate`` of the certificate in use, where there is TLS."""
        self._state = ListenerState(settings, handlers, admission, routes)
        self._accepting = trio.CancelScope()
        self._everybody = trio.CancelScope()
        self._listeners: Sequence[Listener] = ()
        self._turning_away = 0
        self._certificate: ServerCertificate | None = None
        self._publish_certificate = publish_certificate
        self._ended: trio.Event | None = None

    def __repr__(self) -> str:
        return f"<TrioIngress {len(self._state.connections)} http, {len(self._state.sockets)} websockets>"

    async def serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        """Listen until stopped or cancelled; starts with the bound addresses.

        Raises ``PortInUse`` and ``CertificateError``.
        """
        files = tls_files(self._state.settings)
        self._certificate = None if files is None else ServerCertificate(files, self._publish_certificate)
        self._listeners = listeners = await open_listeners(self._state.settings)
        self._ended = trio.Event()
        try:
            with self._everybody:
                async with trio.open_nursery() as nursery:
                    task_status.started([address_of(listener.socket.getsockname()) for listener in listeners])
                    with self._accepting:
                        async with trio.open_nursery() as watching:
                            if self._certificate is not None:
                                watching.start_soon(self._certificate.watch)
                            await trio.serve_listeners(self._accept, listeners, handler_nursery=nursery)
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Stop listening and close all connections within a bounded time; returns when they are closed."""
        state = self._state
        state.is_stopping = True
        self._accepting.cancel()
        for scope in state.waiting:
            scope.cancel()
        for websocket in state.sockets:
            websocket.start_close(SERVICE_RESTART, "the server is stopping")
        if state.routes.http is not None:
            await state.routes.http.stop()
        if self._ended is not None:
            with trio.move_on_after(STOP_GRACE_S):
                await self._ended.wait()
            self._everybody.cancel()
            await self._ended.wait()

    async def _accept(self, stream: trio.SocketStream) -> None:
        try:
            host, port = address_of(stream.socket.getpeername())
            await contained(log, "a connection", self._serve, stream, f"{host}:{port}")
        except OSError as error:
            log.debug("a connection was lost before it was served: %r", error)
        finally:
            await trio.aclose_forcefully(stream)

    async def _serve(self, stream: trio.SocketStream, peer: str) -> None:
        state = self._state
        is_scarce = any(listener.is_short for listener in self._listeners)
        try:
            is_proxy = is_trusted(peer.rpartition(":")[0], state.proxies)
            with state.connections.place(peer, is_scarce=is_scarce, is_proxy=is_proxy) as place:
                if place is None:
                    await self._turn_away(stream)
                    return
                if place.has_replaced:
                    state.handlers.observe("OTHER", "closed_waiting", REPLACED, 0.0)
                place.wait()
                caller = await caller_behind(stream, peer, state.settings.head_timeout_s) if is_proxy else peer
                accepted = None if caller is None else await self._secured(DirectStream(stream))
                if caller is not None and accepted is not None:
                    is_proxied = caller != peer
                    await AcceptedConnection(state, accepted, caller, place, is_proxied=is_proxied).serve()
        except BadProxyHeader as error:
            log.warning("closed a connection of the proxy %s: %s", peer, error)
            state.handlers.observe("OTHER", "malformed", BAD_REQUEST, 0.0)
        except (*STREAM_ERRORS, trio.TooSlowError, OSError) as error:
            log.debug("a connection was lost: %r", error)

    async def _secured(self, stream: DirectStream) -> AcceptedStream | None:
        """Return the connection after its TLS handshake, ``None`` if that failed; in clear without a certificate."""
        if self._certificate is None:
            return stream
        secure = TlsStream(stream, self._certificate.context)
        try:
            with trio.move_on_after(self._state.settings.head_timeout_s):
                await secure.handshake()
                return secure
        except HandshakeFailed as failed:
            log.debug("no TLS: %s", failed)
            self._state.handlers.observe("OTHER", "no_tls", BAD_REQUEST, 0.0)
            if failed.is_http:
                await send_in_pieces(stream, IN_CLEAR, self._state.settings.websocket.send_timeout_s)
                await linger(stream)
            return None
        self._state.handlers.observe("OTHER", "no_tls", TIMED_OUT, 0.0)
        return None

    async def _turn_away(self, stream: trio.SocketStream) -> None:
        state = self._state
        state.handlers.observe("OTHER", "turned_away", 503, 0.0)
        if self._turning_away >= TURNED_AWAY_MAX or self._certificate is not None:
            return
        self._turning_away += 1
        try:
            await send_in_pieces(stream, BUSY, state.settings.websocket.send_timeout_s)
            await linger(stream)
        finally:
            self._turning_away -= 1
