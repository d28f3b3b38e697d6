"""Frames to and from one process: whole frames only, in the order in which they were given."""

from collections import deque

import attrs
import trio

from runtime.worker_frames import Frame, FrameReader, encode
from runtime.worker_payload import SharedBlobs

READ_BYTES = 1 << 18


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
            except trio.BrokenResourceError:
                return None
            if not data:
                return None
            self._received.extend(self._reader.feed(data))
        return self._received.popleft()

    async def send(self, frame: Frame) -> None:
        """Send a frame; whoever receives sees a channel that breaks."""
        async with self._sending:
            try:
                await self._stream.send_all(encode(frame))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return

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
