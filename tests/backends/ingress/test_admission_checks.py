"""Admission checks that ask another server, seen from the port."""

from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from actors.admission.gateway_admission import AdmissionInputs
from backends.protocols import Refusal
from tests.backends.ingress.ingress_fixtures import ask, patient_clock, read_head, serving
from tests.fakes import FakeCheck


@pytest.fixture
def clock() -> MockClock:
    return patient_clock()


async def empty_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_a_check_that_waits_holds_up_neither_health_checks_nor_other_requests(clock: MockClock) -> None:
    check = FakeCheck(delay_s=60.0)
    inputs = AdmissionInputs(checks=[check])
    async with serving(app=empty_app, inputs=inputs) as server:
        slow = await server.connect()
        await slow.send_all(b"GET /api/tools HTTP/1.1\r\nHost: x\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked()
        check.delay_s = 0.0
        before_s = trio.current_time()
        assert (await ask(server.port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))[9:12] == b"200"
        assert (await ask(server.port, b"GET /api/tools HTTP/1.1\r\nHost: x\r\n\r\n"))[9:12] == b"204"
        assert trio.current_time() == before_s
        assert (await read_head(slow))[0].startswith(b"HTTP/1.1 204 "), "a rate that is not known in time admits"
        assert len(check.asked) == 2


async def test_a_refusal_of_a_check_is_an_answer_with_when_to_come_back() -> None:
    inputs = AdmissionInputs(checks=[FakeCheck(answer=Refusal(429, "too many requests", 6.5, "rate"))])
    async with serving(app=empty_app, inputs=inputs) as server:
        answer = await ask(server.port, b"GET /api/tools HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"Retry-After: 7" in answer
        assert server.handlers.observed == [("GET", "refused_rate", 429)]
