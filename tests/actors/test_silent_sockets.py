import attrs
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from backends.protocols import Refusal
from protocol.admission.handshakes import GRACE_S
from protocol.messages.records import Count
from tests.actors.gateway_fixtures import GatewayHarness, request, shown
from tests.fake_sessions import native
from tests.fakes import FakeSocket, Grow


@attrs.define(eq=False)
class Visitor:
    """A client with a place and a socket."""

    socket: FakeSocket

    @classmethod
    async def come(cls, harness: GatewayHarness, nursery: trio.Nursery, peer: str) -> "Visitor":
        """Open a socket and say nothing."""
        visitor = cls(FakeSocket(peer))
        place = await harness.admit(request(peer=peer))
        assert not isinstance(place, Refusal)

        async def serve() -> None:
            with place.place:
                await harness.handlers.serve_client(native(visitor.socket), request(peer=peer), place)

        nursery.start_soon(serve)
        await wait_all_tasks_blocked()
        harness.handshakes.listen(visitor.socket, trio.current_time())  # as its session does
        return visitor


NOISY, QUIET_ONE = "192.0.2.1:5000", "192.0.2.2:5000"


async def test_a_silent_socket_closes_when_its_place_is_needed(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    harness = GatewayHarness(max_connections=2)
    await harness.open(grow)
    first, second = [await Visitor.come(harness, nursery, NOISY) for _ in range(2)]
    assert isinstance(await harness.admit(request(peer=QUIET_ONE)), Refusal), "both have just come"
    await trio.sleep(GRACE_S)
    await Visitor.come(harness, nursery, QUIET_ONE)
    assert first.socket.close == (1008, "no connection_request, and the place is needed")
    assert second.socket.close is None
    assert harness.statistics() == shown(2, 1, silent=2, tenants=2)
    assert Count("shed_total", ("0", "silent_socket")) in harness.metrics.seen


async def test_a_socket_that_has_sent_its_request_keeps_its_place(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    harness = GatewayHarness(max_connections=1)
    await harness.open(grow)
    visitor = await Visitor.come(harness, nursery, NOISY)
    harness.handshakes.complete(visitor.socket)
    await trio.sleep(60.0)
    assert isinstance(await harness.admit(request(peer=QUIET_ONE)), Refusal)
    assert visitor.socket.close is None


async def test_no_silent_socket_closes_for_a_client_that_is_refused_anyway(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    harness = GatewayHarness(max_connections=1)
    await harness.open(grow)
    visitor = await Visitor.come(harness, nursery, NOISY)
    await trio.sleep(GRACE_S)
    harness.level = 3
    assert isinstance(await harness.admit(request(peer=QUIET_ONE)), Refusal)
    assert visitor.socket.close is None


async def test_an_address_with_many_silent_sockets_loses_those_beyond_its_bound(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    harness = GatewayHarness(max_connections=20)
    await harness.open(grow)
    visitors = [await Visitor.come(harness, nursery, NOISY) for _ in range(7)]
    await trio.sleep(GRACE_S)
    await Visitor.come(harness, nursery, QUIET_ONE)
    assert [visitor.socket.close is None for visitor in visitors] == [False] * 2 + [True] * 5


async def test_a_place_counts_as_free_while_its_silent_socket_closes(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    class Lingering(FakeSocket):
        def start_close(self, code: int, reason: str, *, timeout_s: float | None = None) -> None:
            self.close = code, reason

    harness = GatewayHarness(max_connections=1)
    await harness.open(grow)
    place = await harness.admit(request(peer=NOISY))
    assert not isinstance(place, Refusal)
    socket = Lingering(NOISY)

    async def serve() -> None:
        with place.place:
            await harness.handlers.serve_client(native(socket), request(peer=NOISY), place)

    nursery.start_soon(serve)
    await wait_all_tasks_blocked()
    harness.handshakes.listen(socket, trio.current_time())
    await trio.sleep(GRACE_S)
    await Visitor.come(harness, nursery, QUIET_ONE)
    assert isinstance(await harness.admit(request(peer=QUIET_ONE)), Refusal), "one place is one place"
    socket.client_vanishes()
    await wait_all_tasks_blocked()
    assert isinstance(await harness.admit(request(peer=QUIET_ONE)), Refusal)
