import os

import pytest
import trio

from runtime.workers.channel import Channel
from runtime.workers.frames import Frame, FrameError, FrameReader, encode
from runtime.workers.payload import SHARED_FROM_BYTES, SharedBlobs, SharedBlobsReader
from tests.systems import on_linux, skip_without_memfd


def make_channels(blobs=None):
    ours, theirs = trio.testing.memory_stream_pair()
    return Channel(ours, blobs), theirs


@pytest.fixture
def blobs():
    skip_without_memfd()
    shared = SharedBlobs(1)
    yield shared
    shared.close()


async def test_frames_arrive_whole_however_they_are_sent():
    channel, theirs = make_channels()
    await theirs.send_all(encode(Frame("ready")) + encode(Frame("done", 7, blob=b"abc")))
    await theirs.send_eof()

    assert [await channel.receive() for _ in range(3)] == [Frame("ready"), Frame("done", 7, blob=b"abc"), None]


async def test_a_broken_stream_is_its_end():
    channel, theirs = make_channels()
    await theirs.aclose()

    assert await channel.receive() is None
    await channel.send(Frame("ping"))  # is not reported, and does no harm


async def test_bytes_without_sense_are_an_error():
    channel, theirs = make_channels()
    await theirs.send_all(b"\xff" * 8)

    with pytest.raises(FrameError):
        await channel.receive()


async def test_two_senders_do_not_mix_their_frames():
    channel, theirs = make_channels()
    reader, got = FrameReader(), []
    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(channel.send, Frame("job", number, blob=bytes(100_000)))
        while len(got) < 5:
            got += reader.feed(await theirs.receive_some())

    assert sorted(frame.job_id for frame in got) == [0, 1, 2, 3, 4]


async def hand_over(channel, theirs, job):
    """Return the frame that arrives, and end the job."""
    done, reader = trio.Event(), FrameReader()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(channel.hand_over, job, done)
        frames = []
        while not frames:
            frames = list(reader.feed(await theirs.receive_some()))
        done.set()
    return frames[0]


async def test_a_large_blob_lies_in_shared_memory_until_its_job_is_done(blobs):
    channel, theirs = make_channels(blobs)
    reader, blob = SharedBlobsReader(os.dup(blobs.fd)), bytes(range(256)) * (SHARED_FROM_BYTES // 256)

    for _ in range(3):  # of one area
        sent = await hand_over(channel, theirs, Frame("job", 1, "echo", blob=blob))

        assert sent.blob == b""
        assert bytes(reader.view(sent.place)) == blob


async def test_a_small_blob_goes_by_value(blobs):
    channel, theirs = make_channels(blobs)

    sent = await hand_over(channel, theirs, Frame("job", 1, "echo", blob=b"abc"))

    assert (sent.blob, sent.place) == (b"abc", None)


@on_linux
async def test_a_job_that_was_lost_before_it_was_sent_is_not_written_anywhere():
    blobs, done = SharedBlobs(1), trio.Event()
    channel, _ = make_channels(blobs)
    blobs.close()
    done.set()

    await channel.hand_over(Frame("job", 1, "echo", blob=bytes(SHARED_FROM_BYTES)), done)


async def test_without_shared_memory_every_blob_goes_by_value():
    channel, theirs = make_channels()

    sent = await hand_over(channel, theirs, Frame("job", 1, "echo", blob=bytes(SHARED_FROM_BYTES)))

    assert (len(sent.blob), sent.place) == (SHARED_FROM_BYTES, None)


async def test_a_frame_that_was_cut_off_ends_the_channel():
    ours, theirs = trio.testing.lockstep_stream_pair()
    channel, job = Channel(ours, None), Frame("job", 1, blob=bytes(1000))
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(channel.send, job)
            arrived = await theirs.receive_some(10)  # and no more for now, so that the sender still waits
            scope.cancel()

    await channel.send(Frame("ping"))
    assert await channel.receive() is None
    async for data in theirs:
        arrived += data
    assert encode(job).startswith(arrived), "what came behind would be taken for the rest of the job"
