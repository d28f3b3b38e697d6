from functools import partial

import pytest
import trio
from trio_websocket import WebSocketRequest, serve_websocket

from cli.client import Event, Opening, accepted, connect, is_address, parse
from sayso_client import ClientError
from tests.cli.scripted_server import Client, scripted_server


async def test_a_client_introduces_itself_and_is_accepted(nursery: trio.Nursery) -> None:
    seen = []

    async def script(client: Client) -> None:
        seen.append(await client.accept())

    url = await scripted_server(nursery, script)
    async with connect(url, Opening(sample_rate=44_100)) as (_, first):
        assert first.type == "connection_accepted"
    assert seen == [
        {
            "client_id": "sayso-say",
            "capabilities": ["stt", "llm", "tools", "tts"],
            "audio": {"format": "pcm_s16le", "sample_rate": 44_100, "channels": 1},
        }
    ]


async def test_events_and_audio_go_both_ways(nursery: trio.Nursery) -> None:
    async def script(client: Client) -> None:
        await client.accept()
        assert await client.receive() == {"type": "text", "data": {"text": "hello"}}
        assert await client.receive() == b"\x01\x02"
        await client.send("reply", turn_id="t1", text="hi")
        await client.socket.send_message(b"\x03\x04")

    url = await scripted_server(nursery, script)
    async with connect(url, Opening()) as (talk, _):
        await talk.send("text", text="hello")
        await talk.send_audio(b"\x01\x02")
        reply = await talk.receive()
        assert isinstance(reply, Event)
        assert (reply.type, reply.data) == ("reply", {"turn_id": "t1", "text": "hi"})
        assert await talk.receive() == b"\x03\x04"


async def expect_failure(url: str, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        async with connect(url, Opening()):
            pass


async def test_a_server_that_is_not_there_is_answered_with_how_to_start_one() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    await expect_failure(f"ws://127.0.0.1:{port}/ws", r"no server at .*: start one with `sayso serve`")


async def test_a_refusal_says_why_and_when_to_come_back(nursery: trio.Nursery) -> None:
    async def script(client: Client) -> None:
        await client.receive()
        await client.send("connection_refused", reason="no capacity", retry_after_ms=2_500)

    url = await scripted_server(nursery, script)
    await expect_failure(url, r"the server refused: no capacity; try again in 2\.5 s")


async def test_a_rejected_handshake_says_status_and_reason(nursery: trio.Nursery) -> None:
    async def handle(request: WebSocketRequest) -> None:
        await request.reject(503, extra_headers=[(b"retry-after", b"5")], body=b"the server is full")

    server = await nursery.start(serve_websocket, handle, "127.0.0.1", 0, None)
    url = f"ws://127.0.0.1:{server.port}/ws"
    await expect_failure(url, "refused the connection: 503 the server is full; try again in 5 s")


async def test_a_server_that_dies_in_a_turn_is_noticed(nursery: trio.Nursery) -> None:
    async def script(client: Client) -> None:
        await client.accept()
        await client.receive()
        await client.socket.aclose(1011, "the session failed")

    url = await scripted_server(nursery, script)
    async with connect(url, Opening()) as (talk, _):
        await talk.send("text", text="hello")
        with pytest.raises(ClientError, match="the server closed the connection: 1011 the session failed"):
            await talk.receive()
        with pytest.raises(ClientError, match="closed"):
            await talk.send("text", text="again")


async def test_a_server_that_accepts_and_says_nothing_is_given_up(
    nursery: trio.Nursery, patient_clock: trio.testing.MockClock
) -> None:
    async def script(client: Client) -> None:
        await client.receive()

    url = await scripted_server(nursery, script)
    await expect_failure(url, "does not answer")
    assert patient_clock.current_time() >= 5


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
async def test_what_speaks_no_websocket_is_no_server(
    nursery: trio.Nursery, answer: bytes, patient_clock: trio.testing.MockClock
) -> None:
    async def handle(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        await stream.aclose()

    (listener,) = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
    url = f"ws://127.0.0.1:{listener.socket.getsockname()[1]}/ws"
    await expect_failure(url, "did not take a WebSocket|refused the connection: 200")
    assert patient_clock.current_time() < 10


async def test_a_server_without_tls_is_no_wss_server(nursery: trio.Nursery) -> None:
    async def handle(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await stream.aclose()

    (listener,) = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
    await expect_failure(f"wss://127.0.0.1:{listener.socket.getsockname()[1]}/ws", r"no safe connection to wss.*SSL")


@pytest.mark.parametrize("frame", ["", "[]", "{}", '{"type": "x"}', "nonsense"])
def test_a_frame_that_is_no_event_is_an_error_in_words(frame: str) -> None:
    with pytest.raises(ClientError, match="no event"):
        parse(frame)


def test_only_accepted_opens_a_conversation() -> None:
    with pytest.raises(ClientError, match="but sent status"):
        accepted(parse('{"type": "status", "data": {}}'))
    with pytest.raises(ClientError, match="too many errors"):
        accepted(parse('{"type": "error", "data": {"message": "too many errors"}}'))
    with pytest.raises(ClientError, match="audio before"):
        accepted(b"\x00\x00")


@pytest.mark.parametrize(
    "url", ["", "http://127.0.0.1/ws", "ws://", "ws://:80/ws", "ws://host:abc/ws", "ws://host:0/ws", "127.0.0.1:8000"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert not is_address(url)


async def test_a_bad_address_is_answered_with_a_good_one() -> None:
    await expect_failure("http://127.0.0.1:8000", "must be like ws://127.0.0.1:8000/ws")
