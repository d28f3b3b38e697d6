"""Admits or refuses every request, by the rules of ``protocol/admission/``.

Rules kept here:

* A WebSocket's place and an HTTP request's are taken by the decision itself; leaving the block gives each back once.
* Health checks are decided without waiting, and without any check of their sender.
* A check that asks another server has a deadline, and ``protocol/admission/checks.py`` says what happens then. Only the
  connection of that request waits.
"""

import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import attrs
import trio

from backends.protocols import (
    AdmissionCheck,
    Admitted,
    CheckUnavailable,
    LiveKeys,
    Refusal,
    Request,
    RequestKind,
)
from config.settings import GatewaySettings
from protocol.admission.admission import RETRY_AFTER_S, AdmissionRefused, retry_deferrable_s
from protocol.admission.capacity import Demand
from protocol.admission.checks import CHECK_RULES, CheckKind
from protocol.admission.fair_share import FairShare
from protocol.admission.handshakes import Handshakes
from protocol.admission.health import is_health_check, is_open_page
from protocol.admission.identity import identity_of
from protocol.admission.origin import SitePolicy, cors_headers, own_names, site_refusal
from protocol.admission.places import SessionPlace, SessionPlaces
from protocol.messages.errors import CloseCode
from protocol.messages.events import ConnectionRefused
from protocol.messages.identity import Identity
from protocol.messages.records import Count
from protocol.messages.session import StopAdmitting
from protocol.messages.socket import Socket

log = logging.getLogger("sayso.gateway")

SILENT_CLOSE_S: Final = 0.2  # for a close frame to leave; another client has the place already
BUSY_RETRY_S: Final = 1.0  # places are taken and given back within milliseconds, or the server is under attack


@attrs.frozen
class AdmissionInputs:
    """The inputs of admission: load, demand, sessions, and the checks to ask."""

    max_share: float = 1.0
    """The share of the recogniser that speaking sessions may need."""
    load_level: Callable[[], int] = int
    demand: Callable[[], Demand | None] = lambda: None
    """Returns the speaking sessions' demand on the recogniser; ``None`` if it is unknown."""
    count_awaited: Callable[[], int] = int
    """Returns how many sessions wait for a client that lost its socket."""
    handshakes: Handshakes[Socket] = attrs.field(factory=Handshakes)
    """The sockets that have not sent their ``connection_request`` yet."""
    checks: Sequence[AdmissionCheck] = ()
    """Asked in this order, before a place is taken."""
    keys: LiveKeys | None = None
    """The access keys; ``None`` where there are none."""
    no_sessions: str | None = None
    """Why the server has no sessions; ``None`` if it has."""


@attrs.frozen(kw_only=True)
class GatewayStatistics:
    """A moment's view of the gateway.

    * ``connections``: how many places are taken
    * ``refused``: how many clients were refused
    * ``refused_for_others``: how many of those because their tenant had its share
    * ``silent``: how many sockets have not sent their ``connection_request`` yet
    * ``tenants``: how many tenants have been active recently
    * ``demand``: share of the recogniser that speaking sessions need; ``None`` if unknown
    * ``checks_unanswered``: how many requests were decided without an answer of a check; ``None`` without checks
    """

    connections: int
    refused: int
    refused_for_others: int
    silent: int
    tenants: int
    demand: float | None = None
    checks_unanswered: int | None = None


class GatewayAdmission:
    """The admission of one listener."""

    def __init__(
        self,
        settings: GatewaySettings,
        inputs: AdmissionInputs,
        *,
        count: Callable[[Count], object],
        on_places: Callable[[int], object],
        jitter: Callable[[], float],
        use: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Start with all places free.

        The server counts as used in the blocks of ``use``, one for each place and each request of the HTTP app.
        ``on_places`` is called with the number of taken WebSocket places at every change; ``jitter`` is how many times
        as long a refused client waits, 1 to 2.
        """
        limit, share = settings.websocket.max_connections, settings.max_share_per_address
        names = own_names(settings.host, socket.gethostname())
        self._inputs = inputs
        self._count = count
        self._on_places = on_places
        self._sites = SitePolicy.of(names, settings.allowed_hosts, settings.allowed_origins)
        self._requests = FairShare(settings.max_requests, share)
        self._places = SessionPlaces(limit, inputs.max_share, share, jitter, inputs.handshakes)
        self._use = use
        self._stopped: StopAdmitting | None = None
        self._refused = 0
        self._refused_for_others = 0
        self._unanswered = 0

    def stop(self, message: StopAdmitting) -> None:
        """Give no place to a WebSocket any more; those that have one keep it."""
        self._stopped = message

    def statistics(self) -> GatewayStatistics:
        """Return how many places are taken, by how many tenants, and how many clients were refused one."""
        demand = self._inputs.demand()
        return GatewayStatistics(
            connections=self._places.taken,
            refused=self._refused,
            refused_for_others=self._refused_for_others,
            silent=len(self._inputs.handshakes),
            tenants=self._places.active_tenants(demand, trio.current_time()),
            demand=None if demand is None else round(demand.share, 3),
            checks_unanswered=self._unanswered if self._inputs.checks else None,
        )

    async def admit(self, request: Request, kind: RequestKind, *, is_reserved: bool = False) -> Admitted | Refusal:
        """Admit or refuse one request; does not wait for a health check."""
        verdict: Admitted | Refusal | None = self._refusal_by_head(request, is_reserved=is_reserved)
        if verdict is None:
            identity = identity_of(request.peer, request.headers, is_proxied=request.is_proxied)
            is_open = kind is RequestKind.PAGE and is_open_page(request.path)
            verdict = Admitted(identity) if is_open else await self._checked(identity, request, kind)
        if isinstance(verdict, Refusal):
            self._count(Count("refusals_total", (verdict.cause,)))
        cors = cors_headers(request.headers, self._sites)
        return attrs.evolve(verdict, headers=(*verdict.headers, *cors)) if cors else verdict

    def _refusal_by_head(self, request: Request, *, is_reserved: bool) -> Refusal | None:
        refused = site_refusal(request.method, request.headers, self._sites)
        if refused is not None:
            return Refusal(refused.status, refused.message, None, refused.reason)
        if is_reserved and not is_health_check(request.path):
            return Refusal(503, "too many connections", BUSY_RETRY_S, "connections")
        return None

    async def _checked(self, identity: Identity, request: Request, kind: RequestKind) -> Admitted | Refusal:
        limited: Refusal | None = None
        for check in self._inputs.checks:
            found = await self._ask(check, identity, request)
            if not isinstance(found, Refusal):
                identity = found
            elif check.kind is CheckKind.RATE and kind is RequestKind.WEBSOCKET:
                limited = found  # its client may still resume a session
            else:
                return found
        if kind is RequestKind.PAGE:
            return Admitted(identity)
        if kind is RequestKind.HTTP:
            return self._take_request(identity)
        if self._inputs.no_sessions is not None:
            return Refusal(404, self._inputs.no_sessions, None, "role")
        return self._take_place(identity, limited, hears=kind is RequestKind.WEBSOCKET)

    async def _ask(self, check: AdmissionCheck, identity: Identity, request: Request) -> Identity | Refusal:
        rule = CHECK_RULES[check.kind]
        try:
            with trio.move_on_after(rule.deadline_s):
                return await check.check(identity, request)
        except CheckUnavailable as error:
            log.debug("the check of %s has no answer: %s", check.kind.value, error)
        self._unanswered += 1
        if rule.admits_without_answer:
            return identity
        reason = f"the server cannot check the {check.kind.value} of requests now"
        return Refusal(503, reason, RETRY_AFTER_S, f"{check.kind.value}_unanswered")

    # --- requests of the HTTP app ----------------------------------------------------------------

    def _take_request(self, identity: Identity) -> Admitted | Refusal:
        if not self._requests.has_room_for(identity.tenant):
            return Refusal(503, "too many requests are in work", BUSY_RETRY_S, "requests")
        self._requests.take(identity.tenant)
        # what servers ask is never deferrable: people wait behind them
        has_sessions = self._inputs.no_sessions is None
        deferred_s = retry_deferrable_s(self._inputs.load_level()) if has_sessions else None
        return Admitted(identity, self._in_work(identity.tenant), retry_deferrable_s=deferred_s)

    @contextmanager
    def _in_work(self, tenant: str) -> Iterator[None]:
        try:
            with self._use():
                yield
        finally:
            self._requests.give_back(tenant)

    # --- WebSockets ------------------------------------------------------------------------------

    def _take_place(
        self, identity: Identity, limited: Refusal | None = None, *, hears: bool = True
    ) -> Admitted | Refusal:
        if self._stopped is not None:
            return self._refuse_session(self._stopped.reason, self._stopped.retry_after_s, "leaving")
        inputs, now_s = self._inputs, trio.current_time()
        refused = None
        if limited is not None:
            refused = AdmissionRefused(limited.reason, limited.retry_after_s or RETRY_AFTER_S, limited.cause)
        demand = inputs.demand() if hears else None
        decision = self._places.take(
            identity.tenant, inputs.load_level(), demand, inputs.count_awaited(), now_s, limited=refused
        )
        for silent in decision.closes:
            self._close_silent(silent)
        result = decision.result
        if isinstance(result, AdmissionRefused):
            self._refused_for_others += result.is_for_others
            if limited is not None:
                return limited
            return self._refuse_session(result.reason, result.retry_after_s, result.cause)
        self._on_places(self._places.taken)
        told = result.refused
        returning = None if told is None else ConnectionRefused(told.reason, round(1000 * told.retry_after_s))
        return Admitted(identity, self._held(result), returning)

    @contextmanager
    def _held(self, place: SessionPlace) -> Iterator[None]:
        try:
            with self._use():
                yield
        finally:
            self._places.give_back(place)
            self._on_places(self._places.taken)

    def _refuse_session(self, reason: str, retry_after_s: float, cause: str) -> Refusal:
        self.count_refused_session()
        return Refusal(503, reason, retry_after_s, cause)

    def count_refused_session(self) -> None:
        """Count one client for which there was no session."""
        self._refused += 1
        self._count(Count("shed_total", (str(self._inputs.load_level()), "session")))

    def _close_silent(self, silent: Socket) -> None:
        self._count(Count("shed_total", (str(self._inputs.load_level()), "silent_socket")))
        log.info("closed %s: no connection_request, and its place is needed", silent.identity.peer)
        reason = "no connection_request, and the place is needed"
        silent.start_close(CloseCode.POLICY_VIOLATION, reason, timeout_s=SILENT_CLOSE_S)
