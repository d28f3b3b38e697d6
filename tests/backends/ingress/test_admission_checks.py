"""Admission checks that ask another server, seen from the port."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from actors.admission.gateway_admission import AdmissionInputs
from backends.keys.key_file import KeyFile
from backends.keys.key_ring import KeyCheck, KeyRing
from backends.protocols import Refusal
from protocol.admission.credentials import as_subprotocol
from protocol.admission.keys import KeyOrder, with_new_key
from protocol.messages.identity import Scope
from tests.backends.ingress.ingress_fixtures import UPGRADE, ask, patient_clock, read_head, serving
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


# --- keys ----------------------------------------------------------------------------------------


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, AdmissionInputs]:
    """A key for talking, and the inputs of a server that demands it."""
    file = KeyFile.in_folder(tmp_path)
    order = KeyOrder(name="phone", user="ann", scopes=frozenset({Scope.TALK}))
    with file.locked():
        keys, text = with_new_key((), order, 0.0, bytes)
        file.write(keys)
    ring = KeyRing(file, is_demanded=True, unix_time=lambda: 0.0)
    return text, AdmissionInputs(checks=[KeyCheck(ring)], keys=ring)


def get(path: str, extra: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{extra}Connection: close\r\n\r\n".encode()


async def test_a_key_is_asked_for_in_words_and_by_a_header(key: tuple[str, AdmissionInputs]) -> None:
    async with serving(app=empty_app, inputs=key[1]) as server:
        answer = await ask(server.port, get("/v1/models"))
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b'WWW-Authenticate: Bearer realm="sayso"\r\n' in answer
        assert b"a key is needed here" in answer
        assert b"WWW-Authenticate" not in await ask(server.port, get("/health"))
        assert server.handlers.observed == [("GET", "refused_no_key", 401), ("GET", "/health", 200)]


async def test_a_key_opens_what_it_is_for_and_nothing_else(key: tuple[str, AdmissionInputs]) -> None:
    authorized = f"Authorization: Bearer {key[0]}\r\n"
    async with serving(app=empty_app, inputs=key[1]) as server:
        assert (await ask(server.port, get("/v1/models", authorized)))[9:12] == b"204"
        answer = await ask(server.port, get("/api/status", authorized))
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b'error="insufficient_scope", scope="read"' in answer
        await server.upgrade(authorized.encode())


async def test_a_page_has_its_key_beside_the_protocol_which_alone_is_answered(
    key: tuple[str, AdmissionInputs],
) -> None:
    offered = f"Sec-WebSocket-Protocol: sayso.v1, {as_subprotocol(key[0])}\r\n\r\n".encode()
    async with serving(inputs=key[1]) as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE + b"Origin: http://localhost\r\n" + offered)
        head, _ = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 101 ")
        assert head.lower().endswith(b"\r\nsec-websocket-protocol: sayso.v1")
        assert b"sayso.key" not in head


@pytest.mark.parametrize(
    ("headers", "code"),
    [(b"", 4001), (b"Authorization: Bearer wrong\r\n", 4001), (b"Authorization: Basic YTpi\r\n", 4001)],
)
async def test_a_page_without_a_good_key_is_told_on_the_socket(
    key: tuple[str, AdmissionInputs], headers: bytes, code: int
) -> None:
    async with serving(inputs=key[1]) as server:
        client = await server.upgrade(b"Origin: http://localhost\r\n" + headers)
        message = json.loads(await client.payload())
        assert message["type"] == "connection_refused"
        assert "key" in message["data"]["reason"]
        assert await client.close_code() == code
        assert server.handlers.taken == 0


async def test_a_program_without_a_good_key_is_told_before_the_socket_opens(key: tuple[str, AdmissionInputs]) -> None:
    async with serving(inputs=key[1]) as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE + b"\r\n")
        head, body = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 401 ")
        assert b"WWW-Authenticate: Bearer" in head
        assert "a key is needed here" in json.loads(body)["error"]
        assert b"Retry-After" not in head


async def test_no_log_of_any_level_has_the_key(
    key: tuple[str, AdmissionInputs], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    text, inputs = key
    async with serving(app=empty_app, inputs=inputs) as server:
        await ask(server.port, get("/v1/models", f"Authorization: Bearer {text}\r\n"))
        await ask(server.port, get("/metrics", f"Authorization: Bearer {text}\r\n"))
        await ask(server.port, get("/v1/models", f"Authorization: Bearer {text}x\r\n"))
        client = await server.upgrade(f"Sec-WebSocket-Protocol: {as_subprotocol(text)}\r\n".encode())
        await client.send("hello")
        await client.payload()
    for secret in (text, text.rpartition("_")[2], as_subprotocol(text)):
        assert secret not in caplog.text
