"""Places for connections: given back at the end of the block, taken away from one that waits."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from backends.ingress.connections import ConnectionPlace, OpenConnections
from protocol.admission.connections import GRACE_S
from tests.backends.ingress.ingress_fixtures import gateway_settings

PEER, OTHER = "192.0.2.1:5000", "192.0.2.2:5000"


def test_a_place_is_given_back_at_the_end_of_the_block() -> None:
    connections = OpenConnections(gateway_settings(max_http_connections=1))

    async def hold() -> None:
        with connections.place(PEER) as place:
            assert place is not None
            assert not place.is_reserved
            assert len(connections) == 1

    trio.run(hold)
    assert len(connections) == 0


async def test_the_connection_that_leaves_is_cancelled(autojump_clock: MockClock) -> None:
    connections = OpenConnections(gateway_settings(max_http_connections=1))
    ended: list[str] = []

    async def wait(peer: str) -> None:
        with connections.place(peer) as place:
            assert isinstance(place, ConnectionPlace)
            assert place.has_replaced == (peer == OTHER)
            await trio.sleep_forever()
        ended.append(peer)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, PEER)
        await trio.sleep(GRACE_S)
        nursery.start_soon(wait, OTHER)
        await wait_all_tasks_blocked()
        assert ended == [PEER]
        assert len(connections) == 1
        nursery.cancel_scope.cancel()


async def test_a_connection_with_a_request_in_work_is_left_alone(autojump_clock: MockClock) -> None:
    connections = OpenConnections(gateway_settings(max_http_connections=1))
    with connections.place(PEER) as first:
        assert first is not None
        first.work()
        await trio.sleep(GRACE_S)
        with connections.place(OTHER) as second:
            assert second is not None
            assert second.is_reserved
            await trio.lowlevel.checkpoint()
        first.wait()
        with connections.place(OTHER) as third:
            assert third is not None
            assert third.is_reserved, "it waits since a moment only"


async def test_a_connection_without_a_place_is_refused(autojump_clock: MockClock) -> None:
    connections = OpenConnections(gateway_settings(max_http_connections=1))
    with connections.place(PEER), connections.place(OTHER) as first, connections.place(OTHER) as second:
        for reserved in (first, second):
            assert reserved is not None
            reserved.work()
        with connections.place(OTHER) as place:
            assert place is None


async def test_a_websocket_gives_its_place_back_early(autojump_clock: MockClock) -> None:
    connections = OpenConnections(gateway_settings(max_http_connections=1))
    with connections.place(PEER) as first:
        assert first is not None
        first.leave()
        await trio.sleep(GRACE_S)
        with connections.place(PEER) as second:
            assert second is not None
            assert not second.is_reserved
            await trio.lowlevel.checkpoint()
    assert len(connections) == 0
