"""One WebSocket over memory streams: its reader, its closing, its deadlines."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from trio.testing import MockClock
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from backends.ingress.websocket import Liveness, TrioWebSocket, shortened
from protocol.messages.socket import SocketClosed
from tests.backends.ingress.ingress_fixtures import CLIENT, FrameClient, websocket_settings


@attrs.frozen
class Pair:
    socket: TrioWebSocket
    client: FrameClient
    tasks: trio.CancelScope


@asynccontextmanager
async def connected(*, lockstep: bool = False, greeting: bytes = b"", **changes: Any) -> AsyncIterator[Pair]:
    """Run a socket; with ``lockstep`` a byte leaves only when the client reads it."""
    make = trio.testing.lockstep_stream_pair if lockstep else trio.testing.memory_stream_pair
    ours, theirs = make()
    settings = websocket_settings(**changes)
    protocol = ServerProtocol(state=State.OPEN, max_size=settings.max_message_bytes)
    socket = TrioWebSocket(ours, protocol, settings, identity=CLIENT, greeting=greeting)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(socket.run)
        yield Pair(socket, FrameClient(theirs), nursery.cancel_scope)
        nursery.cancel_scope.cancel()


# --- messages ------------------------------------------------------------------------------------


async def test_messages_arrive_whole_in_order_and_of_their_kind(autojump_clock: MockClock) -> None:
    async with connected() as pair:
        await pair.client.send("grüße")
        await pair.client.send(b"\x00\xff")
        assert await pair.socket.receive() == "grüße"
        assert await pair.socket.receive() == b"\x00\xff"
        await pair.socket.send_speech(b"abc")
        await pair.socket.send("é")
        assert await pair.client.frame() == Frame(Opcode.BINARY, b"abc")
        assert await pair.client.frame() == Frame(Opcode.TEXT, "é".encode())


async def test_fragments_make_one_message_though_a_ping_comes_between(autojump_clock: MockClock) -> None:
    async with connected() as pair:
        start, end = "aé".encode()[:2], "aé".encode()[2:]  # a character is cut in two
        await pair.client.send_frame(Opcode.TEXT, start, fin=False)
        await pair.client.send_frame(Opcode.PING, b"are you there")
        await pair.client.send_frame(Opcode.CONT, b"", fin=False)
        await pair.client.send_frame(Opcode.CONT, end)
        assert await pair.socket.receive() == "aé"
        assert await pair.client.frame() == Frame(Opcode.PONG, b"are you there")


async def test_bytes_one_at_a_time_make_the_same_message(autojump_clock: MockClock) -> None:
    async with connected() as pair, trio.open_nursery() as nursery:
        data = Frame(Opcode.BINARY, b"x" * 300).serialize(mask=True)

        async def dribble() -> None:
            for byte in data:
                await pair.client.stream.send_all(bytes([byte]))

        nursery.start_soon(dribble)
        assert await pair.socket.receive() == b"x" * 300


async def test_what_was_read_with_the_handshake_is_received_first(autojump_clock: MockClock) -> None:
    ours, _ = trio.testing.memory_stream_pair()
    received = Frame(Opcode.TEXT, b"early").serialize(mask=True)
    protocol = ServerProtocol(state=State.OPEN)
    socket = TrioWebSocket(ours, protocol, websocket_settings(), identity=CLIENT, received=received)
    assert await socket.receive() == "early"


# --- bad input -----------------------------------------------------------------------------------


async def test_a_message_over_the_limit_closes_1009_before_it_has_arrived(
    autojump_clock: MockClock,
) -> None:
    async with connected(max_message_bytes=2_000) as pair:
        header = Frame(Opcode.BINARY, b"x" * 20_000_000).serialize(mask=True)[:14]
        await pair.client.stream.send_all(header)
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.receive()
        assert closed.value.code == 1009
        assert await pair.client.close_code() == 1009


async def test_fragments_that_add_up_to_more_than_the_limit_close_1009(autojump_clock: MockClock) -> None:
    async with connected(max_message_bytes=2_000) as pair:
        await pair.client.send_frame(Opcode.BINARY, b"x" * 1_500, fin=False)
        await pair.client.send_frame(Opcode.CONT, b"x" * 501)
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.receive()
        assert closed.value.code == 1009


async def test_a_message_in_too_many_fragments_closes_1009_in_words(autojump_clock: MockClock) -> None:
    async with connected() as pair:
        fragment = Frame(Opcode.CONT, b"", fin=False).serialize(mask=True)
        start = Frame(Opcode.TEXT, b"", fin=False).serialize(mask=True)
        await pair.client.stream.send_all(start + fragment * 100_000)
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.receive()
        assert (closed.value.code, closed.value.reason) == (1009, "a message must have at most 4096 fragments")
        assert await pair.client.close_code() == 1009


async def test_what_came_before_a_bad_frame_is_still_received(autojump_clock: MockClock) -> None:
    async with connected(max_message_bytes=2_000) as pair:
        good, bad = Frame(Opcode.TEXT, b"good"), Frame(Opcode.TEXT, b"x" * 3_000)
        await pair.client.stream.send_all(good.serialize(mask=True) + bad.serialize(mask=True))
        assert await pair.socket.receive() == "good"
        with pytest.raises(SocketClosed):
            await pair.socket.receive()


@pytest.mark.parametrize("fragments", [[b"\xff\xfe"], [b"ok", b"\xc3"], [b"\xed\xa0\x80"]])
async def test_text_that_is_not_utf8_closes_1007(autojump_clock: MockClock, fragments: list[bytes]) -> None:
    async with connected() as pair:
        for index, data in enumerate(fragments):
            opcode = Opcode.CONT if index else Opcode.TEXT
            await pair.client.send_frame(opcode, data, fin=index == len(fragments) - 1)
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.receive()
        assert closed.value.code == 1007
        assert await pair.client.close_code() == 1007


@pytest.mark.parametrize(
    "data",
    [
        Frame(Opcode.TEXT, b"unmasked").serialize(mask=False),
        b"\x83\x80\x00\x00\x00\x00",  # opcode 3 is reserved
        b"\xc2\x80\x00\x00\x00\x00",  # RSV1 without deflate
        b"\x80\x8a\x00\x00\x00\x00of nothing",  # a continuation; the mask is drawn no more than the name of the test
        b"\x09\x80\x00\x00\x00\x00",  # a fragmented ping
    ],
)
async def test_frames_against_the_protocol_close_1002(autojump_clock: MockClock, data: bytes) -> None:
    async with connected() as pair:
        await pair.client.stream.send_all(data)
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.receive()
        assert closed.value.code == 1002
        assert await pair.client.close_code() == 1002
        assert await pair.socket.wait_closed() == 1002


# --- sending -------------------------------------------------------------------------------------


async def test_a_sender_waits_while_the_queue_is_full_and_goes_on_when_the_client_reads(
    autojump_clock: MockClock,
) -> None:
    async with connected(lockstep=True, send_buffer_bytes=1_024) as pair, trio.open_nursery() as nursery:
        await pair.socket.send_speech(b"a" * 1_000)
        nursery.start_soon(pair.socket.send_speech, b"b" * 1_000)
        await trio.testing.wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        assert await pair.client.frame() == Frame(Opcode.BINARY, b"a" * 1_000)
        assert await pair.client.frame() == Frame(Opcode.BINARY, b"b" * 1_000)


async def test_a_message_larger_than_the_queue_goes_alone(autojump_clock: MockClock) -> None:
    async with connected(send_buffer_bytes=1_024) as pair:
        await pair.socket.send_speech(b"x" * 100_000)
        assert await pair.client.frame() == Frame(Opcode.BINARY, b"x" * 100_000)


async def test_senders_that_waited_are_served_in_their_order(autojump_clock: MockClock) -> None:
    async with connected(lockstep=True, send_buffer_bytes=1_024) as pair, trio.open_nursery() as nursery:
        await pair.socket.send_speech(b"0" * 1_000)
        for digit in (b"1", b"2", b"3"):
            nursery.start_soon(pair.socket.send_speech, digit * 1_000)
            await trio.testing.wait_all_tasks_blocked()
        order = [(await pair.client.payload())[:1] for _ in range(4)]
        assert order == [b"0", b"1", b"2", b"3"]


async def test_cancelling_a_sender_tears_no_frame(autojump_clock: MockClock) -> None:
    async with connected(lockstep=True, send_buffer_bytes=1_024) as pair:
        await pair.socket.send_speech(b"a" * 50_000)
        await trio.testing.wait_all_tasks_blocked()  # the writer is in the middle of it
        with trio.move_on_after(1) as waiting:
            await pair.socket.send_speech(b"never")
        assert waiting.cancelled_caught
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pair.socket.send, "after")
            assert await pair.client.frame() == Frame(Opcode.BINARY, b"a" * 50_000)
            assert await pair.client.frame() == Frame(Opcode.TEXT, b"after")


async def test_barge_in_drops_queued_audio_and_keeps_text(autojump_clock: MockClock) -> None:
    async with connected(lockstep=True) as pair:
        await pair.socket.send_speech(b"a" * 100)
        await trio.testing.wait_all_tasks_blocked()  # on its way: cannot be taken back
        await pair.socket.send_speech(b"b" * 200)
        await pair.socket.send("kept")
        await pair.socket.send_speech(b"c" * 300)
        assert pair.socket.drop_speech() == 500
        assert pair.socket.drop_speech() == 0
        assert await pair.client.frame() == Frame(Opcode.BINARY, b"a" * 100)
        assert await pair.client.frame() == Frame(Opcode.TEXT, b"kept")


async def test_a_client_that_stops_reading_is_closed_at_the_send_deadline(
    autojump_clock: MockClock,
) -> None:
    async with connected(lockstep=True, send_timeout_s=5) as pair:
        await pair.socket.send("never read")
        before = trio.current_time()
        assert await pair.socket.wait_closed() == 1006
        assert trio.current_time() - before == pytest.approx(5)
        with pytest.raises(SocketClosed):
            await pair.socket.send("too late")


async def test_a_reader_and_a_waiting_sender_learn_that_the_client_stopped_reading(
    autojump_clock: MockClock,
) -> None:
    async with connected(lockstep=True, send_timeout_s=5, send_buffer_bytes=1_024) as pair:
        ended = []

        async def expect_closed(function: Callable[..., Awaitable[object]], *args: object) -> None:
            with pytest.raises(SocketClosed) as closed:
                await function(*args)
            ended.append((function.__name__, closed.value.code, closed.value.reason))

        await pair.socket.send_speech(b"x" * 1_024)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect_closed, pair.socket.receive)
            nursery.start_soon(expect_closed, pair.socket.send_speech, b"waits")
        reason = "nothing was read for 5 s"
        assert sorted(ended) == [("receive", 1006, reason), ("send_speech", 1006, reason)]


async def test_a_client_that_pings_and_never_reads_has_one_pong_waiting(autojump_clock: MockClock) -> None:
    async with connected(lockstep=True) as pair, trio.open_nursery() as nursery:
        nursery.start_soon(pair.socket.receive)
        for number in range(200):
            await pair.client.send_frame(Opcode.PING, b"%03d" % number + b"x" * 100)
        await trio.testing.wait_all_tasks_blocked()
        assert pair.socket._writer.pending_bytes < 500
        assert (await pair.client.payload()).startswith(b"000")
        assert (await pair.client.payload()).startswith(b"199")
        nursery.cancel_scope.cancel()


# --- closing -------------------------------------------------------------------------------------


async def test_the_peers_close_is_answered_and_ends_the_socket(autojump_clock: MockClock) -> None:
    async with connected() as pair:
        pair.client.protocol.send_close(1001, "going home")
        await pair.client.flush()
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.receive()
        assert (closed.value.code, closed.value.reason) == (1001, "going home")
        assert closed.value.is_from_peer
        assert await pair.client.close_code() == 1001
        await pair.client.stream.aclose()
        assert await pair.socket.wait_closed() == 1001


async def test_a_close_without_a_code_is_1005(autojump_clock: MockClock) -> None:
    async with connected() as pair:
        await pair.client.send_frame(Opcode.CLOSE, b"")
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.receive()
        assert closed.value.code == 1005
        assert closed.value.is_from_peer


async def test_a_connection_that_just_ends_is_1006(autojump_clock: MockClock) -> None:
    async with connected() as pair:
        await pair.client.stream.aclose()
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.receive()
        assert closed.value.code == 1006
        assert not closed.value.is_from_peer
        assert await pair.socket.wait_closed() == 1006


async def test_our_close_frame_goes_behind_what_is_queued(autojump_clock: MockClock) -> None:
    async with connected() as pair:
        await pair.socket.send("last words")
        pair.socket.start_close(4008, "idle")
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.send("more")
        assert (closed.value.code, closed.value.is_from_peer) == (4008, False)
        assert await pair.client.frame() == Frame(Opcode.TEXT, b"last words")
        assert await pair.client.frame() == Frame(Opcode.CLOSE, b"\x0f\xa8idle")  # 4008
        await pair.client.stream.aclose()
        assert await pair.socket.wait_closed() == 4008


async def test_our_close_ends_a_receive_that_waits_and_forgets_what_came(
    autojump_clock: MockClock,
) -> None:
    async with connected() as pair, trio.open_nursery() as nursery:
        codes = []

        async def read() -> None:
            with pytest.raises(SocketClosed) as closed:
                await pair.socket.receive()
            codes.append(closed.value.code)

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        pair.socket.start_close(1012, "restart")
        await trio.testing.wait_all_tasks_blocked()
        assert codes == [1012]


async def test_a_second_close_changes_nothing(autojump_clock: MockClock) -> None:
    async with connected() as pair:
        pair.socket.start_close(1012, "restart")
        pair.socket.start_close(1011, "bug")
        assert await pair.client.close_code() == 1012


async def test_a_close_that_is_not_answered_ends_after_the_close_timeout(
    autojump_clock: MockClock,
) -> None:
    async with connected(close_timeout_s=7) as pair:
        pair.socket.start_close(1000, "")
        before = trio.current_time()
        assert await pair.socket.wait_closed() == 1000
        assert trio.current_time() - before == pytest.approx(7)


async def test_a_close_with_a_timeout_of_its_own_sends_its_frame_and_waits_no_longer(
    autojump_clock: MockClock,
) -> None:
    async with connected(close_timeout_s=7) as pair:
        pair.socket.start_close(1008, "silent", timeout_s=0.2)
        before = trio.current_time()
        assert await pair.socket.wait_closed() == 1008
        assert trio.current_time() - before == pytest.approx(0.2)
        assert await pair.client.stream.receive_some() == Frame(Opcode.CLOSE, b"\x03\xf0silent").serialize(mask=False)


async def test_a_client_that_talks_on_while_we_close_is_cut_at_the_close_timeout(
    autojump_clock: MockClock,
) -> None:
    async with connected(close_timeout_s=7) as pair, trio.open_nursery() as nursery:

        async def talk() -> None:
            while True:
                await pair.client.send(b"x" * 100)
                await trio.sleep(1)

        nursery.start_soon(talk)
        before = trio.current_time()
        pair.socket.start_close(1000, "")
        await pair.socket.wait_closed()
        assert trio.current_time() - before == pytest.approx(7)
        nursery.cancel_scope.cancel()


async def test_a_client_that_broke_the_protocol_is_given_a_few_seconds_at_most(
    autojump_clock: MockClock,
) -> None:
    async with connected(close_timeout_s=60) as pair:
        await pair.client.send_frame(Opcode.TEXT, b"\xff")
        before = trio.current_time()
        with pytest.raises(SocketClosed):
            await pair.socket.receive()
        await pair.socket.wait_closed()
        assert trio.current_time() - before == pytest.approx(5)


async def test_cancelling_the_socket_closes_the_stream_and_wakes_all(
    autojump_clock: MockClock,
) -> None:
    async with connected() as pair:
        pair.tasks.cancel()
        with trio.CancelScope(shield=True), trio.fail_after(1):
            assert await pair.socket.wait_closed() == 1006
            with pytest.raises(SocketClosed):
                await pair.socket.receive()
            assert await pair.client.stream.receive_some() == b""


async def test_receiving_from_a_closed_socket_still_yields_to_the_loop(autojump_clock: MockClock) -> None:
    async with connected() as pair:
        pair.socket.start_close(1000, "")
        with trio.testing.assert_checkpoints(), pytest.raises(SocketClosed):
            await pair.socket.receive()


@pytest.mark.parametrize(("reason", "expected"), [("short", "short"), ("é" * 100, "é" * 61), ("x" * 200, "x" * 123)])
def test_a_close_reason_is_cut_to_what_a_frame_carries(reason: str, expected: str) -> None:
    assert shortened(reason) == expected


# --- the peer's silence --------------------------------------------------------------------------


async def test_a_half_open_connection_ends_at_the_pong_deadline(autojump_clock: MockClock) -> None:
    async with connected(ping_interval_s=30, pong_timeout_s=20) as pair:
        before = trio.current_time()
        with pytest.raises(SocketClosed) as closed:
            await pair.socket.receive()
        assert closed.value.code == 1006
        assert closed.value.reason == "no pong within 20 s"
        assert trio.current_time() - before == pytest.approx(50)


async def answer_pings(client: FrameClient) -> None:
    while await client.frame() is not None:
        pass


async def test_a_client_that_answers_pings_stays(autojump_clock: MockClock) -> None:
    async with connected(ping_interval_s=30, pong_timeout_s=20) as pair, trio.open_nursery() as nursery:
        nursery.start_soon(answer_pings, pair.client)
        with trio.move_on_after(1_000) as waiting:
            await pair.socket.receive()
        assert waiting.cancelled_caught
        nursery.cancel_scope.cancel()


async def test_a_client_is_not_given_up_while_the_server_does_not_read(autojump_clock: MockClock) -> None:
    async with connected(ping_interval_s=30, pong_timeout_s=20) as pair, trio.open_nursery() as nursery:
        nursery.start_soon(answer_pings, pair.client)
        await trio.sleep(500)  # the session is busy
        await pair.client.send("still here")
        assert await pair.socket.receive() == "still here"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("heard_at", "listening_since", "now", "left_s"),
    [
        (101, 90, 105, None),  # heard after the ping at 100
        (99, 90, 105, 15),
        (99, 104, 105, 19),  # listening only since 104
        (99, 90, 120, 0),
        (99, math.inf, 500, 20),  # the server does not read
    ],
)
def test_silence_counts_from_the_ping_and_only_while_the_server_reads(
    heard_at: float, listening_since: float, now: float, left_s: float | None
) -> None:
    assert Liveness(heard_at, listening_since).silence_left_s(100, now, timeout_s=20) == left_s
