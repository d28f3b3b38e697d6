"""Deadlines of sends, and goodbyes that are read."""

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from backends.ingress.streams import LINGER_BYTES, LINGER_S, PIECE_BYTES, linger, send_in_pieces
from tests.backends.ingress.ingress_fixtures import read_all


async def test_a_long_message_may_take_longer_than_a_piece(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    data = bytes(10 * PIECE_BYTES)

    async def read_slowly() -> None:
        for _ in range(10):
            await trio.sleep(0.9)
            await theirs.receive_some(PIECE_BYTES)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_slowly)
        await send_in_pieces(ours, data, piece_timeout_s=1)
    assert trio.current_time() == pytest.approx(9)


async def test_a_peer_that_takes_no_piece_in_time_is_too_slow(autojump_clock: MockClock) -> None:
    ours, _ = trio.testing.lockstep_stream_pair()
    with pytest.raises(trio.TooSlowError):
        await send_in_pieces(ours, b"x", piece_timeout_s=1)


async def test_lingering_ends_when_the_peer_does(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(b"more of a body")
    await theirs.send_eof()
    await linger(ours)
    assert trio.current_time() == 0
    assert await read_all(theirs) == b""


async def test_lingering_is_bounded_in_time(autojump_clock: MockClock) -> None:
    ours, _ = trio.testing.memory_stream_pair()
    await linger(ours)
    assert trio.current_time() == pytest.approx(LINGER_S)


async def test_lingering_with_a_peer_that_is_gone_is_no_error(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.aclose()
    await ours.aclose()
    await linger(ours)


async def test_lingering_is_bounded_in_what_it_reads(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(bytes(LINGER_BYTES + 1_000))
    await linger(ours)
    assert trio.current_time() == 0
    assert len(await ours.receive_some()) == 1_000
