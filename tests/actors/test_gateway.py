import json

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.gateway import GatewayReport
from backends.protocols import Admitted, HttpAnswer, Refusal
from protocol.admission.capacity import Demand
from protocol.messages.records import Count, Observe
from protocol.messages.session import StopAdmitting
from runtime import MaxChildren, StartChild, StartFailed, TerminateChild
from tests.actors.gateway_fixtures import ADDRESS, ADMITTED, Door, request, shown
from tests.fake_sessions import native
from tests.fakes import FakeSocket, Grow


async def test_it_is_ready_when_the_port_is_open_and_says_which(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    await door.open(grow)
    assert door.reports.latest is not None
    assert door.reports.latest.addresses == (ADDRESS,)


async def test_a_port_in_use_is_a_failed_start(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(trouble=OSError("port 8000 is in use"))
    with pytest.raises(StartFailed, match="gateway did not start: start_failed: OSError: port 8000 is in use"):
        await door.open(grow)
    assert door.reports.latest is None


async def test_the_port_is_closed_at_the_end(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    await door.open(grow)
    await door.tree.ref.ask(TerminateChild("gateway"))
    assert door.ingresses[0].is_stopped


async def test_our_own_pages_are_answered_and_others_left_alone(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door()
    await door.open(grow)
    assert await door.handlers.answer(request("/health")) == HttpAnswer(200, "text/plain", b"/health")
    assert await door.handlers.answer(request("/docs")) is None
    assert [door.handlers.has_page(path) for path in ("/health", "/docs")] == [True, False]


async def test_a_place_is_taken_before_the_handshake_and_given_back_once(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(max_connections=2)
    await door.open(grow)
    first, second = await door.admit(), await door.admit()
    assert isinstance(first, Admitted)
    assert isinstance(second, Admitted)
    assert door.statistics() == shown(2, 0)
    refusal = await door.admit()
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.reason) == (503, "all 2 places are taken")
    assert refusal.retry_after_s is not None
    assert 5.0 <= refusal.retry_after_s <= 10.0
    with first.place:
        assert isinstance(await door.admit(), Refusal)
    assert not isinstance(await door.admit(), Refusal)
    await wait_all_tasks_blocked()
    assert door.statistics() == shown(2, 2)
    assert door.metrics.seen == [Count("shed_total", ("0", "session")), Count("refusals_total", ("places",))] * 2


async def test_a_place_is_given_back_after_a_failure_too(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(max_connections=1)
    await door.open(grow)
    place = await door.admit()
    assert isinstance(place, Admitted)
    with pytest.raises(OSError, match="reset"), place.place:
        raise OSError("reset")
    assert door.statistics().connections == 0


async def test_a_socket_gets_a_session_and_is_waited_for(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    door = Door()
    await door.open(grow)
    socket = FakeSocket()
    over = trio.Event()

    async def serve() -> None:
        await door.handlers.serve_client(native(socket), request(), ADMITTED)
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
    await door.handlers.serve_client(native(socket), request(), ADMITTED)
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
    await door.handlers.serve_client(native(socket), request(), ADMITTED)
    assert socket.sent == []


async def test_it_is_full_while_every_place_is_taken(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(max_connections=1)
    await door.open(grow)
    place = await door.admit()
    assert not isinstance(place, Refusal)
    with place.place:
        assert door.reports.latest == GatewayReport(places=1, places_taken=1, addresses=(ADDRESS,))
        assert door.reports.latest.is_full
    assert door.reports.latest == GatewayReport(places=1, places_taken=0, addresses=(ADDRESS,))
    assert not door.reports.latest.is_full


async def test_the_report_of_a_gateway_that_crashed_is_read_no_more(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(max_connections=1)
    await door.open(grow)
    place = await door.admit()
    assert not isinstance(place, Refusal)
    with place.place:
        door.trouble = OSError("port 8000 is in use")
        assert door.ref.tell_nowait("nonsense")
        await wait_all_tasks_blocked()
        assert door.reports.latest is None, "it is down"
        door.trouble = None
        await trio.sleep(5.0)
        assert door.reports.latest == GatewayReport(places=1, addresses=(ADDRESS,))
    assert door.reports.latest == GatewayReport(places=1, addresses=(ADDRESS,)), "the old place was not its own"


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
    place = await door.admit()
    assert not isinstance(place, Refusal)
    with place.place:
        door.ref.signal(StopAdmitting("the server is leaving", 7.0))
        await wait_all_tasks_blocked()
        assert await door.admit() == Refusal(503, "the server is leaving", 7.0, "leaving")
        assert door.statistics() == shown(1, 1)


@pytest.mark.parametrize("level", range(6))
async def test_under_load_nobody_new_is_admitted(grow: Grow, level: int, autojump_clock: MockClock) -> None:
    door = Door(level=level)
    await door.open(grow)
    answer = await door.admit()
    if level < 3:
        assert not isinstance(answer, Refusal)
        return
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.reason) == (503, f"the server is under load (level {level})")
    assert answer.retry_after_s is not None
    assert 5.0 * level <= answer.retry_after_s <= 10.0 * level
    await wait_all_tasks_blocked()
    assert Count("shed_total", (str(level), "session")) in door.metrics.seen


async def test_refused_clients_are_not_asked_back_at_the_same_time(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(level=3)
    await door.open(grow)
    answers = [await door.admit() for _ in range(50)]
    assert len({answer.retry_after_s for answer in answers if isinstance(answer, Refusal)}) > 40


async def test_who_may_come_back_is_heard_while_a_session_waits_for_its_client(
    grow: Grow, autojump_clock: MockClock
) -> None:
    door = Door(level=3, awaited=1)
    await door.open(grow)
    place = await door.admit()
    assert not isinstance(place, Refusal)
    refusal = place.returning_only
    with place.place:
        assert refusal is not None
        assert refusal.reason == "the server is under load (level 3)"
        assert 15_000 <= refusal.retry_after_ms <= 30_000
        socket = FakeSocket()
        socket.client_vanishes()
        await door.handlers.serve_client(native(socket), request(), place)
    assert door.refusals == [refusal]
    again = await door.admit()
    assert not isinstance(again, Refusal)
    with again.place:
        assert door.statistics().connections == 1
    assert door.statistics().connections == 0


async def test_all_who_were_cut_off_come_back_one_by_one(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(level=3, awaited=20)
    await door.open(grow)
    for _ in range(20):
        assert not isinstance(await door.admit(), Refusal)
        door.awaited -= 1  # it had the token
    assert isinstance(await door.admit(), Refusal), "nobody is waited for any more"


async def test_only_so_many_are_heard_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(level=3, awaited=500, max_connections=1_000)
    await door.open(grow)
    heard = [not isinstance(await door.admit(), Refusal) for _ in range(70)]
    assert heard == [True] * 64 + [False] * 6
    await trio.sleep(1.1)
    assert not isinstance(await door.admit(), Refusal), "the others are no strangers any more, or gone"


async def test_a_full_house_hears_who_may_come_back_too(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(max_connections=1)
    await door.open(grow)
    first = await door.admit()
    assert not isinstance(first, Refusal)
    with first.place:
        assert first.returning_only is None
        assert isinstance(await door.admit(), Refusal)
        door.awaited = 1
        second = await door.admit()
        assert not isinstance(second, Refusal)
        assert second.returning_only is not None


async def test_where_sessions_are_asked_to_leave_nobody_is_called_back(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(level=4, awaited=5)
    await door.open(grow)
    assert isinstance(await door.admit(), Refusal)


async def test_a_door_that_closes_for_good_hears_nobody(grow: Grow, autojump_clock: MockClock) -> None:
    door = Door(awaited=5)
    await door.open(grow)
    door.ref.signal(StopAdmitting("the server is leaving", 7.0))
    await wait_all_tasks_blocked()
    assert isinstance(await door.admit(), Refusal)


async def test_nobody_new_is_let_in_while_as_many_speak_as_can_be_understood(
    grow: Grow, autojump_clock: MockClock
) -> None:
    door = Door(max_connections=10, demand=Demand(share=0.3, each=0.2, per_s=5.0))
    await door.open(grow)
    places = [await door.admit() for _ in range(3)]
    assert [isinstance(place, Refusal) for place in places] == [False, False, True]
    assert door.statistics() == shown(2, 1, demand=0.3)
    assert isinstance(places[-1], Refusal)
    assert places[-1].reason == "as many are speaking as can be understood in time"
    await trio.sleep(0.6)
    assert not isinstance(await door.admit(), Refusal), "those who came have not begun to speak"


async def test_a_tenant_that_has_its_share_leaves_the_last_places_to_others(
    grow: Grow, autojump_clock: MockClock
) -> None:
    door = Door(max_connections=10)
    await door.open(grow)
    places = [await door.admit() for _ in range(7)]
    other = await door.admit(request(peer="192.0.2.2:5000"))
    assert not isinstance(other, Refusal)
    refused = await door.admit()
    assert isinstance(refused, Refusal)
    assert refused.reason == "the last places are kept for others"
    assert not isinstance(await door.admit(request(peer="192.0.2.2:5001")), Refusal)
    assert door.statistics() == shown(9, 1, refused_for_others=1, tenants=2)
    await trio.sleep(10.1)
    assert isinstance(await door.admit(), Refusal), "the last place is for somebody who has none"
    assert not isinstance(await door.admit(request(peer="192.0.2.3:5000")), Refusal)
    for place in places:
        assert not isinstance(place, Refusal)
        with place.place:
            pass
    assert door.statistics() == shown(3, 2, refused_for_others=2, tenants=2)


@pytest.mark.parametrize(("share", "most"), [(0.8, 27), (1.0, 30)])
async def test_one_address_alone_leaves_a_few_places_to_others_before_they_ask(
    grow: Grow, autojump_clock: MockClock, share: float, most: int
) -> None:
    door = Door(max_connections=30, max_share=share)
    await door.open(grow)
    answers = [await door.admit() for _ in range(35)]
    assert sum(not isinstance(answer, Refusal) for answer in answers) == most
    assert isinstance(await door.admit(request(peer="192.0.2.2:5000")), Refusal) == (share == 1.0)


# --- sockets that are open and silent ------------------------------------------------------------


async def test_a_tenant_whose_clients_speak_leaves_others_what_can_be_understood(
    grow: Grow, autojump_clock: MockClock
) -> None:
    door = Door(max_connections=100, demand=Demand(share=0.7, each=0.1, per_s=5.0, busy={"192.0.2.1": 7}))
    await door.open(grow)
    others = request(peer="192.0.2.2:5000")
    answers = [await door.admit(one) for one in (others, request(), others, others)]
    assert [isinstance(answer, Refusal) for answer in answers] == [False, True, False, True]
    assert door.statistics() == shown(2, 2, refused_for_others=1, tenants=2, demand=0.7)
