"""The door: admits clients, opens their sessions, and answers for the server.

Rules kept here:

* A place is reserved before the handshake and given back exactly once, so a storm of clients cannot overshoot.
* What an operator or a load balancer asks is answered from figures at hand; nothing here waits for an actor.
* A socket that is open and silent closes when its place is needed (``protocol/admission/handshakes.py``).
* A session's failure ends that session's socket and nothing else.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Never

import attrs
import trio

from backends.protocols import HttpAnswer, Ingress, IngressHandlers, Page, Refusal, Request
from config.settings import GatewaySettings
from protocol.admission.admission import RETRY_AFTER_S, Admission, may_return
from protocol.admission.capacity import Demand
from protocol.admission.handshakes import Handshakes
from protocol.admission.tenants import Tenants, last_places, tenant_of
from protocol.dialects.dialect import ClientLink
from protocol.messages.errors import CloseCode
from protocol.messages.events import ConnectionRefused
from protocol.messages.inboxes import GatewayMessage, MetricsMessage
from protocol.messages.records import Count, Observe
from protocol.messages.session import StopAdmitting
from protocol.messages.socket import Socket, SocketClosed
from runtime import Actor, AskError, ChildSpec, MailboxError, Ref, StartChild, SupervisorMessage
from runtime.messaging.published import Published

log = logging.getLogger("sayso.gateway")
SILENT_CLOSE_S = 0.2  # for a close frame to leave; who is silent is not waited for, another has its place already
TRIAL_S = 1.0  # by then a socket has shown that it comes back, or has been refused, as a rule


@attrs.frozen
class GatewayPeers:
    """Whom the door asks."""

    sessions: Ref[SupervisorMessage]
    metrics: Ref[MetricsMessage]
    reports: Published["GatewayReport"] = attrs.field(factory=Published)
    """Where the gateway's report is read."""


@attrs.frozen
class GatewayReport:
    """What the gateway publishes, at every change."""

    places: int
    """Connections that there may be."""
    places_taken: int = 0
    addresses: tuple[tuple[str, int], ...] = ()
    """Where it listens."""

    @property
    def is_full(self) -> bool:
        """Whether every place is taken, so that no new client is admitted."""
        return self.places_taken >= self.places


@attrs.frozen
class AdmissionInputs:
    """What the door looks at before it lets somebody in."""

    max_share: float = 1.0
    """Of the recogniser, that those who speak may want."""
    load_level: Callable[[], int] = int
    demand: Callable[[], Demand | None] = lambda: None
    """What those who speak want of the recogniser; ``None`` if that is not known."""
    count_awaited: Callable[[], int] = int
    """How many sessions wait for a client that was cut off."""
    handshakes: Handshakes[Socket] = attrs.field(factory=Handshakes)
    """Which sockets have not sent their ``connection_request`` yet."""


class Gateway(Actor[GatewayMessage]):
    """Owns the listener."""

    def __init__(
        self,
        settings: GatewaySettings,
        peers: GatewayPeers,
        *,
        make_ingress: Callable[[IngressHandlers], Ingress],
        open_session: Callable[[ClientLink, ConnectionRefused | None], ChildSpec[Never]],
        pages: Mapping[str, Page],
        inputs: AdmissionInputs,
    ) -> None:
        self._settings = settings
        self._peers = peers
        self._ingress = make_ingress(self)
        self._open_session = open_session
        self._pages = dict(pages)
        self._inputs = inputs
        self._admission: Admission
        self._tenants: Tenants
        self._report = GatewayReport(settings.websocket.max_connections)
        self._publish_report: Callable[[GatewayReport], None]
        self._trials: list[float] = []
        self._refused = 0
        self._refused_for_others = 0
        self._closed: StopAdmitting | None = None

    async def on_start(self) -> None:
        """Be ready when the port is open."""
        jitter = partial(self.context.shared.rng.uniform, 1, 2)
        limit, max_share = self._settings.websocket.max_connections, self._inputs.max_share
        self._admission = Admission(limit, max_share, jitter)
        self._tenants = Tenants(limit, max_share, last_places(limit, self._settings.max_share_per_address))
        self._publish_report = await self.context.nursery.start(self._peers.reports.lend)
        addresses = await self.context.nursery.start(self._serve)
        self._report = attrs.evolve(self._report, addresses=tuple(addresses))
        self._publish_report(self._report)

    async def on_stop(self) -> None:
        """Close the port; the sessions are stopped by their own supervisor."""
        await self._ingress.stop()

    async def handle(self, message: GatewayMessage) -> None:
        """Close the doors; what is open stays open."""
        if not isinstance(message, StopAdmitting):
            self.unhandled(message)
        self._closed = message

    @property
    def _places_taken(self) -> int:
        return self._report.places_taken

    def _take_places(self, count: int) -> None:
        """Count so many places more, or fewer."""
        self._report = attrs.evolve(self._report, places_taken=self._places_taken + count)
        self._publish_report(self._report)

    def statistics(self) -> Mapping[str, object]:
        """Show how many are in, of how many tenants, and what those who speak want of the recogniser."""
        demand = self._inputs.demand()
        busy, shown = ({}, {}) if demand is None else (demand.busy, {"demand": round(demand.share, 3)})
        return {
            "connections": self._places_taken,
            "refused": self._refused,
            "refused_for_others": self._refused_for_others,
            "silent": len(self._inputs.handshakes),
            "tenants": self._tenants.active(busy, trio.current_time()),
            **shown,
        }

    async def _serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        await self._ingress.serve(task_status=task_status)

    # --- what the listener asks ------------------------------------------------------------------

    async def answer(self, request: Request) -> HttpAnswer | None:
        """Answer one of our own pages."""
        page = self._pages.get(request.path)
        return None if page is None else page(request)

    def admit(self, request: Request) -> AbstractContextManager[ConnectionRefused | None] | Refusal:
        """Reserve a place, or refuse; who may come back to a session is heard first."""
        if self._closed is not None:
            return self._refuse(request, self._closed.reason, self._closed.retry_after_s)
        level, demand, now_s = self._inputs.load_level(), self._inputs.demand(), trio.current_time()
        tenant = tenant_of(request.peer)
        kept = self._tenants.kept_from(tenant, demand, now_s)
        taken, leaver = self._room(kept.places, now_s)
        if leaver is not None:
            kept = attrs.evolve(kept, places=0.0)
        refused = self._admission.refusal(level, taken, demand, now_s, kept)
        if refused is None:
            if leaver is not None:
                self._close_silent(leaver)
            return self._place(tenant, None)
        self._trials = [until_s for until_s in self._trials if until_s > now_s]
        if not may_return(level, self._inputs.count_awaited(), len(self._trials)):
            self._refused_for_others += refused.is_for_others
            return self._refuse(request, refused.reason, refused.retry_after_s)
        self._trials.append(now_s + TRIAL_S)
        told = ConnectionRefused(refused.reason, round(1000 * refused.retry_after_s))
        return self._place(tenant, told, self._trials[-1])

    def _room(self, kept: float, now_s: float) -> tuple[int, Socket | None]:
        """Return how many places are taken once a silent socket has closed, if one must; close those that are late."""
        handshakes, limit = self._inputs.handshakes, self._settings.websocket.max_connections
        for late in handshakes.overdue(limit, now_s):
            self._close_silent(late)
        taken = self._places_taken - handshakes.closing
        leaver = handshakes.oldest(now_s) if taken >= limit * (1 - kept) else None
        return taken - (leaver is not None), leaver

    def _close_silent(self, socket: Socket) -> None:
        self._inputs.handshakes.close(socket)
        self._peers.metrics.tell_nowait(Count("shed_total", (str(self._inputs.load_level()), "silent_socket")))
        log.info("closed %s: no connection_request, and its place is needed", socket.peer)
        reason = "no connection_request, and the place is needed"
        socket.start_close(CloseCode.POLICY_VIOLATION, reason, timeout_s=SILENT_CLOSE_S)

    def _refuse(self, request: Request, reason: str, retry_after_s: float) -> Refusal:
        self._count_refusal()
        log.info("refused %s: %s", request.peer, reason)
        return Refusal(503, reason, retry_after_s)

    def _count_refusal(self) -> None:
        self._refused += 1
        self._peers.metrics.tell_nowait(Count("shed_total", (str(self._inputs.load_level()), "session")))

    def _place(
        self, tenant: str, refusal: ConnectionRefused | None, trial_until_s: float | None = None
    ) -> AbstractContextManager[ConnectionRefused | None]:
        """Take a place at once; it is given back when the block is left."""
        self._take_places(1)
        self._tenants.enter(tenant, trio.current_time())
        return self._given_back(tenant, refusal, trial_until_s)

    @contextmanager
    def _given_back(
        self, tenant: str, refusal: ConnectionRefused | None, trial_until_s: float | None
    ) -> Iterator[ConnectionRefused | None]:
        try:
            yield refusal
        finally:
            self._take_places(-1)
            self._tenants.leave(tenant)
            if trial_until_s in self._trials:
                self._trials.remove(trial_until_s)

    async def serve_client(self, client: ClientLink, request: Request, refusal: ConnectionRefused | None) -> None:
        """Open a session for the client and stay until its socket is closed."""
        self._inputs.handshakes.begin(client.socket, tenant_of(request.peer))
        try:
            await self._open(client, request, refusal)
            await client.socket.wait_closed()
        finally:
            self._inputs.handshakes.end(client.socket)

    async def _open(self, client: ClientLink, request: Request, refusal: ConnectionRefused | None) -> None:
        spec = self._open_session(client, refusal)
        try:
            await self._peers.sessions.ask(StartChild(spec), timeout_s=self._settings.request_timeout_s)
        except (AskError, MailboxError) as error:
            log.warning("no session for %s: %s", request.peer, error)
            await self._refuse_client(client)

    async def _refuse_client(self, client: ClientLink) -> None:
        """Tell a client whose handshake was answered that there is no session for it, and when to try again."""
        self._count_refusal()
        retry_after_ms = round(1000 * RETRY_AFTER_S * self.context.shared.rng.uniform(1, 2))
        refused = ConnectionRefused("no session could be opened", retry_after_ms)
        try:
            for frame in client.dialect.encode(refused, seq=1):
                await client.socket.send(frame)
        except SocketClosed as closed:
            log.debug("%s left before it was refused: %s", client.socket.peer, closed.code)
        client.socket.start_close(CloseCode.TRY_AGAIN_LATER, f"retry_after_ms={retry_after_ms}")

    def observe(self, method: str, endpoint: str, status: int, duration_s: float) -> None:
        """Count one request."""
        log.debug("%s %s %d", method, endpoint, status)
        self._peers.metrics.tell_nowait(Count("requests_total", (method, endpoint)))
        self._peers.metrics.tell_nowait(Observe("request_duration_seconds", (), duration_s))
