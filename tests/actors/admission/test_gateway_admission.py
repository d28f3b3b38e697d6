from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.admission.gateway_admission import AdmissionInputs, GatewayAdmission
from backends.protocols import Admitted, CheckUnavailable, Refusal, Request, RequestKind
from protocol.admission.capacity import Demand
from protocol.admission.checks import CHECK_RULES, CheckKind
from protocol.messages.events import ConnectionRefused
from protocol.messages.identity import Identity, RequestSource
from protocol.messages.records import Count
from protocol.messages.session import StopAdmitting
from tests.fakes import FakeCheck, default_settings

PAGE, HTTP, WEBSOCKET = RequestKind.PAGE, RequestKind.HTTP, RequestKind.WEBSOCKET
PEER, OTHER = "192.0.2.1:5000", "192.0.2.2:5000"
LIMITED = Refusal(429, "too many requests", 7.0, "rate")


def request(path: str = "/ws", peer: str = PEER, **headers: str) -> Request:
    return Request("GET", path, {}, headers, peer)


class Server:
    """An admission, and what it has counted."""

    def __init__(self, *checks: FakeCheck, places: int = 2, no_sessions: str | None = None, **changes: Any) -> None:
        self.level = 0
        self.demand: Demand | None = None
        self.awaited = 0
        self.counted: list[Count] = []
        self.places: list[int] = []
        self.uses = 0
        gateway = default_settings().gateway
        websocket = attrs.evolve(gateway.websocket, max_connections=places)
        ordinary: dict[str, Any] = {"max_requests": 2, "max_share_per_address": 1.0, "websocket": websocket}
        inputs = AdmissionInputs(
            load_level=lambda: self.level,
            demand=lambda: self.demand,
            count_awaited=lambda: self.awaited,
            checks=checks,
            no_sessions=no_sessions,
        )
        self.admission = GatewayAdmission(
            attrs.evolve(gateway, **ordinary | changes),
            inputs,
            count=self.counted.append,
            on_places=self.places.append,
            jitter=lambda: 1.0,
            use=self._use,
        )

    @contextmanager
    def _use(self) -> Iterator[None]:
        self.uses += 1
        yield
        self.uses -= 1

    async def admitted(self, kind: RequestKind, asked: Request | None = None) -> Admitted:
        found = await self.admission.admit(asked or request(), kind)
        assert isinstance(found, Admitted), found
        return found

    async def refused(self, kind: RequestKind, asked: Request | None = None, *, is_reserved: bool = False) -> Refusal:
        found = await self.admission.admit(asked or request(), kind, is_reserved=is_reserved)
        assert isinstance(found, Refusal), found
        return found


async def test_an_admitted_sender_is_known_by_address_tenant_and_source() -> None:
    server = Server()
    for kind in RequestKind:
        assert (await server.admitted(kind)).identity == Identity(PEER, "192.0.2.1", RequestSource.ELSEWHERE)
    local = await server.admitted(HTTP, request(peer="127.0.0.1:5000", host="localhost"))
    assert local.identity.source is RequestSource.THIS_MACHINE


@pytest.mark.parametrize("kind", RequestKind)
async def test_a_foreign_page_is_refused_whatever_it_wants(kind: RequestKind) -> None:
    server = Server()
    refusal = await server.refused(kind, request(host="localhost", origin="https://evil.example"))
    assert (refusal.status, refusal.cause, refusal.retry_after_s) == (403, "origin", None)
    assert server.counted == [Count("refusals_total", ("origin",))]
    assert server.admission.statistics().connections == 0


async def test_a_listed_page_may_read_the_answer_and_the_refusal() -> None:
    server = Server(allowed_origins=("https://app.example.org",), max_requests=1)
    asked = request(host="localhost", origin="https://app.example.org")
    admitted, refusal = await server.admitted(HTTP, asked), await server.refused(HTTP, asked)
    for verdict in (admitted, refusal):
        assert ("Access-Control-Allow-Origin", "https://app.example.org") in verdict.headers
    assert (await server.admitted(PAGE)).headers == ()


async def test_on_a_reserved_connection_only_health_checks_are_admitted() -> None:
    server = Server()
    for kind in RequestKind:
        refusal = await server.refused(kind, request("/ws"), is_reserved=True)
        assert refusal == Refusal(503, "too many connections", 1.0, "connections")
    assert isinstance(await server.admission.admit(request("/health"), PAGE, is_reserved=True), Admitted)


async def test_requests_in_work_are_bounded_and_count_until_their_block_is_left() -> None:
    server = Server(max_requests=1)
    with (await server.admitted(HTTP)).place:
        refusal = await server.refused(HTTP)
        assert refusal == Refusal(503, "too many requests are in work", 1.0, "requests")
        await server.admitted(PAGE)
    with pytest.raises(OSError, match="reset"), (await server.admitted(HTTP)).place:
        raise OSError("reset")
    await server.admitted(HTTP)


async def test_a_session_that_takes_no_audio_needs_a_place_and_nothing_of_the_recogniser() -> None:
    server = Server(places=1)
    server.demand = Demand(share=2.0, each=1.0, per_s=0.1)
    assert (await server.refused(WEBSOCKET)).cause == "speech"
    with (await server.admitted(RequestKind.TEXT_SESSION)).place:
        assert server.admission.statistics().connections == 1
        await server.refused(RequestKind.TEXT_SESSION)
    server.admission.stop(StopAdmitting("the server stops", 5.0))
    assert (await server.refused(RequestKind.TEXT_SESSION)).cause == "leaving"


@pytest.mark.parametrize("kind", [WEBSOCKET, RequestKind.TEXT_SESSION])
async def test_a_server_that_has_no_sessions_refuses_each_for_good_and_says_why(kind: RequestKind) -> None:
    server = Server(no_sessions="it only recognises")
    refused = await server.refused(kind)
    assert (refused.status, refused.reason, refused.retry_after_s) == (404, "it only recognises", None)
    assert server.counted == [Count("refusals_total", ("role",))]
    await server.admitted(HTTP)
    await server.admitted(PAGE, request("/health"))
    server.level = 4
    assert (await server.admitted(HTTP)).retry_deferrable_s is None, "people wait behind what servers ask"


async def test_one_address_leaves_requests_to_others() -> None:
    server = Server(max_requests=2, max_share_per_address=0.5)
    await server.admitted(HTTP)
    await server.refused(HTTP)
    await server.admitted(HTTP, request(peer=OTHER))


async def test_work_that_can_wait_is_told_when_to_come_back_under_load() -> None:
    server = Server()
    assert (await server.admitted(HTTP)).retry_deferrable_s is None
    server.level = 2
    assert (await server.admitted(HTTP)).retry_deferrable_s == 10.0


async def test_a_stopped_admission_gives_no_place_and_still_answers() -> None:
    server = Server()
    server.admission.stop(StopAdmitting("the server is leaving", 7.0))
    assert await server.refused(WEBSOCKET) == Refusal(503, "the server is leaving", 7.0, "leaving")
    await server.admitted(HTTP)
    await server.admitted(PAGE)
    assert server.counted == [Count("shed_total", ("0", "session")), Count("refusals_total", ("leaving",))]


async def test_a_full_server_says_why_and_when_to_come_back() -> None:
    server = Server(places=1)
    with (await server.admitted(WEBSOCKET)).place:
        assert server.places == [1]
        assert await server.refused(WEBSOCKET) == Refusal(503, "all 1 places are taken", 5.0, "places")
    assert server.places == [1, 0]


# --- checks that ask another server --------------------------------------------------------------


async def test_what_a_check_finds_out_is_in_the_identity_and_counts_for_what_follows() -> None:
    found = Identity(PEER, "a company", RequestSource.ELSEWHERE)
    first, second = FakeCheck(answer=found), FakeCheck()
    server = Server(first, second)
    assert (await server.admitted(WEBSOCKET)).identity == found
    assert [identity.tenant for identity in second.asked] == ["a company"]


@pytest.mark.parametrize("kind", [HTTP, WEBSOCKET])
async def test_a_check_refuses_before_a_place_is_taken(kind: RequestKind) -> None:
    later = FakeCheck()
    server = Server(FakeCheck(CheckKind.CREDENTIALS, answer=LIMITED), later, places=1, max_requests=1)
    for _ in range(3):
        assert await server.refused(kind) == LIMITED
    assert later.asked == []
    assert server.counted == [Count("refusals_total", ("rate",))] * 3
    assert server.admission.statistics().connections == 0


async def test_no_check_is_asked_about_what_the_listener_answers_itself() -> None:
    check = FakeCheck(answer=LIMITED)
    server = Server(check)
    await server.admitted(PAGE, request("/health"))
    assert check.asked == []


@pytest.mark.parametrize("kind", [HTTP, WEBSOCKET])
async def test_a_rate_that_cannot_be_asked_in_time_admits(kind: RequestKind, autojump_clock: MockClock) -> None:
    server = Server(FakeCheck(CheckKind.RATE, delay_s=60.0))
    before_s = trio.current_time()
    await server.admitted(kind)
    assert trio.current_time() - before_s == pytest.approx(CHECK_RULES[CheckKind.RATE].deadline_s)
    assert server.admission.statistics().checks_unanswered == 1


@pytest.mark.parametrize("kind", [HTTP, WEBSOCKET])
async def test_credentials_that_cannot_be_checked_in_time_refuse(kind: RequestKind, autojump_clock: MockClock) -> None:
    server = Server(FakeCheck(CheckKind.CREDENTIALS, delay_s=60.0))
    refusal = await server.refused(kind)
    assert (refusal.status, refusal.cause) == (503, "credentials_unanswered")
    assert refusal.retry_after_s == 5.0


@pytest.mark.parametrize(("kind", "is_admitted"), [(CheckKind.RATE, True), (CheckKind.CREDENTIALS, False)])
async def test_a_check_whose_server_is_gone_is_decided_as_at_the_deadline(kind: CheckKind, is_admitted: bool) -> None:
    server = Server(FakeCheck(kind, trouble=CheckUnavailable("connection refused")))
    assert isinstance(await server.admission.admit(request(), HTTP), Admitted) == is_admitted


async def test_a_check_that_waits_holds_up_only_its_own_request(autojump_clock: MockClock) -> None:
    check = FakeCheck(delay_s=60.0, only_for=OTHER.partition(":")[0])
    server = Server(check)
    ended: list[str] = []

    async def ask(peer: str) -> None:
        await server.admitted(HTTP, request(peer=peer))
        ended.append(peer)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, OTHER)
        await wait_all_tasks_blocked()
        await server.admitted(PAGE, request("/health", OTHER))
        await ask(PEER)
        assert ended == [PEER]
    assert ended == [PEER, OTHER]


async def test_a_place_is_not_held_while_a_check_waits_and_not_given_after_the_server_has_stopped(
    autojump_clock: MockClock,
) -> None:
    server = Server(FakeCheck(delay_s=60.0), places=1)
    refusals: list[Refusal] = []

    async def ask() -> None:
        refusals.append(await server.refused(WEBSOCKET))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        assert server.places == []
        server.admission.stop(StopAdmitting("the server is leaving", 7.0))
    assert [refusal.cause for refusal in refusals] == ["leaving"]


# --- rates ---------------------------------------------------------------------------------------


async def test_pages_are_checked_like_other_requests_and_health_is_not() -> None:
    server = Server(FakeCheck(answer=LIMITED))
    for path in ("/metrics", "/api/status"):
        assert await server.refused(PAGE, request(path)) == LIMITED
    for path in ("/health", "/health/ready", "/health/detailed"):
        await server.admitted(PAGE, request(path))


async def test_a_refusal_keeps_its_own_headers_beside_those_for_a_listed_page() -> None:
    challenge = ("WWW-Authenticate", "Bearer")
    refusal = Refusal(401, "no key", None, "no_key", (challenge,))
    server = Server(FakeCheck(CheckKind.CREDENTIALS, answer=refusal), allowed_origins=("https://app.example.org",))
    found = await server.refused(HTTP, request(host="localhost", origin="https://app.example.org"))
    assert found.headers[0] == challenge
    assert ("Access-Control-Allow-Origin", "https://app.example.org") in found.headers


async def test_a_limited_client_is_refused_unless_a_session_may_wait_for_it() -> None:
    server = Server(FakeCheck(answer=LIMITED))
    assert await server.refused(WEBSOCKET) == LIMITED
    server.awaited = 1
    admitted = await server.admitted(WEBSOCKET)
    assert admitted.returning_only == ConnectionRefused("too many requests", 7_000)
    with admitted.place:
        assert server.places == [1]
    assert server.places == [1, 0]
    assert await server.refused(HTTP) == LIMITED


async def test_without_a_good_key_nobody_resumes_anything() -> None:
    refusal = Refusal(401, "no key", None, "no_key")
    server = Server(FakeCheck(CheckKind.CREDENTIALS, answer=refusal))
    server.awaited = 1
    assert await server.refused(WEBSOCKET) == refusal


async def test_the_server_is_used_while_a_client_or_a_request_is_there_and_not_by_a_page() -> None:
    server = Server()
    with (await server.admitted(PAGE)).place:
        assert server.uses == 0
    for kind in (HTTP, WEBSOCKET):
        with (await server.admitted(kind)).place:
            assert server.uses == 1
        assert server.uses == 0
