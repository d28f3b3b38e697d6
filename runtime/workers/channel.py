"""Frames to and from one process: whole frames only, in the order in which they were given.

Rules kept here:

* Any number of tasks may send; one lock lets them write one after the other.
* A frame cut off by a cancellation ends the channel: later bytes would be read as its rest.
"""

from collections import deque

import attrs
import trio

from runtime.workers.frames import Frame, FrameReader, encode
from runtime.workers.payload import SharedBlobs

READ_BYTES = 1 << 18
STREAM_ERRORS = (trio.BrokenResourceError, trio.ClosedResourceError)


class Channel:
    """A stream that carries frames, and the memory in which the large blobs of jobs lie."""

    def __init__(self, stream: trio.abc.Stream, blobs: SharedBlobs | None) -> None:
        self._stream = stream
        self._blobs = blobs
        self._reader = FrameReader()
        self._received: deque[Frame] = deque()
        self._sending = trio.Lock()

    async def receive(self) -> Frame | None:
        """Return the next frame, ``None`` at the stream's end; raises ``FrameError``."""
        while not self._received:
            try:
                data = await self._stream.receive_some(READ_BYTES)
            except STREAM_ERRORS:
                return None
            if not data:
                return None
            self._received.extend(self._reader.feed(data))
        return self._received.popleft()

    async def send(self, frame: Frame) -> None:
        """Send a frame; nothing is sent on a broken channel, which ``receive`` reports."""
        async with self._sending:
            try:
                await self._stream.send_all(encode(frame))
            except STREAM_ERRORS:
                return
            except trio.Cancelled:
                await trio.aclose_forcefully(self._stream)
                raise

    async def hand_over(self, job: Frame, done: trio.Event) -> None:
        """Send a job and wait until it is ``done``; its blob stays in shared memory that long if it is large."""
        if done.is_set():  # the process has ended, and its memory with it
            return
        place = self._blobs.put(job.blob) if self._blobs is not None else None
        try:
            await self.send(attrs.evolve(job, blob=b"", place=place) if place else job)
            await done.wait()
        finally:
            if self._blobs is not None and place is not None:
                self._blobs.release(place)

    async def aclose(self) -> None:
        """Close the stream, and free the memory; a task that is sending gives up."""
        if self._blobs is not None:
            self._blobs.close()
        await self._stream.aclose()
