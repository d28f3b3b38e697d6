"""A connection's reads and writes, on a pair of sockets."""

from collections.abc import AsyncIterator

import pytest
import pytest_trio
import trio
import trio.testing
from websockets.protocol import State
from websockets.server import ServerProtocol

from backends.ingress.direct_stream import DirectStream, ReadInterrupted
from backends.ingress.streams import send_in_pieces
from backends.ingress.websocket import TrioWebSocket
from protocol.messages.socket import SocketClosed
from tests.backends.ingress.ingress_fixtures import CLIENT, read_all, websocket_settings

MORE_THAN_FITS = bytes(8 << 20)


@pytest_trio.trio_fixture
async def pair() -> AsyncIterator[tuple[DirectStream, trio.SocketStream]]:
    ours, theirs = trio.socket.socketpair()
    stream, peer = DirectStream(trio.SocketStream(ours)), trio.SocketStream(theirs)
    async with stream, peer:
        yield stream, peer


async def test_what_was_sent_is_read_and_then_the_end(pair) -> None:
    stream, peer = pair
    await peer.send_all(b"abcdef")
    assert await stream.receive_some(4) == b"abcd"
    assert await stream.receive_some() == b"ef"
    await peer.send_eof()
    assert await stream.receive_some() == b""


async def test_a_cancelled_read_has_taken_nothing(pair) -> None:
    stream, peer = pair
    with trio.CancelScope() as scope:
        scope.cancel()
        await stream.receive_some()
    await peer.send_all(b"kept")
    assert await stream.receive_some() == b"kept"


async def test_an_interrupted_read_ends_and_the_next_one_works(pair) -> None:
    stream, peer = pair
    async with trio.open_nursery() as nursery:

        async def read() -> None:
            with pytest.raises(ReadInterrupted):
                await stream.receive_some()

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        stream.interrupt()
    await peer.send_all(b"after")
    assert await stream.receive_some() == b"after"


async def test_an_interrupted_reader_disturbs_no_sender(pair) -> None:
    stream, peer = pair
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            await stream.send_all(MORE_THAN_FITS)
            await stream.send_eof()

        nursery.start_soon(send)
        await trio.testing.wait_all_tasks_blocked()
        stream.interrupt()
        await trio.testing.wait_all_tasks_blocked()
        assert await read_all(peer) == MORE_THAN_FITS


async def test_a_reader_and_a_sender_learn_that_the_connection_is_closed(pair) -> None:
    stream, _ = pair

    async def expect_closed(function, *args: object) -> None:
        with pytest.raises(trio.ClosedResourceError):
            await function(*args)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect_closed, stream.receive_some)
        nursery.start_soon(expect_closed, stream.send_all, MORE_THAN_FITS)
        await trio.testing.wait_all_tasks_blocked()
        await trio.aclose_forcefully(stream)
    stream.interrupt()  # nothing happens
    await expect_closed(stream.receive_some)
    await expect_closed(stream.send_all, b"x")


async def test_a_peer_that_is_gone_breaks_the_stream(pair) -> None:
    stream, peer = pair
    await stream.send_all(b"unread")
    await peer.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"x")
    with pytest.raises(trio.BrokenResourceError):
        await stream.receive_some()


async def test_a_send_that_fits_needs_no_deadline_and_a_longer_one_has_it(pair, autojump_clock) -> None:
    stream, peer = pair
    await send_in_pieces(stream, b"short", piece_timeout_s=0)
    assert await peer.receive_some() == b"short"
    with pytest.raises(trio.TooSlowError):
        await send_in_pieces(stream, MORE_THAN_FITS, piece_timeout_s=1)


async def test_our_close_ends_a_receive_although_a_sender_waits_for_the_client(pair, autojump_clock) -> None:
    stream, peer = pair
    settings = websocket_settings(send_buffer_bytes=4096)
    socket = TrioWebSocket(stream, ServerProtocol(state=State.OPEN), settings, identity=CLIENT)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(socket.run)
        await socket.send(MORE_THAN_FITS)

        async def read() -> None:
            with pytest.raises(SocketClosed) as closed:
                await socket.receive()
            assert closed.value.code == 1000

        async with trio.open_nursery() as reading:
            reading.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            socket.start_close(1000, "")
        sent = await read_at_least(peer, len(MORE_THAN_FITS))
        assert sent.endswith(b"\x88\x02\x03\xe8"), "the close frame comes behind all that was queued"
        nursery.cancel_scope.cancel()


async def read_at_least(peer: trio.SocketStream, size: int) -> bytes:
    data = bytearray()
    while len(data) < size or not data.endswith(b"\x88\x02\x03\xe8"):
        data += await peer.receive_some(1 << 20)
    return bytes(data)
