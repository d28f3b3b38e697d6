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
from tests.actors.gateway_fixtures import ADDRESS, ADMITTED, GatewayHarness, request, shown
from tests.fake_sessions import native
from tests.fakes import FakeSocket, Grow


async def test_it_is_ready_when_the_port_is_open_and_says_which(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness()
    await harness.open(grow)
    assert harness.reports.latest is not None
    assert harness.reports.latest.addresses == (ADDRESS,)


async def test_a_port_in_use_is_a_failed_start(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(trouble=OSError("port 8000 is in use"))
    with pytest.raises(StartFailed, match="gateway did not start: start_failed: OSError: port 8000 is in use"):
        await harness.open(grow)
    assert harness.reports.latest is None


async def test_the_port_is_closed_at_the_end(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness()
    await harness.open(grow)
    await harness.tree.ref.ask(TerminateChild("gateway"))
    assert harness.ingresses[0].is_stopped


async def test_our_own_pages_are_answered_and_others_left_alone(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness()
    await harness.open(grow)
    assert await harness.handlers.answer(request("/health")) == HttpAnswer(200, "text/plain", b"/health")
    assert await harness.handlers.answer(request("/docs")) is None
    assert [harness.handlers.has_page(path) for path in ("/health", "/docs")] == [True, False]


async def test_a_place_is_taken_before_the_handshake_and_given_back_once(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(max_connections=2)
    await harness.open(grow)
    first, second = await harness.admit(), await harness.admit()
    assert isinstance(first, Admitted)
    assert isinstance(second, Admitted)
    assert harness.statistics() == shown(2, 0)
    refusal = await harness.admit()
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.reason) == (503, "all 2 places are taken")
    assert refusal.retry_after_s is not None
    assert 5.0 <= refusal.retry_after_s <= 10.0
    with first.place:
        assert isinstance(await harness.admit(), Refusal)
    assert not isinstance(await harness.admit(), Refusal)
    await wait_all_tasks_blocked()
    assert harness.statistics() == shown(2, 2)
    assert harness.metrics.seen == [Count("shed_total", ("0", "session")), Count("refusals_total", ("places",))] * 2


async def test_a_place_is_given_back_after_a_failure_too(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(max_connections=1)
    await harness.open(grow)
    place = await harness.admit()
    assert isinstance(place, Admitted)
    with pytest.raises(OSError, match="reset"), place.place:
        raise OSError("reset")
    assert harness.statistics().connections == 0


async def test_a_socket_gets_a_session_and_is_waited_for(
    grow: Grow, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    harness = GatewayHarness()
    await harness.open(grow)
    socket = FakeSocket()
    over = trio.Event()

    async def serve() -> None:
        await harness.handlers.serve_client(native(socket), request(), ADMITTED)
        over.set()

    nursery.start_soon(serve)
    await wait_all_tasks_blocked()
    [start] = harness.sessions.of(StartChild)
    assert start.spec.id == "session of 192.0.2.1:5000"
    assert not over.is_set()
    socket.client_vanishes()
    await wait_all_tasks_blocked()
    assert over.is_set()
    assert socket.close is None


async def test_without_a_session_the_client_is_told_when_to_try_again(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness()
    harness.sessions.answers[StartChild] = MaxChildren(2, 5.0)
    await harness.open(grow)
    socket = FakeSocket()
    await harness.handlers.serve_client(native(socket), request(), ADMITTED)
    [told] = [json.loads(frame) for frame in socket.sent]
    assert (told["type"], told["data"]["reason"]) == ("connection_refused", "no session could be opened")
    assert 5_000 <= told["data"]["retry_after_ms"] <= 10_000
    assert socket.close == (1013, f"retry_after_ms={told['data']['retry_after_ms']}")
    await wait_all_tasks_blocked()
    assert harness.statistics() == shown(0, 1, tenants=0)
    assert harness.metrics.seen == [Count("shed_total", ("0", "session"))]


async def test_a_client_that_left_before_it_could_be_told_is_no_trouble(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness()
    harness.sessions.answers[StartChild] = MaxChildren(2, 5.0)
    await harness.open(grow)
    socket = FakeSocket()
    socket.client_vanishes()
    await harness.handlers.serve_client(native(socket), request(), ADMITTED)
    assert socket.sent == []


async def test_it_is_full_while_every_place_is_taken(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(max_connections=1)
    await harness.open(grow)
    place = await harness.admit()
    assert not isinstance(place, Refusal)
    with place.place:
        assert harness.reports.latest == GatewayReport(places=1, places_taken=1, addresses=(ADDRESS,))
        assert harness.reports.latest.is_full
    assert harness.reports.latest == GatewayReport(places=1, places_taken=0, addresses=(ADDRESS,))
    assert not harness.reports.latest.is_full


async def test_the_report_of_a_gateway_that_crashed_is_read_no_more(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(max_connections=1)
    await harness.open(grow)
    place = await harness.admit()
    assert not isinstance(place, Refusal)
    with place.place:
        harness.trouble = OSError("port 8000 is in use")
        assert harness.ref.tell_nowait("nonsense")
        await wait_all_tasks_blocked()
        assert harness.reports.latest is None, "it is down"
        harness.trouble = None
        await trio.sleep(5.0)
        assert harness.reports.latest == GatewayReport(places=1, addresses=(ADDRESS,))
    assert harness.reports.latest == GatewayReport(places=1, addresses=(ADDRESS,)), "the old place was not its own"


async def test_every_request_is_counted(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness()
    await harness.open(grow)
    harness.handlers.observe("GET", "/health", 200, 0.01)
    await wait_all_tasks_blocked()
    assert harness.metrics.seen == [
        Count("requests_total", ("GET", "/health")),
        Observe("request_duration_seconds", (), 0.01),
    ]


async def test_after_admission_has_stopped_new_clients_are_refused_and_old_ones_stay(
    grow: Grow, autojump_clock: MockClock
) -> None:
    harness = GatewayHarness()
    await harness.open(grow)
    place = await harness.admit()
    assert not isinstance(place, Refusal)
    with place.place:
        harness.ref.signal(StopAdmitting("the server is leaving", 7.0))
        await wait_all_tasks_blocked()
        assert await harness.admit() == Refusal(503, "the server is leaving", 7.0, "leaving")
        assert harness.statistics() == shown(1, 1)


@pytest.mark.parametrize("level", range(6))
async def test_under_load_new_clients_are_refused(grow: Grow, level: int, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(level=level)
    await harness.open(grow)
    answer = await harness.admit()
    if level < 3:
        assert not isinstance(answer, Refusal)
        return
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.reason) == (503, f"the server is under load (level {level})")
    assert answer.retry_after_s is not None
    assert 5.0 * level <= answer.retry_after_s <= 10.0 * level
    await wait_all_tasks_blocked()
    assert Count("shed_total", (str(level), "session")) in harness.metrics.seen


async def test_refused_clients_are_not_asked_back_at_the_same_time(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(level=3)
    await harness.open(grow)
    answers = [await harness.admit() for _ in range(50)]
    assert len({answer.retry_after_s for answer in answers if isinstance(answer, Refusal)}) > 40


async def test_a_client_may_prove_that_it_comes_back_while_a_session_waits_for_it(
    grow: Grow, autojump_clock: MockClock
) -> None:
    harness = GatewayHarness(level=3, awaited=1)
    await harness.open(grow)
    place = await harness.admit()
    assert not isinstance(place, Refusal)
    refusal = place.returning_only
    with place.place:
        assert refusal is not None
        assert refusal.reason == "the server is under load (level 3)"
        assert 15_000 <= refusal.retry_after_ms <= 30_000
        socket = FakeSocket()
        socket.client_vanishes()
        await harness.handlers.serve_client(native(socket), request(), place)
    assert harness.refusals == [refusal]
    again = await harness.admit()
    assert not isinstance(again, Refusal)
    with again.place:
        assert harness.statistics().connections == 1
    assert harness.statistics().connections == 0


async def test_all_clients_that_were_cut_off_come_back_one_by_one(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(level=3, awaited=20)
    await harness.open(grow)
    for _ in range(20):
        assert not isinstance(await harness.admit(), Refusal)
        harness.awaited -= 1  # it had the token
    assert isinstance(await harness.admit(), Refusal), "nobody is waited for any more"


async def test_only_so_many_are_heard_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(level=3, awaited=500, max_connections=1_000)
    await harness.open(grow)
    heard = [not isinstance(await harness.admit(), Refusal) for _ in range(70)]
    assert heard == [True] * 64 + [False] * 6
    await trio.sleep(1.1)
    assert not isinstance(await harness.admit(), Refusal), "the others are no strangers any more, or gone"


async def test_a_full_server_lets_clients_prove_that_they_come_back(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(max_connections=1)
    await harness.open(grow)
    first = await harness.admit()
    assert not isinstance(first, Refusal)
    with first.place:
        assert first.returning_only is None
        assert isinstance(await harness.admit(), Refusal)
        harness.awaited = 1
        second = await harness.admit()
        assert not isinstance(second, Refusal)
        assert second.returning_only is not None


async def test_where_sessions_are_asked_to_leave_none_is_resumed(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(level=4, awaited=5)
    await harness.open(grow)
    assert isinstance(await harness.admit(), Refusal)


async def test_a_gateway_that_stops_admitting_reads_no_client(grow: Grow, autojump_clock: MockClock) -> None:
    harness = GatewayHarness(awaited=5)
    await harness.open(grow)
    harness.ref.signal(StopAdmitting("the server is leaving", 7.0))
    await wait_all_tasks_blocked()
    assert isinstance(await harness.admit(), Refusal)


async def test_new_clients_are_refused_while_as_many_speak_as_can_be_understood(
    grow: Grow, autojump_clock: MockClock
) -> None:
    harness = GatewayHarness(max_connections=10, demand=Demand(share=0.3, each=0.2, per_s=5.0))
    await harness.open(grow)
    places = [await harness.admit() for _ in range(3)]
    assert [isinstance(place, Refusal) for place in places] == [False, False, True]
    assert harness.statistics() == shown(2, 1, demand=0.3)
    assert isinstance(places[-1], Refusal)
    assert places[-1].reason == "as many are speaking as can be understood in time"
    await trio.sleep(0.6)
    assert not isinstance(await harness.admit(), Refusal), "those who came have not begun to speak"


async def test_a_tenant_that_has_its_share_leaves_the_last_places_to_others(
    grow: Grow, autojump_clock: MockClock
) -> None:
    harness = GatewayHarness(max_connections=10)
    await harness.open(grow)
    places = [await harness.admit() for _ in range(7)]
    other = await harness.admit(request(peer="192.0.2.2:5000"))
    assert not isinstance(other, Refusal)
    refused = await harness.admit()
    assert isinstance(refused, Refusal)
    assert refused.reason == "the last places are kept for others"
    assert not isinstance(await harness.admit(request(peer="192.0.2.2:5001")), Refusal)
    assert harness.statistics() == shown(9, 1, refused_for_others=1, tenants=2)
    await trio.sleep(10.1)
    assert isinstance(await harness.admit(), Refusal), "the last place is for somebody who has none"
    assert not isinstance(await harness.admit(request(peer="192.0.2.3:5000")), Refusal)
    for place in places:
        assert not isinstance(place, Refusal)
        with place.place:
            pass
    assert harness.statistics() == shown(3, 2, refused_for_others=2, tenants=2)


@pytest.mark.parametrize(("share", "most"), [(0.8, 27), (1.0, 30)])
async def test_one_address_alone_leaves_a_few_places_to_others_before_they_ask(
    grow: Grow, autojump_clock: MockClock, share: float, most: int
) -> None:
    harness = GatewayHarness(max_connections=30, max_share=share)
    await harness.open(grow)
    answers = [await harness.admit() for _ in range(35)]
    assert sum(not isinstance(answer, Refusal) for answer in answers) == most
    assert isinstance(await harness.admit(request(peer="192.0.2.2:5000")), Refusal) == (share == 1.0)


# --- sockets that are open and silent ------------------------------------------------------------


async def test_a_tenant_whose_clients_speak_leaves_others_what_can_be_understood(
    grow: Grow, autojump_clock: MockClock
) -> None:
    harness = GatewayHarness(max_connections=100, demand=Demand(share=0.7, each=0.1, per_s=5.0, busy={"192.0.2.1": 7}))
    await harness.open(grow)
    others = request(peer="192.0.2.2:5000")
    answers = [await harness.admit(one) for one in (others, request(), others, others)]
    assert [isinstance(answer, Refusal) for answer in answers] == [False, True, False, True]
    assert harness.statistics() == shown(2, 2, refused_for_others=1, tenants=2, demand=0.7)
