from functools import partial

import anyio
import pytest
import trio
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from sayso_client import BadAddress, Endpoint, LineLost, NoServer, ServerRefused, WebSocket
from sayso_client.websocket import address_at
from tests.sayso_client.memory_server import URL, Line, MemoryServer


async def opened(server: MemoryServer, subprotocols: tuple[str, ...] = ()) -> tuple[WebSocket, Line]:
    lines = []

    async def upgrade() -> None:
        lines.append(await server.line())
        await lines[0].upgrade()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(upgrade)
        socket = await Endpoint(URL, subprotocols=subprotocols, open_stream=server.open_stream).open()
    return socket, lines[0]


async def test_text_and_audio_go_both_ways() -> None:
    socket, line = await opened(MemoryServer())
    async with socket:
        await socket.send('{"type": "ping", "data": {}}')
        await socket.send(b"\1\2")
        assert await line.receive() == ("ping", {})
        assert await line.receive() == b"\1\2"
        await line.send_raw("hi")
        await line.send_raw(b"\3")
        assert [await socket.receive(), await socket.receive()] == ["hi", b"\3"]
        assert socket.is_open
        await line.close(1000)
    assert not socket.is_open
    assert socket.close_code == 1000


async def test_a_server_that_closes_at_once_is_heard_to_its_end() -> None:
    server = MemoryServer()

    async def serve() -> None:
        line = await server.line()
        line.request = await line._next_request()
        line._protocol.send_response(line._protocol.accept(line.request))
        line._protocol.send_text(b"full")
        await line.close(1013)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        socket = await Endpoint(URL, open_stream=server.open_stream).open()
    assert await socket.receive() == "full"
    with pytest.raises(LineLost, match="1013"):
        await socket.receive()


async def test_a_message_in_fragments_is_one_message() -> None:
    socket, line = await opened(MemoryServer())
    line._protocol.send_text(b"one ", fin=False)
    line._protocol.send_continuation(b"mess", fin=False)
    line._protocol.send_continuation(b"age", fin=True)
    await line._flush()
    assert await socket.receive() == "one message"


async def test_a_ping_is_answered_by_the_receiving_task() -> None:
    socket, line = await opened(MemoryServer())
    line._protocol.send_ping(b"there?")
    await line._flush()
    await line.send_raw("hi")
    await socket.receive()
    line._protocol.receive_data(await line._stream.receive())
    (pong,) = line._protocol.events_received()
    assert isinstance(pong, Frame)
    assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"there?")


async def test_a_close_of_the_server_comes_behind_what_it_sent() -> None:
    socket, line = await opened(MemoryServer())
    await line.send_raw("last words")
    await line.close(1012, "update")
    assert await socket.receive() == "last words"
    with pytest.raises(LineLost, match="the server closed the connection: 1012 update") as caught:
        await socket.receive()
    assert caught.value.code == socket.close_code == 1012
    with pytest.raises(LineLost, match="1012"):
        await socket.send("too late")


async def test_a_send_that_fails_says_why_the_server_closed() -> None:
    socket, line = await opened(MemoryServer())
    await line.send_raw("last words")
    await line.close(4090, "taken over")
    await line._stream.aclose()
    with pytest.raises(LineLost, match="4090 taken over"):
        await socket.send("hello")
    assert socket.take_waiting() == ["last words"]
    assert not socket.is_open


async def test_a_send_that_fails_leaves_the_reading_to_the_receiving_task(
    autojump_clock: trio.testing.MockClock,
) -> None:
    socket, line = await opened(MemoryServer(capacity=1))

    async def receive() -> None:
        with pytest.raises(LineLost, match="4090"):
            await socket.receive()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        line._stream._incoming.close()
        tasks.start_soon(line.close, 4090)
        with pytest.raises(LineLost, match="4090"):
            await socket.send("hello")


async def test_a_line_without_a_close_frame_was_lost() -> None:
    socket, line = await opened(MemoryServer())
    await line.cut()
    with pytest.raises(LineLost, match="lost") as caught:
        await socket.receive()
    assert caught.value.code == socket.close_code == 1006


async def test_a_server_that_says_no_goodbye_is_left_without(autojump_clock: trio.testing.MockClock) -> None:
    socket, _ = await opened(MemoryServer())
    await socket.close()
    assert not socket.is_open
    assert trio.current_time() == pytest.approx(3.0)


async def test_a_block_that_fails_closes_at_once() -> None:
    socket, line = await opened(MemoryServer())

    async def fail() -> None:
        async with socket:
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    with pytest.raises(anyio.EndOfStream):
        await line.receive()


async def test_a_subprotocol_is_offered() -> None:
    server = MemoryServer()
    lines = []

    async def upgrade() -> None:
        lines.append(await server.line())
        lines[0]._protocol.available_subprotocols = [Subprotocol("sayso.v1")]
        await lines[0].upgrade()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(upgrade)
        socket = await Endpoint(URL, subprotocols=("sayso.v1",), open_stream=server.open_stream).open()
    assert lines[0].request.headers["Sec-WebSocket-Protocol"] == "sayso.v1"
    assert socket.subprotocol == "sayso.v1"


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 101 Nothing\r\nContent-Length: 0\r\n\r\n"]
)
async def test_what_speaks_no_websocket_is_no_server(answer: bytes) -> None:
    server = MemoryServer()

    async def serve() -> None:
        stream = (await server.line())._stream
        await stream.receive()
        if answer:
            await stream.send(answer)
        await stream.aclose()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        with pytest.raises(NoServer):
            await Endpoint(URL, open_stream=server.open_stream).open()


async def test_an_answer_with_another_status_is_a_refusal() -> None:
    server = MemoryServer()

    async def serve() -> None:
        await (await server.line()).reject(403, "this page is not listed")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        with pytest.raises(ServerRefused, match="403 this page is not listed") as caught:
            await Endpoint(URL, open_stream=server.open_stream).open()
    assert caught.value.status == 403
    assert caught.value.retry_after_s is None


async def test_a_server_that_does_not_answer_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(NoServer, match="within 10 s"):
        await Endpoint(URL, open_stream=MemoryServer().open_stream).open()


@pytest.mark.parametrize(
    ("url", "replica", "asked"),
    [
        ("ws://voice.example/ws", None, "ws://voice.example/ws"),
        ("ws://voice.example/ws", "one", "ws://voice.example/ws?at=one"),
        ("ws://voice.example/ws?x=1", "a b/&", "ws://voice.example/ws?x=1&at=a%20b%2F%26"),
    ],
)
def test_the_replica_that_is_wanted_stands_in_the_address(url: str, replica: str | None, asked: str) -> None:
    assert address_at(url, replica) == asked


@pytest.mark.parametrize(
    "url", ["", "http://127.0.0.1/ws", "ws://", "ws://:80/ws", "ws://host:abc/ws", "ws://host:0/ws", "127.0.0.1:8000"]
)
async def test_a_bad_address_is_answered_with_a_good_one(url: str) -> None:
    with pytest.raises(BadAddress, match="must be like ws://127"):
        await Endpoint(url).open()


async def test_a_port_without_a_listener_is_no_server() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    with pytest.raises(NoServer, match=rf"no server at 127\.0\.0\.1:{port} \(.*refused"):
        await Endpoint(f"ws://127.0.0.1:{port}/ws").open()


async def test_a_server_without_tls_is_no_wss_server(nursery: trio.Nursery) -> None:
    async def handle(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await stream.aclose()

    (listener,) = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
    with pytest.raises(NoServer, match="no safe connection to 127"):
        await Endpoint(f"wss://127.0.0.1:{listener.socket.getsockname()[1]}/ws").open()
