"""One connection with real sockets on loopback: the handler of each request, and its answer."""

import gzip
import json
import logging
from typing import Any

import h11
import httpx2
import pytest
import trio
import trio.testing
import trio_websocket
from trio.testing import MockClock
from websockets.frames import Frame, Opcode

from backends.protocols import Request
from protocol.messages.socket import Socket, SocketClosed
from tests.backends.ingress.ingress_fixtures import (
    UPGRADE,
    FakeHandlers,
    ask,
    gateway_settings,
    patient_clock,
    read_all,
    read_head,
    serving,
)


@pytest.fixture
def clock() -> MockClock:
    return patient_clock()


# --- our own pages -------------------------------------------------------------------------------


async def test_a_page_of_ours_is_answered_and_the_connection_stays_open() -> None:
    async with serving() as server, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        for _ in range(3):
            response = await client.get("/health")
            assert response.status_code == 200
            assert response.json() == {"status": "healthy"}
            assert "date" in response.headers
        assert len(server.ingress._state.connections) == 1
        assert server.handlers.observed == [("GET", "/health", 200)] * 3


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with serving() as server:
        gets = b"".join(b"GET /echo?n=%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(5))
        answer = await ask(server.port, gets + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        found = [answer.index(b"'n': '%d'" % n) for n in range(5)]
        assert found == sorted(found)
        assert answer.count(b"HTTP/1.1 200 ") == 6


async def test_a_head_in_single_bytes_is_understood() -> None:
    async with serving() as server:
        stream = await server.connect()
        for byte in b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n":
            await stream.send_all(bytes([byte]))
            await trio.lowlevel.checkpoint()
        head, _ = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 200 ")


async def test_head_is_answered_like_get_without_the_body() -> None:
    async with serving() as server:
        answer = await ask(server.port, b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"content-length: 20" in answer
        assert answer.endswith(b"\r\n\r\n")


async def test_another_method_on_a_page_of_ours_is_405_with_allow() -> None:
    async with serving() as server, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        response = await client.post("/health", content=b"x" * 100)
        assert response.status_code == 405
        assert response.headers["allow"] == "GET, HEAD"
        assert (await client.get("/health")).status_code == 200


async def test_a_large_answer_is_compressed_only_when_asked_for() -> None:
    async with serving() as server, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        plain = await client.get("/big", headers={"Accept-Encoding": "identity"})
        packed = await client.get("/big", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) < len(plain.content) / 10
        assert packed.content == plain.content
        assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
        assert packed.headers["x-mark"] == "1"
        raw = await ask(
            server.port, b"GET /big HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        )
        assert gzip.decompress(raw.partition(b"\r\n\r\n")[2]) == plain.content


async def test_http_1_0_is_answered_and_closed() -> None:
    async with serving() as server:
        answer = await ask(server.port, b"GET /health HTTP/1.0\r\n\r\n")
        assert answer.endswith(b'{"status":"healthy"}')


async def test_a_page_that_fails_is_500_and_the_next_request_is_served(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        response = await client.get("/broken")
        assert response.status_code == 500
        assert "a bug" not in response.text
        assert (await client.get("/health")).status_code == 200
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "the page /broken failed: ValueError('a bug')"
    ]


async def test_a_page_that_hangs_is_503(clock: MockClock) -> None:
    settings = gateway_settings(request_timeout_s=2)
    async with serving(settings=settings) as server, httpx2.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{server.port}/stuck")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"


async def test_what_is_nobodys_is_404_and_counted_without_its_path() -> None:
    async with serving() as server, httpx2.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{server.port}/wp-login.php")
        assert response.status_code == 404
        assert server.handlers.observed == [("GET", "unmatched", 404)]


async def test_h11_as_a_client_reads_our_answers_without_complaint() -> None:
    async with serving() as server:
        stream = await server.connect()
        connection = h11.Connection(h11.CLIENT)
        for path in ("/health", "/nothing", "/big"):
            await stream.send_all(
                connection.send(h11.Request(method="GET", target=path, headers=[("Host", "x")])) or b""
            )
            await stream.send_all(connection.send(h11.EndOfMessage()) or b"")
            events: list[object] = []
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    connection.receive_data(bytes(await stream.receive_some()))
                else:
                    events.append(event)
            assert isinstance(events[0], h11.Response)
            connection.start_next_cycle()


# --- bad heads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),  # TLS to a plain port
        (b"hello\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\nHost: x\n\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400),
        (UPGRADE + b"X: \x01\r\n\r\n", 400),
        (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 16_384 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 4_000, 431),
        (b"GET /" + b"x" * 40_000, 431),
    ],
)
async def test_a_bad_head_is_answered_with_its_status_and_a_reason(data: bytes, status: int) -> None:
    async with serving() as server:
        answer = await ask(server.port, data)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
        assert server.handlers.observed == [("OTHER", "malformed", status)]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"HEAD * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"HEAD / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400),
        (b"HEAD / HTTP/1.9\r\nHost: x\r\n\r\n", 505),
        (b"HEAD / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 4_000, 431),
    ],
)
async def test_a_bad_head_of_a_head_request_is_answered_without_a_body(
    data: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as server:
        answer = await ask(server.port, data)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_handshake_with_a_body_is_refused_before_its_body_is_read_as_frames() -> None:
    async with serving() as server:
        for body in (b"Content-Length: 4\r\n\r\nabcd", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
            answer = await ask(server.port, UPGRADE + body)
            assert answer.startswith(b"HTTP/1.1 400 "), answer
            assert b"has no body" in answer
        assert server.handlers.most_taken == 0


# --- web pages elsewhere -------------------------------------------------------------------------


FOREIGN = [
    (b"Host: evil.example\r\n", 421, "refused_host"),
    (b"Host: x\r\nOrigin: https://evil.example\r\n", 403, "refused_origin"),
    (b"Host: x\r\nOrigin: null\r\n", 403, "refused_origin"),
    (b"Host: x\r\nOrigin: http://x\r\nOrigin: http://x\r\n", 403, "refused_origin"),
    (b"Host: x\r\nSec-Fetch-Site: cross-site\r\n", 403, "refused_cross_site"),
]


async def unreachable_app(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError(f"the app was asked for {scope['path']}")


@pytest.mark.parametrize("path", [b"/ws", b"/health", b"/api/tools", b"/nothing"])
@pytest.mark.parametrize(("headers", "status", "endpoint"), FOREIGN)
async def test_a_foreign_page_gets_no_further_than_the_port(
    path: bytes, headers: bytes, status: int, endpoint: str
) -> None:
    async with serving(app=unreachable_app) as server:
        head = UPGRADE.replace(b"/ws", path).replace(b"Host: localhost\r\n", headers)
        plain = b"GET %b HTTP/1.1\r\n%bConnection: close\r\n" % (path, headers)
        for sent in (head.replace(b"Connection: ", b"Connection: close, "), plain):
            answer = await ask(server.port, sent + b"\r\n")
            assert answer.startswith(b"HTTP/1.1 %d " % status), answer
            assert "gateway.allowed_" in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
        assert server.handlers.observed == [("GET", endpoint, status)] * 2
        assert server.handlers.most_taken == 0


async def test_refusals_are_logged_but_a_page_that_tries_on_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "sayso.ingress")
    async with serving() as server:
        bad = b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n" * 50
        await ask(server.port, bad + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        told = [record.getMessage() for record in caplog.records if "'evil.example'" in record.getMessage()]
        assert len(told) == 10
        assert told[0].startswith("refused GET of 127.0.0.1:")


async def test_a_listed_page_elsewhere_may_ask_beforehand_read_pages_and_open_a_websocket() -> None:
    settings = gateway_settings(allowed_origins=("https://app.example.org",))
    async with serving(settings=settings) as server, httpx2.AsyncClient() as client:
        url, origin = f"http://127.0.0.1:{server.port}/health", {"Origin": "https://app.example.org"}
        wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        asked = await client.options(url, headers=origin | wish)
        assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (200, "GET, HEAD, POST")
        for response in (asked, await client.get(url, headers=origin)):
            assert response.headers["access-control-allow-origin"] == "https://app.example.org"
            assert "Origin" in response.headers.get_list("vary")
        assert "access-control-allow-origin" not in (await client.get(url)).headers
        socket = await server.upgrade(b"Origin: https://app.example.org\r\n")
        await socket.send("hello")
        assert await socket.payload() == b"hello"


async def test_options_of_the_server_as_a_whole_lists_the_methods() -> None:
    async with serving() as server:
        answer = await ask(server.port, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"Allow: GET, HEAD, POST, OPTIONS" in answer


async def test_the_host_of_an_absolute_target_counts_and_not_the_header() -> None:
    async with serving() as server:
        good = await ask(
            server.port, b"GET http://x/health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        )
        bad = await ask(server.port, b"GET http://evil.example/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert good.startswith(b"HTTP/1.1 200 ")
        assert bad.startswith(b"HTTP/1.1 421 ")


async def test_a_target_that_looks_like_an_address_is_only_a_path(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server:
        for target in (b"//[", b"//[::1", b"//evil.example/health"):
            answer = await ask(server.port, b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target)
            assert answer.startswith(b"HTTP/1.1 404 "), answer
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# --- WebSockets ----------------------------------------------------------------------------------


async def test_an_independent_client_holds_a_conversation() -> None:
    async with serving() as server:
        async with trio_websocket.open_websocket_url(f"ws://127.0.0.1:{server.port}/ws") as ws:
            await ws.send_message("hello")
            assert await ws.get_message() == "hello"
            await ws.send_message(b"\x00" * 200_000)
            assert await ws.get_message() == b"\x00" * 200_000
            await ws.ping()
        assert ws.closed is not None
        assert ws.closed.code == 1000
        assert server.handlers.observed == [("GET", "/ws", 101)]
    assert (server.handlers.taken, server.handlers.given_back) == (0, 1)


async def test_frames_sent_with_the_handshake_are_not_lost() -> None:
    async with serving() as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE + b"\r\n" + Frame(Opcode.TEXT, b"early").serialize(mask=True))
        head, rest = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 101 ")
        rest = rest or await stream.receive_some()
        assert rest == Frame(Opcode.TEXT, b"early").serialize(mask=False)


async def test_a_websocket_can_follow_a_page_on_the_same_connection() -> None:
    async with serving() as server:
        stream = await server.connect()
        await stream.send_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_head(stream))[0].startswith(b"HTTP/1.1 200 ")
        await stream.send_all(UPGRADE + b"\r\n")
        assert (await read_head(stream))[0].startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    ("data", "status", "header"),
    [
        (UPGRADE.replace(b"/ws", b"/other"), 404, None),
        (UPGRADE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), 400, b"Sec-WebSocket-Version: 13"),
        (UPGRADE.replace(b"Version: 13", b"Version: 8"), 400, b"Sec-WebSocket-Version: 13"),
        (UPGRADE.replace(b"Sec-WebSocket-Key", b"X-Key"), 400, None),
        (UPGRADE.replace(b"GET", b"POST"), 405, b"Allow: GET"),
        (UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0"), 505, None),
        (b"GET /ws HTTP/1.1\r\nHost: x\r\n", 426, b"Upgrade: websocket"),
        (b"PUT /ws HTTP/1.1\r\nHost: x\r\n", 405, b"Allow: GET"),
        (b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", 426, b"Upgrade: websocket"),
    ],
)
async def test_a_handshake_that_is_wrong_gets_a_status_and_a_text_and_no_place(
    data: bytes, status: int, header: bytes | None
) -> None:
    async with serving() as server:
        stream = await server.connect()
        await stream.send_all(data + b"\r\n")
        head, rest = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 %d " % status), head
        assert header is None or header.lower() in head.lower()
        assert rest
        assert server.handlers.most_taken == 0


async def test_a_refused_program_reads_503_with_when_to_come_back() -> None:
    async with serving(FakeHandlers(places=0)) as server:
        stream = await server.connect()
        await stream.send_all(UPGRADE + b"\r\n")
        head, rest = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 3" in head
        assert json.loads(rest) == {"reason": "all places are taken", "retry_after_ms": 2_500}
        assert server.handlers.observed == [("GET", "/ws", 503)]


async def test_a_refused_browser_reads_the_reason_on_the_socket_and_1013() -> None:
    async with serving(FakeHandlers(places=0)) as server:
        client = await server.upgrade(b"Origin: http://localhost\r\n")
        message = json.loads(await client.payload())
        told = {"reason": "all places are taken", "retry_after_ms": 2_500}
        assert message == {"type": "connection_refused", "data": told, "seq": 0}
        assert await client.close_code() == 1013
        assert client.protocol.close_rcvd is not None
        assert client.protocol.close_rcvd.reason == "retry_after_ms=2500"
        assert server.handlers.observed == [("GET", "/ws", 503)]


async def test_two_hundred_at_once_for_five_places_leave_the_places_balanced() -> None:
    async with serving(FakeHandlers(places=5)) as server:
        statuses: list[bytes] = []
        all_answered = trio.Event()

        async def knock() -> None:
            stream = await server.connect()
            async with stream:
                await stream.send_all(UPGRADE + b"\r\n")
                head, _ = await read_head(stream)
                statuses.append(head[9:12])
                if len(statuses) == 200:
                    all_answered.set()
                await all_answered.wait()

        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(knock)
        assert sorted(statuses) == [b"101"] * 5 + [b"503"] * 195
        await server.handlers.wait_given_back(5)
        assert (server.handlers.most_taken, server.handlers.taken) == (5, 0)


async def test_a_session_that_crashes_closes_1011_and_no_other_is_affected(caplog: pytest.LogCaptureFixture) -> None:
    async def fragile(socket: Socket, request: Request) -> None:
        while True:
            message = await socket.receive()
            if message == "boom":
                raise ZeroDivisionError("a bug")
            await socket.send(str(message))

    async with serving(FakeHandlers(session=fragile)) as server:
        good, bad = await server.upgrade(), await server.upgrade()
        await bad.send("boom")
        assert await bad.close_code() == 1011
        await good.send("still here")
        assert await good.payload() == b"still here"
        await server.upgrade()
        await bad.stream.aclose()
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert errors[0].endswith("failed: ZeroDivisionError('a bug')")
    assert (server.handlers.taken, server.handlers.given_back) == (0, 3)


async def test_a_session_that_returns_closes_1000() -> None:
    async def brief(socket: Socket, request: Request) -> None:
        await socket.send(f"goodbye {request.path}")

    async with serving(FakeHandlers(session=brief)) as server:
        client = await server.upgrade()
        assert await client.payload() == b"goodbye /ws"
        assert await client.close_code() == 1000


async def test_a_frame_of_20_mb_is_refused_with_1009() -> None:
    async with serving() as server:
        client = await server.upgrade()
        await client.send(b"x" * 20_000_000)  # we read on for a while, so that it can be sent and the reason be read
        assert await client.close_code() == 1009


async def test_a_client_that_stops_reading_is_closed_and_its_place_is_free(clock: MockClock) -> None:
    async def talk(socket: Socket, request: Request) -> None:
        try:
            while True:
                await socket.send_speech(b"x" * 10_000)
        except SocketClosed as closed:
            reasons.append(closed.reason)

    reasons: list[str] = []
    async with serving(FakeHandlers(session=talk)) as server:
        await server.upgrade()
        await server.handlers.wait_given_back(1)
        assert reasons == ["nothing was read for 5 s"]
        assert server.handlers.taken == 0


async def test_a_session_that_does_not_read_slows_its_client_down(clock: MockClock) -> None:
    async def busy(socket: Socket, request: Request) -> None:
        await socket.wait_closed()

    async with serving(FakeHandlers(session=busy)) as server:
        client = await server.upgrade()
        sent = 0
        with trio.move_on_after(5):
            while True:
                await client.send(b"x" * 65_536)
                sent += 65_536
        assert sent < 16_000_000


async def test_a_refused_browser_that_has_left_already_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(FakeHandlers(places=0)) as server:
        stream = await server.connect()
        goodbye = Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True)
        await stream.send_all(UPGRADE + b"Origin: http://localhost\r\n\r\n" + goodbye)
        head, _ = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 101 ")
        await read_all(stream)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_handshake_while_the_server_stops_is_not_accepted() -> None:
    async with serving() as server:
        server.ingress._state.is_stopping = True
        stream = await server.connect()
        await stream.send_all(UPGRADE + b"\r\n")
        assert await read_all(stream) == b""
        assert server.handlers.most_taken == 0
