"""One client, or a few, that hold all they can get: other addresses are served, and the server's health is told.

All of 127.0.0.0/8 is this machine, so each client can have an address of its own.
"""

import resource
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import trio

from tests.system.client_fixtures import QUIET, connected, talking
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server

pytestmark = pytest.mark.system

LIMIT_S = 240
SOCKET_TIMEOUT_S = 10.0
NOISY = ("127.0.0.2",)
TWENTY = tuple(f"127.0.1.{number}" for number in range(1, 21))
BOUNDS = {
    "gateway.max_http_connections": 60,
    "gateway.max_requests": 20,
    "gateway.websocket.max_connections": 20,
    "gateway.body_timeout_s": 2,
    "gateway.head_timeout_s": 3,
    "session.handshake_timeout_s": 10,
}
IDLE = b""
HALF_A_HEAD = b"GET /ws HTTP/1.1\r\nHost: a\r\n"
SLOW_BODY = (
    b"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n"
    b"Content-Type: application/json\r\n\r\n{"
)
SLOW_UPLOAD = (
    b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
)
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with few places."""
    need_models()
    with running_server(tmp_path_factory.mktemp("bounded"), SMALL | BOUNDS) as server:
        yield server


@contextmanager
def holding(server: Server, addresses: Sequence[str], each: int, data: bytes) -> Iterator[list[socket.socket]]:
    """Hold so many connections from each address, with ``data`` sent on each."""
    with ExitStack() as stack:
        held = []
        for _ in range(each):
            for address in addresses:
                client = stack.enter_context(socket.socket())
                client.settimeout(SOCKET_TIMEOUT_S)
                client.bind((address, 0))
                client.connect(("127.0.0.1", server.port))
                with suppress(ConnectionError):  # it may be refused already
                    client.sendall(data)
                held.append(client)
        yield held


def answers(held: Sequence[socket.socket]) -> list[bytes]:
    """Read from each until the server closes it; return the first line of each answer, or nothing."""
    found = []
    for client in held:
        data = b""
        with suppress(ConnectionError):
            while more := client.recv(65_536):
                data += more
        found.append(data.partition(b"\r\n")[0])
    return found


async def in_thread(function: Callable[..., object], *arguments: object) -> None:
    await trio.to_thread.run_sync(lambda: function(*arguments))


def check_health(server: Server) -> None:
    assert server.get("/health").status == 200


async def check_session(server: Server) -> None:
    async with talking(server.url, QUIET) as client:
        await client.tell("text", text="what is 6 times 7")
        assert (await client.next("turn_completed"))["outcome"] == "done"


def is_admitted(server: Server) -> bool:
    with holding(server, ("127.0.0.1",), 1, UPGRADE) as [client]:
        return client.recv(100).startswith(b"HTTP/1.1 101 ")


def held_connections(server: Server) -> int:
    """Return how many WebSockets have a place."""
    count: int = server.actor("gateway")["statistics"]["connections"]
    return count


# --- HTTP ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [IDLE, HALF_A_HEAD, SLOW_BODY, SLOW_UPLOAD], ids=["idle", "head", "body", "upload"])
@pytest.mark.parametrize(("addresses", "each"), [(NOISY, 80), (TWENTY, 4)], ids=["one address", "twenty addresses"])
async def test_while_one_address_holds_connections_others_get_sessions_and_health_is_told(
    bounded: Server, addresses: Sequence[str], each: int, data: bytes
) -> None:
    with trio.fail_after(LIMIT_S), holding(bounded, addresses, each, data) as held:
        for _ in range(3):
            await in_thread(check_health, bounded)
        await in_thread(poll, "one who asks gets a place", lambda: is_admitted(bounded))
        await check_session(bounded)
        await trio.to_thread.run_sync(answers, held)  # each is closed in the end
        await in_thread(check_health, bounded)
        await check_session(bounded)


async def test_a_dribbled_body_is_answered_408_and_counted(bounded: Server) -> None:
    def is_answered_408() -> bool:  # 503 while requests of the test before this are closing
        with holding(bounded, NOISY, 1, SLOW_BODY) as held:
            return answers(held) == [b"HTTP/1.1 408 Request Timeout"]

    with trio.fail_after(LIMIT_S):
        await in_thread(poll, "a slow body is answered 408", is_answered_408)
        metrics = await trio.to_thread.run_sync(bounded.get, "/metrics")
    assert b'voice_control_requests_total{endpoint="slow_body",method="POST"}' in metrics.body


async def test_requests_beyond_an_addresss_share_are_refused_at_once(bounded: Server) -> None:
    with trio.fail_after(LIMIT_S), holding(bounded, ("127.0.0.4",), 20, SLOW_BODY) as held:
        found = await trio.to_thread.run_sync(answers, held)
    served = found.count(b"HTTP/1.1 408 Request Timeout")
    assert served in (15, 16), "of 20; one of the test before this may still be closing"
    assert sum(answer.startswith(b"HTTP/1.1 503 ") for answer in found) == 20 - served


# --- WebSockets ----------------------------------------------------------------------------------


async def test_silent_websockets_of_one_address_leave_places_for_others_at_once(bounded: Server) -> None:
    with trio.fail_after(LIMIT_S), holding(bounded, NOISY, 30, UPGRADE):
        await in_thread(check_health, bounded)
        await check_session(bounded)
    await in_thread(poll, "all places are free", lambda: not held_connections(bounded))


async def test_silent_websockets_of_twenty_addresses_close_when_their_places_are_needed(bounded: Server) -> None:
    with trio.fail_after(LIMIT_S), holding(bounded, TWENTY, 2, UPGRADE):
        await in_thread(poll, "all places are taken", lambda: held_connections(bounded) == 20)
        await in_thread(poll, "one who asks gets a place", lambda: is_admitted(bounded))
        await check_session(bounded)
    await in_thread(poll, "all places are free", lambda: not held_connections(bounded))


async def test_a_silent_websocket_that_closes_for_another_is_told_why(bounded: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with connected(bounded.url) as client:
            await in_thread(poll, "it has its place", lambda: held_connections(bounded) == 1)
            with holding(bounded, TWENTY, 2, UPGRADE):
                await trio.sleep(1.1)  # the grace
                with holding(bounded, NOISY, 1, UPGRADE):
                    code = await client.closed()
    assert code == 1008
    await in_thread(poll, "all places are free", lambda: not held_connections(bounded))


# --- file descriptors ----------------------------------------------------------------------------


def count_open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_health_is_told_while_idle_connections_hold_all_descriptors(bounded: Server) -> None:
    pid = bounded.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = await trio.to_thread.run_sync(count_open_files, pid)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 12, hard))
    try:
        with trio.fail_after(LIMIT_S), holding(bounded, NOISY, 100, IDLE):
            for _ in range(3):
                await in_thread(check_health, bounded)
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    await check_session(bounded)


def test_the_soft_limit_is_raised_at_the_start_as_far_as_the_settings_need_it(tmp_path: Path) -> None:
    need_models()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with running_server(tmp_path, SMALL) as server:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            raised, _ = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
            log = server.log()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert raised > 1_100
    assert "max_http_connections is" not in log
