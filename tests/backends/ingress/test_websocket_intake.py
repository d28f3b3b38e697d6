"""Pieces and fragments, alone and in a socket that is flooded."""

from contextlib import suppress
from itertools import pairwise

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from backends.ingress.websocket import TrioWebSocket
from backends.ingress.websocket_intake import (
    FRAME_BYTES,
    MAX_FRAGMENTS,
    PIECE_BYTES,
    PLAIN_MAX,
    Assembler,
    FrameBoundary,
    Intake,
    plain_messages,
)
from protocol.messages.socket import SocketClosed
from tests.backends.ingress.ingress_fixtures import CLIENT, websocket_settings


@given(st.text(), st.lists(st.integers(min_value=0, max_value=50)))
def test_text_survives_any_fragmentation(text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in pairwise(edges)] or [b""]
    assembler = Assembler()
    for index, piece in enumerate(pieces):
        opcode = Opcode.CONT if index else Opcode.TEXT
        message = assembler.add(Frame(opcode, piece, index == len(pieces) - 1))
        assert (message is None) == (index < len(pieces) - 1)
    assert message == text


@given(st.binary(max_size=5 * PIECE_BYTES))
def test_pieces_are_small_and_make_up_what_was_read(data: bytes) -> None:
    intake = Intake()
    intake.add(data)
    assert b"".join(intake.pieces) == data
    assert all(len(piece) <= PIECE_BYTES for piece in intake.pieces)
    assert intake.pieces, "an empty one is the end of the stream"


# --- floods of frames ----------------------------------------------------------------------------


class CountingProtocol(ServerProtocol):
    frames = 0

    def recv_frame(self, frame: Frame) -> None:
        self.frames += 1
        super().recv_frame(frame)


class Turns(trio.abc.Instrument):
    """Notes how many frames have been handled whenever a task lets others run."""

    def __init__(self, protocol: CountingProtocol) -> None:
        self._protocol = protocol
        self.frames = [0]

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.frames.append(self._protocol.frames)


FLOODS = {
    "empty messages": Frame(Opcode.BINARY, b""),
    "messages of a byte": Frame(Opcode.BINARY, b"x"),
    "pings": Frame(Opcode.PING, b""),
    "pongs": Frame(Opcode.PONG, b""),
}


async def most_frames_in_one_turn(data: bytes, *, is_closing: bool, as_received: bool) -> tuple[int, int]:
    """Return how many frames were handled in the longest turn of the loop, and in all."""
    ours, theirs = trio.testing.memory_stream_pair()
    protocol = CountingProtocol(state=State.OPEN)
    received = data if as_received else b""
    socket = TrioWebSocket(ours, protocol, websocket_settings(), identity=CLIENT, received=received)
    turns = Turns(protocol)
    trio.lowlevel.add_instrument(turns)

    async def receive_all() -> None:
        with suppress(SocketClosed):
            while True:
                await socket.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(socket.run)
        if is_closing:
            socket.start_close(1000, "")
        else:
            nursery.start_soon(receive_all)
        if not as_received:
            await theirs.send_all(data)
        await theirs.send_eof()
        await socket.wait_closed()
        nursery.cancel_scope.cancel()
    return max(after - before for before, after in pairwise(turns.frames)), protocol.frames


@pytest.mark.parametrize("kind", FLOODS)
@pytest.mark.parametrize("is_closing", [False, True])
@pytest.mark.parametrize("as_received", [False, True])
async def test_a_flood_of_frames_lets_the_others_have_their_turn(
    kind: str, is_closing: bool, as_received: bool
) -> None:
    data = FLOODS[kind].serialize(mask=True) * 8_000
    most, handled = await most_frames_in_one_turn(data, is_closing=is_closing, as_received=as_received)
    assert handled == 8_000
    assert most <= 600  # FRAMES_AT_ONCE, and a piece of empty frames


def test_fragments_are_counted_anew_for_every_message() -> None:
    assembler = Assembler()
    for _ in range(3):
        assert assembler.add(Frame(Opcode.BINARY, b"a", fin=False)) is None
        for _ in range(MAX_FRAGMENTS - 2):
            assert assembler.add(Frame(Opcode.CONT, b"", fin=False)) is None
        assert assembler.add(Frame(Opcode.PING, b"")) is None
        assert assembler.add(Frame(Opcode.CONT, b"z")) == b"az"


def test_what_was_inflated_counts_like_so_many_small_frames() -> None:
    intake = Intake()
    intake.count([Frame(Opcode.BINARY, b""), Frame(Opcode.BINARY, bytes(10 * FRAME_BYTES))])
    assert intake.frames == 12


# --- whole binary frames -------------------------------------------------------------------------

FRAMES = st.builds(
    Frame,
    st.sampled_from([Opcode.BINARY, Opcode.TEXT, Opcode.CONT, Opcode.PING, Opcode.PONG]),
    st.one_of(st.binary(max_size=20), st.sampled_from([b"x" * size for size in (125, 126, 300, 65_535, 65_536)])),
    st.booleans(),
)


@given(st.lists(st.binary(max_size=400), max_size=PLAIN_MAX))
def test_whole_binary_frames_are_taken_as_the_protocol_takes_them(payloads: list[bytes]) -> None:
    data = b"".join(Frame(Opcode.BINARY, payload).serialize(mask=True) for payload in payloads)
    assert plain_messages(data, 400) == payloads


@pytest.mark.parametrize(
    "data",
    [
        Frame(Opcode.BINARY, b"x").serialize(mask=True)[:-1],
        Frame(Opcode.BINARY, b"x").serialize(mask=True) + b"\x82",
        Frame(Opcode.BINARY, b"x").serialize(mask=False) + bytes(4),
        Frame(Opcode.BINARY, b"x", fin=False).serialize(mask=True),
        b"\xc2" + Frame(Opcode.BINARY, b"x").serialize(mask=True)[1:],
        Frame(Opcode.TEXT, b"x").serialize(mask=True),
        Frame(Opcode.CLOSE, b"").serialize(mask=True),
        Frame(Opcode.BINARY, b"x" * 401).serialize(mask=True),
        Frame(Opcode.BINARY, b"x" * 70_000).serialize(mask=True)[:14],
        Frame(Opcode.BINARY, b"").serialize(mask=True) * (PLAIN_MAX + 1),
    ],
    ids=[
        "cut in its payload", "cut behind its first byte", "not masked", "a fragment", "compressed", "a text",
        "a close", "too long", "a long header cut", "too many",
    ],
)  # fmt: skip
def test_anything_else_is_left_to_the_protocol(data: bytes) -> None:
    assert plain_messages(data, 400) is None


@given(st.lists(FRAMES, min_size=1, max_size=6), st.lists(st.integers(1, 3_000), max_size=12))
def test_the_boundary_is_reached_just_when_all_frames_are_whole(frames: list[Frame], steps: list[int]) -> None:
    raw = [frame.serialize(mask=True) if frame.opcode not in (8, 9, 10) else _control(frame) for frame in frames]
    ends, data = {sum(map(len, raw[:count])) for count in range(len(raw) + 1)}, b"".join(raw)
    boundary, at = FrameBoundary(), 0
    for step in [*steps, len(data)]:
        boundary.follow(data[at : at + step])
        at = min(len(data), at + step)
        assert boundary.is_reached == (at in ends)


def _control(frame: Frame) -> bytes:
    return Frame(frame.opcode, frame.data[:125]).serialize(mask=True)


async def messages_of(reads: list[bytes]) -> list[str | bytes]:
    """Return what a socket receives of these reads, and its close code at the end."""
    ours, theirs = trio.testing.memory_stream_pair()
    socket = TrioWebSocket(ours, ServerProtocol(state=State.OPEN), websocket_settings(), identity=CLIENT)
    got: list[str | bytes] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(socket.run)

        async def receive_all() -> None:
            try:
                while True:
                    got.append(await socket.receive())
            except SocketClosed as closed:
                got.append(f"closed {closed.code} {closed.reason}")

        nursery.start_soon(receive_all)
        for data in reads:
            await theirs.send_all(data)
            await trio.testing.wait_all_tasks_blocked()
        await theirs.send_eof()
        await socket.wait_closed()
    return got


async def test_no_frame_is_seen_within_another_one(autojump_clock) -> None:
    inner = Frame(Opcode.BINARY, b"no message").serialize(mask=True)
    outer = b"\x82" + bytes([0x80 | len(inner)]) + bytes(4) + inner  # its mask changes nothing
    assert await messages_of([outer[:6], outer[6:]]) == [inner, "closed 1006 connection lost"]


@given(st.lists(FRAMES, min_size=1, max_size=5), st.lists(st.integers(1, 60), max_size=4))
def test_the_same_messages_come_of_whole_frames_and_of_any_pieces(frames: list[Frame], steps: list[int]) -> None:
    raw = [_control(frame) if frame.opcode in (9, 10) else frame.serialize(mask=True) for frame in frames]
    data, pieces, at = b"".join(raw), [], 0
    for step in steps:
        pieces.append(data[at : at + step])
        at += step
    clock = trio.testing.MockClock(autojump_threshold=0)
    whole = trio.run(messages_of, raw, clock=clock)
    clock = trio.testing.MockClock(autojump_threshold=0)
    assert trio.run(messages_of, [*filter(None, pieces), data[at:]], clock=clock) == whole
