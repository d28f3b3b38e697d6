"""Reads of any stream that another task can end."""

import pytest
import trio
import trio.testing

from backends.ingress.direct_stream import DirectStream, ReadInterrupted
from backends.ingress.interruptible_reads import ReadingTurn, ScopedReader, reader_of


async def test_a_read_of_any_stream_can_be_interrupted(autojump_clock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    reader = reader_of(ours)
    assert isinstance(reader, ScopedReader)
    reader.interrupt()  # nothing waits, so nothing happens

    async def read() -> None:
        with pytest.raises(ReadInterrupted):
            await reader.receive_some(10)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        reader.interrupt()
    await theirs.send_all(b"after")
    assert await reader.receive_some(10) == b"after"


async def test_a_connection_reads_for_itself() -> None:
    ours, _theirs = trio.socket.socketpair()
    async with DirectStream(trio.SocketStream(ours)) as stream:
        assert reader_of(stream) is stream
    _theirs.close()


async def test_who_waits_for_the_end_of_a_read_goes_on_at_its_end(autojump_clock) -> None:
    turn = ReadingTurn()
    await turn.wait_left()
    turn.is_taken = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turn.wait_left)
        await trio.testing.wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        turn.leave()
