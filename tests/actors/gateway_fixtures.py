"""A gateway with a fake listener, for its tests."""

from collections.abc import Sequence
from typing import Any

import attrs
import trio

from actors.admission.gateway_admission import AdmissionInputs, GatewayStatistics
from actors.gateway import Gateway, GatewayPeers, GatewayReport
from backends.protocols import (
    Admitted,
    HttpAnswer,
    IngressHandlers,
    Refusal,
    Request,
    RequestAdmission,
    RequestKind,
)
from protocol.admission.capacity import Demand
from protocol.admission.handshakes import Handshakes
from protocol.dialects.dialect import ClientLink
from protocol.messages.events import ConnectionRefused
from protocol.messages.identity import Identity
from protocol.messages.socket import Socket
from runtime import ChildSpec, Ref, Tree
from runtime.messaging.published import Published
from tests.fakes import Grow, Script, default_settings, scripted, shown_by

ADDRESS = ("127.0.0.1", 8000)
ADMITTED = Admitted(Identity("192.0.2.1:5000", "192.0.2.1"))


def request(path: str = "/ws", peer: str = "192.0.2.1:5000") -> Request:
    return Request("GET", path, {}, {}, peer)


def shown(connections: int, refused: int, **others: Any) -> GatewayStatistics:
    """Return the statistics of a gateway at which one tenant has asked."""
    ordinary = {"refused_for_others": 0, "silent": 0, "tenants": 1}
    return GatewayStatistics(connections=connections, refused=refused, **ordinary | others)


@attrs.define(eq=False)
class FakeIngress:
    """A listener without connections."""

    handlers: IngressHandlers
    admission: RequestAdmission
    trouble: Exception | None = None
    is_stopped: bool = False

    async def serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        if self.trouble is not None:
            raise self.trouble
        task_status.started((ADDRESS,))
        await trio.sleep_forever()

    async def stop(self) -> None:
        self.is_stopped = True


@attrs.define(eq=False)
class GatewayHarness:
    """A gateway with a fake listener."""

    level: int = attrs.field(default=0, kw_only=True)
    demand: Demand | None = attrs.field(default=None, kw_only=True)
    awaited: int = attrs.field(default=0, kw_only=True)
    max_connections: int = 2
    max_share: float = attrs.field(default=0.8, kw_only=True)
    handshakes: Handshakes[Socket] = attrs.field(factory=Handshakes, kw_only=True)
    trouble: Exception | None = None
    sessions: Script = attrs.field(factory=Script)
    metrics: Script = attrs.field(factory=Script)
    refusals: list[ConnectionRefused | None] = attrs.field(factory=list)
    reports: Published[GatewayReport] = attrs.field(factory=Published)
    ingresses: list[FakeIngress] = attrs.field(factory=list)
    ref: Ref = attrs.field(factory=lambda: Ref("gateway"))
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow) -> None:
        """Start it."""
        peers = scripted("sessions", self.sessions), scripted("metrics", self.metrics)
        settings = default_settings().gateway
        websocket = attrs.evolve(settings.websocket, max_connections=self.max_connections)
        slices = attrs.evolve(settings, websocket=websocket, max_share_per_address=self.max_share)

        def make_ingress(handlers: IngressHandlers, admission: RequestAdmission) -> FakeIngress:
            self.ingresses.append(FakeIngress(handlers, admission, self.trouble))
            return self.ingresses[-1]

        def make() -> Gateway:
            return Gateway(
                slices,
                GatewayPeers(peers[0].ref, peers[1].ref, self.reports),
                make_ingress=make_ingress,
                open_session=self._spec,
                pages={"/health": lambda asked: HttpAnswer(200, "text/plain", asked.path.encode())},
                inputs=AdmissionInputs(
                    0.9, lambda: self.level, lambda: self.demand, lambda: self.awaited, handshakes=self.handshakes
                ),
            )

        self.tree = await grow(*peers, ChildSpec(self.ref, make))

    def _spec(self, client: ClientLink, refusal: ConnectionRefused | None) -> ChildSpec:
        self.refusals.append(refusal)
        return scripted(f"session of {client.socket.identity.peer}", Script())

    @property
    def handlers(self) -> IngressHandlers:
        """What the listener asks."""
        return self.ingresses[-1].handlers

    async def admit(self, asked: Request | None = None) -> Admitted | Refusal:
        """Ask for a WebSocket's place."""
        return await self.ingresses[-1].admission.admit(asked or request(), RequestKind.WEBSOCKET)

    def statistics(self) -> GatewayStatistics:
        """Return what the actor shows of itself."""
        return shown_by(self.tree.status().children[-1], GatewayStatistics)
