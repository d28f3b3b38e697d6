"""Reads that another task can end: by the stream itself, or by a cancel scope around each where it cannot."""

from typing import Protocol

import trio

from backends.ingress.direct_stream import DirectStream, ReadInterrupted


class InterruptibleReader(Protocol):
    """The receiving side of a stream."""

    async def receive_some(self, max_bytes: int) -> bytes:
        """Return received bytes, empty at the end of the stream; raises ``ReadInterrupted`` and as the stream does."""

    def interrupt(self) -> None:
        """End a ``receive_some`` that waits; nothing happens if none does."""


class ScopedReader:
    """Reads any stream of Trio's under a cancel scope, which costs some 5 us a read."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._scope: trio.CancelScope | None = None

    async def receive_some(self, max_bytes: int) -> bytes:
        """Return received bytes, empty at the end of the stream; raises ``ReadInterrupted`` and as the stream does."""
        self._scope = trio.CancelScope()
        try:
            with self._scope:
                return bytes(await self._stream.receive_some(max_bytes))
        finally:
            self._scope = None
        raise ReadInterrupted

    def interrupt(self) -> None:
        """Cancel a read that waits."""
        if self._scope is not None:
            self._scope.cancel()


class ReadingTurn:
    """Says whether a task is in a read, and lets another one wait for its end."""

    def __init__(self) -> None:
        self.is_taken = False
        self._left = trio.lowlevel.ParkingLot()

    def leave(self) -> None:
        """Note that the read has ended."""
        self.is_taken = False
        if self._left:
            self._left.unpark_all()

    async def wait_left(self) -> None:
        """Wait until no task is in a read."""
        while self.is_taken:
            await self._left.park()


def reader_of(stream: trio.abc.ReceiveStream) -> InterruptibleReader:
    """Return the cheapest reader of ``stream`` that can be interrupted."""
    return stream if isinstance(stream, DirectStream) else ScopedReader(stream)
