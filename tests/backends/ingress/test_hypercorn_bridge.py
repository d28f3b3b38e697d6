"""Hypercorn behind our port: what it gets, what it cannot do to us."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx2
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from backends.ingress.direct_stream import DirectStream
from backends.ingress.http_head import Handover
from backends.ingress.hypercorn_bridge import Exchange, ReplayStream, observed
from backends.protocols import Admitted
from protocol.admission.body_pace import BodyBounds
from tests.backends.ingress.ingress_fixtures import (
    CLIENT,
    FakeHandlers,
    Server,
    ask,
    patient_clock,
    read_all,
    read_head,
    serving,
)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
HEADERS = [(b"content-type", b"application/json")]


class App:
    """An ASGI app that tells what it was asked, or never stops sending."""

    def __init__(self) -> None:
        self.endless_ended = trio.Event()
        self.scopes: list[dict[str, Any]] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        assert scope["type"] == "http", "Hypercorn must never see a WebSocket here"
        if scope["path"] == "/crash":
            raise ValueError("a bug")
        scope["route"] = "/route/<name>"
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        if scope["path"] == "/endless":
            await self.send_for_ever(receive, send)
        body = b""
        while (event := await receive())["type"] == "http.request":
            body += event["body"]
            if not event["more_body"]:
                break
        answer = {"path": scope["path"], "method": scope["method"], "body": body.decode()}
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def send_for_ever(self, receive: Receive, send: Send) -> None:
        """Send as frameworks do: one task sends, another cancels it when the client has gone."""
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                self.endless_ended.set()
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch)
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})


@pytest.fixture
def clock() -> MockClock:
    return patient_clock()


async def test_what_is_not_ours_is_answered_by_the_app_on_the_same_port() -> None:
    async with serving(app=App()) as server, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        assert (await client.get("/health")).json() == {"status": "healthy"}
        response = await client.get("/other")
        assert response.json() == {"path": "/other", "method": "GET", "body": ""}
        assert response.headers["connection"] == "close"
        assert (await client.get("/health")).status_code == 200
    assert sorted(server.handlers.observed) == [
        ("GET", "/health", 200),
        ("GET", "/health", 200),
        ("GET", "/route/<name>", 200),
    ]


async def test_a_connection_that_began_with_our_page_can_go_on_to_the_app() -> None:
    async with serving(app=App()) as server:
        answer = await ask(
            server.port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /other HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        assert answer.count(b"HTTP/1.1 200 ") == 2
        assert b'"path": "/other"' in answer


@pytest.mark.parametrize("size", [3, 300_000])
async def test_a_body_reaches_the_app_whole_however_it_arrives(size: int) -> None:
    async with serving(app=App()) as server:
        stream = await server.connect()
        await stream.send_all(b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nab" % size)
        await trio.testing.wait_all_tasks_blocked()
        await stream.send_all(b"c" * (size - 2))
        _, rest = await read_head(stream)
        while data := await stream.receive_some():
            rest += data
        assert rest.count(b"c") >= size - 2


async def test_a_chunked_body_reaches_the_app() -> None:
    async with serving(app=App()) as server, httpx2.AsyncClient() as client:

        async def pieces() -> Any:
            for piece in (b"one ", b"two ", b"three"):
                yield piece

        response = await client.post(f"http://127.0.0.1:{server.port}/other", content=pieces())
        assert response.json()["body"] == "one two three"


async def test_the_app_gets_one_request_of_a_connection_and_never_an_upgrade() -> None:
    app = App()
    upgrade = b"GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n"
    async with serving(app=app) as server:
        answer = await ask(server.port, b"GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.count(b"HTTP/1.1 200 ") == 1
        answer = await ask(server.port, upgrade % b"h2c")
        assert answer.startswith(b"HTTP/1.1 200 ")
        stream = await server.connect()
        await stream.send_all(upgrade % b"websocket")
        head, _ = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 404 ")
        assert [scope["path"] for scope in app.scopes] == ["/one", "/other"]


async def test_an_app_that_crashes_answers_500_and_the_listener_lives() -> None:
    async with serving(app=App()) as server, httpx2.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/crash")).status_code == 500
        assert (await client.get(f"http://127.0.0.1:{server.port}/other")).status_code == 200
    assert ("GET", "unmatched", 500) in server.handlers.observed


async def test_an_app_that_only_sends_ends_when_its_client_stops_reading(clock: MockClock) -> None:
    app = App()
    async with serving(app=app) as server:
        stream = await server.connect()
        await stream.send_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        await app.endless_ended.wait()
        assert trio.current_time() >= 5
        answer = await ask(server.port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")


async def test_an_app_that_only_sends_ends_when_its_client_leaves() -> None:
    app = App()
    async with serving(app=app) as server:
        stream = await server.connect()
        await stream.send_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        await read_head(stream)
        await stream.aclose()
        await app.endless_ended.wait()
        answer = await ask(server.port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_stops_reading_does_not_hold_up_the_stop(clock: MockClock) -> None:
    app = App()
    async with serving(app=app) as server:
        stream = await server.connect()
        await stream.send_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked()
        await server.ingress.stop()
        assert trio.current_time() < 10


# --- bodies that arrive slowly -------------------------------------------------------------------

POST = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{"
CHUNKED = b"POST /other HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"


class Reader:
    """An ASGI app that answers once the body is there, after a while."""

    def __init__(self, works_for_s: float = 0.0) -> None:
        self.works_for_s = works_for_s
        self.received = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        while (event := await receive())["type"] == "http.request":
            self.received += len(event["body"])
            if not event["more_body"]:
                break
        else:
            return
        await trio.sleep(self.works_for_s)
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b"{}"})


async def dribble(stream: trio.SocketStream, every_s: float, data: bytes) -> None:
    """Send ``data`` again and again, until the server has enough."""
    with suppress(trio.BrokenResourceError):
        while True:
            await trio.sleep(every_s)
            await stream.send_all(data)


async def given_up(server: Server, head: bytes, every_s: float, data: bytes) -> tuple[bytes, float]:
    """Dribble a body; return the answer, and after how many seconds it came."""
    stream = await server.connect()
    await stream.send_all(head)
    before_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dribble, stream, every_s, data)
        answer = await read_all(stream)
        nursery.cancel_scope.cancel()
    return answer, trio.current_time() - before_s


@pytest.mark.parametrize("head", [POST % b"/other", CHUNKED])
async def test_a_small_body_that_is_dribbled_is_answered_408_after_ten_seconds(clock: MockClock, head: bytes) -> None:
    async with serving(app=Reader()) as server:
        answer, after_s = await given_up(server, head, 3.0, b"1\r\n \r\n")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"error": "the request's body must arrive within 10 s"}
        assert after_s == pytest.approx(10, abs=2)
    assert server.handlers.observed == [("POST", "slow_body", 408)]


async def test_a_recording_may_take_longer_but_must_keep_a_rate(clock: MockClock) -> None:
    async with serving(app=Reader()) as server:
        answer, after_s = await given_up(server, POST % b"/upload", 2.0, b"x" * 1_000)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"at 1000 bytes/s or more after the first 10 s" in answer
        assert after_s == pytest.approx(20, abs=3), "half the rate buys ten seconds more"


async def test_a_recording_that_keeps_the_rate_arrives(clock: MockClock) -> None:
    app = Reader()
    async with serving(app=app) as server:
        answer, after_s = await given_up(server, POST % b"/upload", 4.0, b"x" * 10_000)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert after_s > 20
    assert app.received == 60_000


@pytest.mark.parametrize(
    "head", [b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{", CHUNKED + b"0\r\n\r\n"]
)
async def test_once_the_body_has_come_the_app_may_take_its_time(clock: MockClock, head: bytes) -> None:
    async with serving(app=Reader(works_for_s=20.0)) as server:
        assert (await ask(server.port, head)).startswith(b"HTTP/1.1 200 ")
    assert server.handlers.observed == [("POST", "unmatched", 200)]


async def test_an_answer_that_has_begun_is_not_followed_by_another(clock: MockClock) -> None:
    async with serving(app=App()) as server:
        answer, _ = await given_up(server, POST % b"/other", 3.0, b" ")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"408" not in answer


# --- the stream ----------------------------------------------------------------------------------


async def replaying(
    received: bytes = b"", body_bytes: int | None = 0
) -> tuple[ReplayStream, trio.SocketStream, trio.SocketStream]:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listeners[0]:
        client = await trio.open_tcp_stream(*listeners[0].socket.getsockname())
        stream = await listeners[0].accept()
    handover = Handover(b"head", received, body_bytes)
    replay = ReplayStream(DirectStream(stream), handover, send_timeout_s=5, bounds=BodyBounds(10.0))
    return replay, stream, client


async def test_the_stream_gives_head_and_body_and_nothing_of_the_next_request() -> None:
    replay, _, client = await replaying(b"bo", body_bytes=4)
    async with replay, client:
        await client.send_all(b"dyGET / HTTP/1.1")
        assert await replay.receive_some(3) == b"hea"
        assert await replay.receive_some(65_536) == b"dbo"
        assert await replay.receive_some() == b"dy"
        await client.send_all(b"more")
        await client.send_eof()
        assert await replay.receive_some() == b""


async def test_a_chunked_body_is_passed_on_as_it_comes() -> None:
    replay, _, client = await replaying(b"1\r\na\r\n", body_bytes=None)
    async with replay, client:
        await client.send_all(b"0\r\n\r\n")
        assert await replay.receive_some() == b"head1\r\na\r\n"
        assert await replay.receive_some() == b"0\r\n\r\n"


async def test_a_client_that_sends_and_sends_behind_its_request_is_taken_to_have_left() -> None:
    replay, _, client = await replaying()
    async with replay, client, trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, b"x" * 100_000)
        assert await replay.receive_some() == b"head"
        assert await replay.receive_some() == b""


async def test_a_send_that_takes_too_long_breaks_the_stream_for_good_even_under_a_shield(clock: MockClock) -> None:
    replay, _, client = await replaying()
    async with replay, client:
        with trio.CancelScope(shield=True), pytest.raises(trio.BrokenResourceError, match="stopped reading"):
            await replay.send_all(b"x" * 50_000_000)
        assert trio.current_time() == pytest.approx(5, abs=0.5)
        with trio.testing.assert_checkpoints(), pytest.raises(trio.BrokenResourceError):
            await replay.send_all(b"more")


class SlowStream:
    """A socket stream that takes a second for each send, and only one send at a time; nothing comes from it."""

    socket = None

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self._is_sending = False

    async def send_all(self, data: memoryview) -> None:
        if self._is_sending:
            raise trio.BusyResourceError("another task is sending")
        self._is_sending = True
        await trio.sleep(1.0)
        self._is_sending = False
        self.sent.append(bytes(data))

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.sleep_forever()
        raise AssertionError

    async def send_eof(self) -> None:
        raise trio.ClosedResourceError


async def test_giving_up_a_request_waits_for_the_send_that_is_under_way(autojump_clock: MockClock) -> None:
    stream = SlowStream()
    handover = Handover(b"head", b"", 4)
    replay = ReplayStream(stream, handover, send_timeout_s=5, bounds=BodyBounds(10.0))  # type: ignore[arg-type]  # a fake
    assert await replay.receive_some() == b"head"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(replay.receive_some)
        await trio.sleep(9.5)
        await replay.send_all(b"HTTP/1.1 100 Continue")
        with pytest.raises(trio.BrokenResourceError):
            await replay.send_all(b"HTTP/1.1 200 OK")
    assert [data.partition(b"\r\n")[0] for data in stream.sent] == [
        b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 408 Request Timeout",
    ]


async def test_sending_to_a_closed_stream_raises_and_yields() -> None:
    replay, _, client = await replaying()
    async with client:
        await replay.aclose()
        with trio.testing.assert_checkpoints(), pytest.raises(trio.ClosedResourceError):
            await replay.send_all(b"late")


async def test_an_apps_send_yields_though_the_servers_does_not() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with trio.testing.assert_checkpoints():
            await send({"type": "http.response.body", "body": b""})

    async def server_send(event: Any) -> None:
        return

    handlers, exchange = FakeHandlers(), Exchange()
    scope: Any = {"type": "http", "method": "BREW"}
    await observed(app, handlers.observe, exchange, Admitted(CLIENT))(scope, server_send, server_send)  # type: ignore[arg-type]  # never received
    assert handlers.observed == [("OTHER", "unmatched", 500)]
    assert exchange.returned.is_set()
