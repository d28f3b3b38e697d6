"""Owns the listener: opens a session for each client that is admitted, and answers the pages of figures.

Rules kept here:

* Admission is decided in ``actors/admission/gateway_admission.py``.
* Pages for operators and load balancers are answered from figures in memory; nothing here waits for an actor.
* A session's failure ends that session's socket and nothing else.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Never

import attrs
import trio

from actors.admission.gateway_admission import AdmissionInputs, GatewayAdmission, GatewayStatistics
from actors.admission.key_watch import KeyWatch
from backends.protocols import (
    Admitted,
    HttpAnswer,
    Ingress,
    IngressHandlers,
    Page,
    Request,
    RequestAdmission,
)
from config.settings import GatewaySettings
from protocol.admission.admission import RETRY_AFTER_S
from protocol.dialects.dialect import ClientLink
from protocol.messages.errors import CloseCode
from protocol.messages.events import ConnectionRefused
from protocol.messages.inboxes import GatewayMessage, MetricsMessage
from protocol.messages.records import Count, Observe
from protocol.messages.session import StopAdmitting
from protocol.messages.socket import SocketClosed
from runtime import Actor, AskError, ChildSpec, MailboxError, Ref, StartChild, SupervisorMessage
from runtime.messaging.published import Published

log = logging.getLogger("sayso.gateway")


@attrs.frozen
class GatewayPeers:
    """The actors that the gateway asks."""

    sessions: Ref[SupervisorMessage]
    metrics: Ref[MetricsMessage]
    reports: Published["GatewayReport"] = attrs.field(factory=Published)
    """The readers of the gateway's report."""


@attrs.frozen
class GatewayReport:
    """The gateway's report, published at every change."""

    places: int
    """The limit of connections."""
    places_taken: int = 0
    addresses: tuple[tuple[str, int], ...] = ()
    """The addresses on which it listens."""

    @property
    def is_full(self) -> bool:
        """Whether every place is taken, so that no new client is admitted."""
        return self.places_taken >= self.places


class Gateway(Actor[GatewayMessage]):
    """Owns the listener."""

    def __init__(
        self,
        settings: GatewaySettings,
        peers: GatewayPeers,
        *,
        make_ingress: Callable[[IngressHandlers, RequestAdmission], Ingress],
        open_session: Callable[[ClientLink, ConnectionRefused | None], ChildSpec[Never]],
        pages: Mapping[str, Page],
        inputs: AdmissionInputs,
    ) -> None:
        self._settings = settings
        self._peers = peers
        self._admission = GatewayAdmission(
            settings,
            inputs,
            count=peers.metrics.tell_nowait,
            on_places=self._count_places,
            jitter=self._jitter,
            use=self._use,
        )
        self._ingress = make_ingress(self, self._admission)
        self._open_session = open_session
        self._pages = dict(pages)
        self._handshakes = inputs.handshakes
        self._keys = None if inputs.keys is None else KeyWatch(inputs.keys)
        self._report = GatewayReport(settings.websocket.max_connections)
        self._publish_report: Callable[[GatewayReport], None]

    async def on_start(self) -> None:
        """Open the port; ready when it is open."""
        self._publish_report = await self.context.nursery.start(self._peers.reports.lend)
        if self._keys is not None:
            self.context.nursery.start_soon(self._keys.run, self.context.shared.pace)
        addresses = await self.context.nursery.start(self._serve)
        self._report = attrs.evolve(self._report, addresses=tuple(addresses))
        self._publish_report(self._report)

    async def on_stop(self) -> None:
        """Close the port; the sessions are stopped by their own supervisor."""
        await self._ingress.stop()
        if self._keys is not None:
            await self._keys.finish()

    async def handle(self, message: GatewayMessage) -> None:
        """Stop admitting clients; those that are connected stay."""
        if not isinstance(message, StopAdmitting):
            self.unhandled(message)
        self._admission.stop(message)

    def _jitter(self) -> float:
        """Return a random factor for a refused client's wait."""
        return self.context.shared.rng.uniform(1, 2)

    def _use(self) -> AbstractContextManager[None]:
        return self.context.shared.pace.use()

    def _count_places(self, taken: int) -> None:
        self._report = attrs.evolve(self._report, places_taken=taken)
        self._publish_report(self._report)

    def statistics(self) -> GatewayStatistics:
        """Return the figures of the admission."""
        return self._admission.statistics()

    async def _serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        await self._ingress.serve(task_status=task_status)

    # --- called by the listener ------------------------------------------------------------------

    def has_page(self, path: str) -> bool:
        """Return whether there is a page of ours at ``path``."""
        return path in self._pages

    async def answer(self, request: Request) -> HttpAnswer | None:
        """Answer one of our own pages."""
        page = self._pages.get(request.path)
        return None if page is None else page(request)

    async def serve_client(self, client: ClientLink, request: Request, admitted: Admitted) -> None:
        """Open a session for the client and stay until its socket is closed."""
        self._handshakes.begin(client.socket, admitted.identity.tenant)
        try:
            with nullcontext() if self._keys is None else self._keys.watching(client.socket):
                await self._open(client, request, admitted)
                await client.socket.wait_closed()
        finally:
            self._handshakes.end(client.socket)

    async def _open(self, client: ClientLink, request: Request, admitted: Admitted) -> None:
        spec = self._open_session(client, admitted.returning_only)
        try:
            await self._peers.sessions.ask(StartChild(spec), timeout_s=self._settings.request_timeout_s)
        except (AskError, MailboxError) as error:
            log.warning("no session for %s: %s", request.peer, error)
            await self._refuse_client(client)

    async def _refuse_client(self, client: ClientLink) -> None:
        """Refuse a client after its handshake, with the time at which to try again."""
        self._admission.count_refused_session()
        retry_after_ms = round(1000 * RETRY_AFTER_S * self._jitter())
        refused = ConnectionRefused("no session could be opened", retry_after_ms)
        try:
            await client.send(refused, seq=1)
        except SocketClosed as closed:
            log.debug("%s left before it was refused: %s", client.socket.identity.peer, closed.code)
        client.socket.start_close(CloseCode.TRY_AGAIN_LATER, f"retry_after_ms={retry_after_ms}")

    def observe(self, method: str, endpoint: str, status: int, duration_s: float) -> None:
        """Count one request."""
        log.debug("%s %s %d", method, endpoint, status)
        self._peers.metrics.tell_nowait(Count("requests_total", (method, endpoint)))
        self._peers.metrics.tell_nowait(Observe("request_duration_seconds", (), duration_s))
