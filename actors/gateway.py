"""The door: admits clients, opens their sessions, and answers for the house.

Rules kept here:

* A place is reserved before the handshake and given back exactly once, so a storm of clients cannot overshoot.
* What an operator or a load balancer asks is answered from figures at hand; nothing here waits for an actor.
* A session's failure ends that session's socket and nothing else.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import attrs
import trio

from backends.protocols import Answer, Ingress, IngressHandlers, Page, Refusal, Request, Socket
from config.settings import GatewaySettings
from protocol.errors import CloseCode
from protocol.messages import CloseDoors, Count, Observe
from runtime import Actor, AskError, ChildSpec, MailboxError, Ref, StartChild

log = logging.getLogger("sayso.gateway")
FULL_LEVEL = 3  # of load: nobody new is admitted, those who are in are served
RETRY_AFTER_S = 5.0  # a session lasts minutes, so a place rarely comes sooner


@attrs.frozen
class GatewayPeers:
    """Whom the door asks."""

    sessions: Ref
    metrics: Ref


class Gateway(Actor):
    """Owns the listener."""

    def __init__(
        self,
        settings: GatewaySettings,
        peers: GatewayPeers,
        *,
        make_ingress: Callable[[IngressHandlers], Ingress],
        open_session: Callable[[Socket], ChildSpec],
        pages: Mapping[str, Page],
        on_listening: Callable[[Sequence[tuple[str, int]]], None],
        load_level: Callable[[], int] = int,
    ) -> None:
        self._settings = settings
        self._peers = peers
        self._ingress = make_ingress(self)
        self._open_session = open_session
        self._pages = dict(pages)
        self._on_listening = on_listening
        self._load_level = load_level
        self._places_taken = 0
        self._refused = 0
        self._closed: CloseDoors | None = None

    async def on_start(self) -> None:
        """Be ready when the port is open."""
        addresses = await self.context.nursery.start(self._serve)
        self._on_listening(addresses)

    async def on_stop(self) -> None:
        """Close the port; the sessions are stopped by their own supervisor."""
        await self._ingress.stop()

    async def handle(self, message: object) -> None:
        """Close the doors; what is open stays open."""
        if not isinstance(message, CloseDoors):
            raise TypeError(f"gateway cannot handle {type(message).__name__}")
        self._closed = message

    def statistics(self) -> Mapping[str, object]:
        """Show how many are in."""
        return {"connections": self._places_taken, "refused": self._refused}

    async def _serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        await self._ingress.serve(task_status=task_status)

    # --- what the listener asks ------------------------------------------------------------------

    async def answer(self, request: Request) -> Answer | None:
        """Answer one of our own pages."""
        page = self._pages.get(request.path)
        return None if page is None else page(request)

    def admit(self, request: Request) -> AbstractContextManager[None] | Refusal:
        """Reserve a place, or refuse while all are taken."""
        if self._closed is not None:
            return self._refuse(request, self._closed.reason, self._closed.retry_after_s)
        level = self._load_level()
        if level >= FULL_LEVEL:
            retry_after_s = RETRY_AFTER_S * level * self.context.shared.rng.uniform(1, 2)  # not all at the same time
            return self._refuse(request, f"the server is under load (level {level})", retry_after_s)
        limit = self._settings.websocket.max_connections
        if self._places_taken >= limit:
            return self._refuse(request, f"all {limit} places are taken", RETRY_AFTER_S)
        self._places_taken += 1
        return self._place()

    def _refuse(self, request: Request, reason: str, retry_after_s: float) -> Refusal:
        self._refused += 1
        self._peers.metrics.tell_nowait(Count("shed_total", (str(self._load_level()), "session")))
        log.info("refused %s: %s", request.peer, reason)
        return Refusal(503, reason, retry_after_s)

    @contextmanager
    def _place(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._places_taken -= 1

    async def serve_socket(self, socket: Socket, request: Request) -> None:
        """Open a session for the socket and stay until the socket is closed."""
        spec = self._open_session(socket)
        try:
            await self._peers.sessions.ask(StartChild(spec), timeout_s=self._settings.request_timeout_s)
        except (AskError, MailboxError) as error:
            log.warning("no session for %s: %s", request.peer, error)
            socket.start_close(CloseCode.TRY_AGAIN_LATER, "no session could be opened")
        await socket.wait_closed()

    def observe(self, method: str, endpoint: str, status: int, duration_s: float) -> None:
        """Count one request."""
        log.debug("%s %s %d", method, endpoint, status)
        self._peers.metrics.tell_nowait(Count("requests_total", (method, endpoint)))
        self._peers.metrics.tell_nowait(Observe("request_duration_seconds", (), duration_s))
