"""The queue of frames, without a socket."""

import pytest
import trio
import trio.testing
from trio.testing import MockClock
from websockets.frames import Frame, Opcode

from backends.ingress.websocket_writer import Outbox, Writer, payload_bytes


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_the_payload_of_a_frame_is_measured_without_its_header(size: int) -> None:
    assert payload_bytes(frame(Opcode.BINARY, b"x" * size)) == size


def test_frames_leave_in_the_order_in_which_they_came() -> None:
    outbox = Outbox(1_000)
    frames = [frame(Opcode.TEXT, b"1"), frame(Opcode.BINARY, b"2"), frame(Opcode.TEXT, b"3")]
    for data in frames:
        outbox.put(data)
    assert outbox.take() == b"".join(frames)
    assert outbox.take() == b""


def test_what_was_taken_counts_until_it_has_left() -> None:
    outbox = Outbox(100)
    outbox.put(b"x" * 100)
    assert not outbox.has_room(1)
    outbox.take()
    assert not outbox.has_room(1)
    outbox.sent()
    assert outbox.has_room(100)


def test_one_message_of_any_size_may_wait_alone() -> None:
    outbox = Outbox(100)
    assert outbox.has_room(1_000_000)
    outbox.put(b"x")
    assert not outbox.has_room(100)


def test_only_speech_is_dropped_whatever_its_frames_are() -> None:
    outbox = Outbox(1_000)
    kept = [
        frame(Opcode.TEXT, b"text"),
        frame(Opcode.PING, b""),
        frame(Opcode.CLOSE, b"\x03\xe8"),
        frame(Opcode.BINARY, b"no speech"),
        b"HTTP/1.1 101 \r\n",
    ]
    for data in kept:
        outbox.put(data)
        outbox.put(frame(Opcode.BINARY, b"123"), is_speech=True)
        outbox.put(frame(Opcode.TEXT, b"45"), is_speech=True)
    assert outbox.drop_speech() == 25
    assert outbox.pending_bytes == sum(map(len, kept))
    assert outbox.take() == b"".join(kept)


def test_a_later_pong_replaces_one_that_waits() -> None:
    outbox = Outbox(1_000)
    outbox.put(frame(Opcode.PONG, b"1"))
    outbox.put(frame(Opcode.PONG, b"2"))
    assert outbox.take() == frame(Opcode.PONG, b"2")
    assert outbox.take() == b""


async def test_the_writer_ends_the_stream_when_all_is_sent(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    writer = Writer(ours, limit_bytes=100, send_timeout_s=1)
    writer.put(b"all")
    writer.put(b"")
    await writer.run()
    assert writer.done.is_set()
    assert await theirs.receive_some() == b"all"
    assert await theirs.receive_some() == b""


async def test_dropping_makes_room_for_waiting_senders(autojump_clock: MockClock) -> None:
    ours, _ = trio.testing.memory_stream_pair()
    writer = Writer(ours, limit_bytes=100, send_timeout_s=1)
    writer.put(frame(Opcode.BINARY, b"x" * 90), is_speech=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.wait_room, 50)
        await trio.testing.wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        writer.drop_speech()


async def test_no_sender_waits_for_room_in_a_socket_that_closes(autojump_clock: MockClock) -> None:
    ours, _ = trio.testing.memory_stream_pair()
    writer = Writer(ours, limit_bytes=100, send_timeout_s=1)
    writer.put(b"x" * 100)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.wait_room, 50)
        await trio.testing.wait_all_tasks_blocked()
        writer.give_up_waiting()
