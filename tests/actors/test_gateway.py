import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.gateway import DoorFacts, Gateway, GatewayPeers
from backends.protocols import Answer, IngressHandlers, Refusal, Request, Socket
from protocol.capacity import Demand
from protocol.events import ConnectionRefused
from protocol.handshakes import GRACE_S, Handshakes
from protocol.messages import CloseDoors, Count, Observe
from runtime import ChildSpec, MaxChildren, Ref, StartChild, StartFailed, TerminateChild, Tree
from tests.fakes import FakeSocket, Grow, Script, default_settings, scripted

ADDRESS = ("127.0.0.1", 8000)


def request(path: str = "/ws", peer: str = "192.0.2.1:5000") -> Request:
    return Request("GET", path, {}, {}, peer)


def shown(connections: int, refused: int, **others: object) -> dict[str, object]:
    """Return the statistics of a door at which one tenant has asked."""
    ordinary = {"refused_for_others": 0, "silent": 0, "tenants": 1}
    return {"connections": connections, "refused": refused, **ordinary} | others


@attrs.define(eq=False)
class FakeIngress:
    """A listener that nobody connects to."""

    handlers: IngressHandlers
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
class Door:
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
    listening: list[Any] = attrs.field(factory=list)
    ingresses: list[FakeIngress] = attrs.field(factory=list)
    ref: Ref = attrs.field(factory=lambda: Ref("gateway"))
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow) -> None:
        """Start it."""
        peers = scripted("sessions", self.sessions), scripted("metrics", self.metrics)
        settings = default_settings().gateway
        websocket = attrs.evolve(settings.websocket, max_connections=self.max_connections)
        slices = attrs.evolve(settings, websocket=websocket, max_share_per_address=self.max_share)

        def make_ingress(handlers: IngressHandlers) -> FakeIngress:
            self.ingresses.append(FakeIngress(handlers, self.trouble))
            return self.ingresses[-1]

        def make() -> Gateway:
            return Gateway(
                slices,
                GatewayPeers(peers[0].ref, peers[1].ref),
                make_ingress=make_ingress,
                open_session=self._spec,
                pages={"/health": lambda asked: Answer(200, "text/plain", asked.path.encode())},
                on_listening=self.listening.append,
                facts=DoorFacts(
                    0.9, lambda: self.level, lambda: self.demand, lambda: self.awaited, handshakes=self.handshakes
                ),
            )

        self.tree = await grow(*peers, ChildSpec(self.ref, make))

    def _spec(self, socket: Socket, refusal: ConnectionRefused | None) -> ChildSpec:
        self.refusals.append(refusal)
        return scripted(f"session of {socket.peer}", Script())

    @property
    def handlers(self) -> IngressHandlers:
        """What the listener asks."""
        return self.ingresses[-1].handlers

    def statistics(self) -> dict[str, object]:
        """Return what the actor shows of itself."""
        return dict(self.tree.status().children[-1].statistics)


async def test_it_is_ready_when_the_port_is_open_and_says_which(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    await door.open(grow)
    assert door.listening == [(ADDRESS,)]


async def test_a_port_in_use_is_a_failed_start(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(trouble=OSError("port 8000 is in use"))
    with pytest.raises(StartFailed, match="gateway did not start: start_failed: OSError: port 8000 is in use"):
        await door.open(grow)
    assert door.listening == []


async def test_the_port_is_closed_at_the_end(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    await door.open(grow)
    await door.tree.ref.ask(TerminateChild("gateway"))
    assert door.ingresses[0].is_stopped


async def test_our_own_pages_are_answered_and_others_left_alone(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    await door.open(grow)
    assert await door.handlers.answer(request("/health")) == Answer(200, "text/plain", b"/health")
    assert await door.handlers.answer(request("/docs")) is None


async def test_a_place_is_taken_before_the_handshake_and_given_back_once(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(max_connections=2)
    await door.open(grow)
    first, second = door.handlers.admit(request()), door.handlers.admit(request())
    assert isinstance(first, AbstractContextManager)
    assert isinstance(second, AbstractContextManager)
    assert door.statistics() == shown(2, 0)
    refusal = door.handlers.admit(request())
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.reason) == (503, "all 2 places are taken")
    assert 5.0 <= refusal.retry_after_s <= 10.0
    with first:
        assert isinstance(door.handlers.admit(request()), Refusal)
    assert not isinstance(door.handlers.admit(request()), Refusal)
    await wait_all_tasks_blocked()
    assert door.statistics() == shown(2, 2)
    assert door.metrics.seen == [Count("shed_total", ("0", "session"))] * 2


async def test_a_place_is_given_back_after_a_failure_too(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(max_connections=1)
    await door.open(grow)
    place = door.handlers.admit(request())
    assert isinstance(place, AbstractContextManager)
    with pytest.raises(OSError, match="reset"), place:
        raise OSError("reset")
    assert door.statistics()["connections"] == 0


async def test_a_socket_gets_a_session_and_is_waited_for(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    door = Door()
    await door.open(grow)
    socket = FakeSocket()
    over = trio.Event()

    async def serve() -> None:
        await door.handlers.serve_socket(socket, request(), None)
        over.set()

    nursery.start_soon(serve)
    await wait_all_tasks_blocked()
    [start] = door.sessions.of(StartChild)
    assert start.spec.id == "session of 192.0.2.1:5000"
    assert not over.is_set()
    socket.client_vanishes()
    await wait_all_tasks_blocked()
    assert over.is_set()
    assert socket.close is None


async def test_without_a_session_the_client_is_told_when_to_try_again(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    door.sessions.answers[StartChild] = MaxChildren(2, 5.0)
    await door.open(grow)
    socket = FakeSocket()
    await door.handlers.serve_socket(socket, request(), None)
    [told] = [json.loads(frame) for frame in socket.sent]
    assert (told["type"], told["data"]["reason"]) == ("connection_refused", "no session could be opened")
    assert 5_000 <= told["data"]["retry_after_ms"] <= 10_000
    assert socket.close == (1013, f"retry_after_ms={told['data']['retry_after_ms']}")
    await wait_all_tasks_blocked()
    assert door.statistics() == shown(0, 1, tenants=0)
    assert door.metrics.seen == [Count("shed_total", ("0", "session"))]


async def test_a_client_that_left_before_it_could_be_told_is_no_trouble(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    door.sessions.answers[StartChild] = MaxChildren(2, 5.0)
    await door.open(grow)
    socket = FakeSocket()
    socket.client_vanishes()
    await door.handlers.serve_socket(socket, request(), None)
    assert socket.sent == []


async def test_it_is_full_while_every_place_is_taken(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(max_connections=1)
    await door.open(grow)
    place = door.handlers.admit(request())
    assert not isinstance(place, Refusal)
    gateway = door.ingresses[-1].handlers
    assert isinstance(gateway, Gateway)
    with place:
        assert gateway.is_full
    assert not gateway.is_full


async def test_every_request_is_counted(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    await door.open(grow)
    door.handlers.observe("GET", "/health", 200, 0.01)
    await wait_all_tasks_blocked()
    assert door.metrics.seen == [
        Count("requests_total", ("GET", "/health")),
        Observe("request_duration_seconds", (), 0.01),
    ]


async def test_a_closed_door_refuses_the_new_and_keeps_the_old(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    await door.open(grow)
    place = door.handlers.admit(request("/ws"))
    assert not isinstance(place, Refusal)
    with place:
        door.ref.signal(CloseDoors("the server is leaving", 7.0))
        await wait_all_tasks_blocked()
        assert door.handlers.admit(request("/ws")) == Refusal(503, "the server is leaving", 7.0)
        assert door.statistics() == shown(1, 1)


@pytest.mark.parametrize("level", range(6))
async def test_under_load_nobody_new_is_admitted(grow: Grow, level: int, autojump_clock: MockClock) -> None:
    door = Door(level=level)
    await door.open(grow)
    answer = door.handlers.admit(request("/ws"))
    if level < 3:
        assert not isinstance(answer, Refusal)
        return
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.reason) == (503, f"the server is under load (level {level})")
    assert 5.0 * level <= answer.retry_after_s <= 10.0 * level
    await wait_all_tasks_blocked()
    assert Count("shed_total", (str(level), "session")) in door.metrics.seen


async def test_refused_clients_are_not_asked_back_at_the_same_time(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(level=3)
    await door.open(grow)
    answers = [door.handlers.admit(request("/ws")) for _ in range(50)]
    assert len({answer.retry_after_s for answer in answers if isinstance(answer, Refusal)}) > 40


async def test_who_may_come_back_is_heard_while_a_session_waits_for_its_client(
    grow: Grow, autojump_clock: MockClock
) -> None:
    door = Door(level=3, awaited=1)
    await door.open(grow)
    place = door.handlers.admit(request())
    assert not isinstance(place, Refusal)
    with place as refusal:
        assert refusal is not None
        assert refusal.reason == "the server is under load (level 3)"
        assert 15_000 <= refusal.retry_after_ms <= 30_000
        socket = FakeSocket()
        socket.client_vanishes()
        await door.handlers.serve_socket(socket, request(), refusal)
    assert door.refusals == [refusal]
    again = door.handlers.admit(request())
    assert not isinstance(again, Refusal)
    with again:
        assert door.statistics()["connections"] == 1
    assert door.statistics()["connections"] == 0


async def test_all_who_were_cut_off_come_back_one_by_one(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(level=3, awaited=20)
    await door.open(grow)
    for _ in range(20):
        assert not isinstance(door.handlers.admit(request()), Refusal)
        door.awaited -= 1  # it had the token
    assert isinstance(door.handlers.admit(request()), Refusal), "nobody is waited for any more"


async def test_only_so_many_are_heard_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(level=3, awaited=500, max_connections=1_000)
    await door.open(grow)
    heard = [not isinstance(door.handlers.admit(request()), Refusal) for _ in range(70)]
    assert heard == [True] * 64 + [False] * 6
    await trio.sleep(1.1)
    assert not isinstance(door.handlers.admit(request()), Refusal), "the others are no strangers any more, or gone"


async def test_a_full_house_hears_who_may_come_back_too(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(max_connections=1)
    await door.open(grow)
    first = door.handlers.admit(request())
    assert not isinstance(first, Refusal)
    with first as refusal:
        assert refusal is None
        assert isinstance(door.handlers.admit(request()), Refusal)
        door.awaited = 1
        second = door.handlers.admit(request())
        assert not isinstance(second, Refusal)
        with second as told:
            assert told is not None


async def test_where_sessions_are_asked_to_leave_nobody_is_called_back(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(level=4, awaited=5)
    await door.open(grow)
    assert isinstance(door.handlers.admit(request()), Refusal)


async def test_a_door_that_closes_for_good_hears_nobody(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(awaited=5)
    await door.open(grow)
    door.ref.signal(CloseDoors("the server is leaving", 7.0))
    await wait_all_tasks_blocked()
    assert isinstance(door.handlers.admit(request()), Refusal)


async def test_nobody_new_is_let_in_while_as_many_speak_as_can_be_understood(
    grow: Grow, autojump_clock: MockClock
) -> None:
    door = Door(max_connections=10, demand=Demand(share=0.3, each=0.2, per_s=5.0))
    await door.open(grow)
    places = [door.handlers.admit(request()) for _ in range(3)]
    assert [isinstance(place, Refusal) for place in places] == [False, False, True]
    assert door.statistics() == shown(2, 1, demand=0.3)
    assert isinstance(places[-1], Refusal)
    assert places[-1].reason == "as many are speaking as can be understood in time"
    await trio.sleep(0.6)
    assert not isinstance(door.handlers.admit(request()), Refusal), "those who came have not begun to speak"


async def test_a_tenant_that_has_its_share_leaves_the_last_places_to_others(
    grow: Grow, autojump_clock: MockClock
) -> None:
    door = Door(max_connections=10)
    await door.open(grow)
    places = [door.handlers.admit(request()) for _ in range(7)]
    other = door.handlers.admit(request(peer="192.0.2.2:5000"))
    assert not isinstance(other, Refusal)
    refused = door.handlers.admit(request())
    assert isinstance(refused, Refusal)
    assert refused.reason == "the last places are kept for others"
    assert not isinstance(door.handlers.admit(request(peer="192.0.2.2:5001")), Refusal)
    assert door.statistics() == shown(9, 1, refused_for_others=1, tenants=2)
    await trio.sleep(10.1)
    assert isinstance(door.handlers.admit(request()), Refusal), "the last place is for somebody who has none"
    assert not isinstance(door.handlers.admit(request(peer="192.0.2.3:5000")), Refusal)
    for place in places:
        assert not isinstance(place, Refusal)
        with place:
            pass
    assert door.statistics() == shown(3, 2, refused_for_others=2, tenants=2)


@pytest.mark.parametrize(("share", "most"), [(0.8, 27), (1.0, 30)])
async def test_one_address_alone_leaves_a_few_places_to_others_before_they_ask(
    grow: Grow, autojump_clock: MockClock, share: float, most: int
) -> None:
    door = Door(max_connections=30, max_share=share)
    await door.open(grow)
    answers = [door.handlers.admit(request()) for _ in range(35)]
    assert sum(not isinstance(answer, Refusal) for answer in answers) == most
    assert isinstance(door.handlers.admit(request(peer="192.0.2.2:5000")), Refusal) == (share == 1.0)


# --- sockets that are open and silent ------------------------------------------------------------


@attrs.define(eq=False)
class Visitor:
    """A client with a place and a socket."""

    socket: FakeSocket

    @classmethod
    async def come(cls, door: Door, nursery: trio.Nursery, peer: str) -> "Visitor":
        """Open a socket and say nothing."""
        visitor = cls(FakeSocket(peer))
        place = door.handlers.admit(request(peer=peer))
        assert not isinstance(place, Refusal)

        async def serve() -> None:
            with place as refusal:
                await door.handlers.serve_socket(visitor.socket, request(peer=peer), refusal)

        nursery.start_soon(serve)
        await wait_all_tasks_blocked()
        door.handshakes.listen(visitor.socket, trio.current_time())  # as its session does
        return visitor


NOISY, QUIET_ONE = "192.0.2.1:5000", "192.0.2.2:5000"


async def test_a_silent_socket_closes_when_its_place_is_needed(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    door = Door(max_connections=2)
    await door.open(grow)
    first, second = [await Visitor.come(door, nursery, NOISY) for _ in range(2)]
    assert isinstance(door.handlers.admit(request(peer=QUIET_ONE)), Refusal), "both have just come"
    await trio.sleep(GRACE_S)
    await Visitor.come(door, nursery, QUIET_ONE)
    assert first.socket.close == (1008, "no connection_request, and the place is needed")
    assert second.socket.close is None
    assert door.statistics() == shown(2, 1, silent=2, tenants=2)
    assert Count("shed_total", ("0", "silent_socket")) in door.metrics.seen


async def test_a_socket_that_has_sent_its_request_keeps_its_place(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    door = Door(max_connections=1)
    await door.open(grow)
    visitor = await Visitor.come(door, nursery, NOISY)
    door.handshakes.complete(visitor.socket)
    await trio.sleep(60.0)
    assert isinstance(door.handlers.admit(request(peer=QUIET_ONE)), Refusal)
    assert visitor.socket.close is None


async def test_no_silent_socket_closes_for_one_who_cannot_come_in_anyway(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    door = Door(max_connections=1)
    await door.open(grow)
    visitor = await Visitor.come(door, nursery, NOISY)
    await trio.sleep(GRACE_S)
    door.level = 3
    assert isinstance(door.handlers.admit(request(peer=QUIET_ONE)), Refusal)
    assert visitor.socket.close is None


async def test_an_address_with_many_silent_sockets_loses_those_beyond_its_bound(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    door = Door(max_connections=20)
    await door.open(grow)
    visitors = [await Visitor.come(door, nursery, NOISY) for _ in range(7)]
    await trio.sleep(GRACE_S)
    await Visitor.come(door, nursery, QUIET_ONE)
    assert [visitor.socket.close is None for visitor in visitors] == [False] * 2 + [True] * 5


async def test_a_place_counts_as_free_while_its_silent_socket_closes(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    class Lingering(FakeSocket):
        def start_close(self, code: int, reason: str, *, timeout_s: float | None = None) -> None:
            self.close = code, reason

    door = Door(max_connections=1)
    await door.open(grow)
    place = door.handlers.admit(request(peer=NOISY))
    assert not isinstance(place, Refusal)
    socket = Lingering(NOISY)

    async def serve() -> None:
        with place as refusal:
            await door.handlers.serve_socket(socket, request(peer=NOISY), refusal)

    nursery.start_soon(serve)
    await wait_all_tasks_blocked()
    door.handshakes.listen(socket, trio.current_time())
    await trio.sleep(GRACE_S)
    await Visitor.come(door, nursery, QUIET_ONE)
    assert isinstance(door.handlers.admit(request(peer=QUIET_ONE)), Refusal), "one place is one place"
    socket.client_vanishes()
    await wait_all_tasks_blocked()
    assert isinstance(door.handlers.admit(request(peer=QUIET_ONE)), Refusal)


async def test_a_tenant_whose_clients_speak_leaves_others_what_can_be_understood(
    grow: Grow, autojump_clock: MockClock
) -> None:
    door = Door(max_connections=100, demand=Demand(share=0.7, each=0.1, per_s=5.0, busy={"192.0.2.1": 7}))
    await door.open(grow)
    others = request(peer="192.0.2.2:5000")
    answers = [door.handlers.admit(one) for one in (others, request(), others, others)]
    assert [isinstance(answer, Refusal) for answer in answers] == [False, True, False, True]
    assert door.statistics() == shown(2, 2, refused_for_others=1, tenants=2, demand=0.7)
