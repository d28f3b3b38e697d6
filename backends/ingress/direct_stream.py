"""A connection without the detours of ``trio.SocketStream``: one wait and one system call for each read.

``SocketStream`` tries to read before it waits. A client that sends at the pace of speech is always waited for, so that
read fails, and its exception and its pass of the loop cost a third of a frame (docs/measured.md).

Rules kept here:

* A cancelled read has taken nothing.
* ``interrupt`` ends a read that waits, without a cancel scope around every read; a send that waits goes on.
* A send that the kernel takes at once waits for nothing, and lets no other task run.
"""

import os
from typing import Final

import trio

READ_BYTES: Final = 65_536


class ReadInterrupted(Exception):
    """Another task has ended this read; nothing was taken."""


class DirectStream(trio.abc.HalfCloseableStream):
    """An accepted connection; one task reads and one sends."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.socket = stream.socket
        self._stream = stream

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return received bytes, empty at the end of the stream.

        Raises ``trio.BrokenResourceError`` if the connection is lost, ``trio.ClosedResourceError`` if it is closed
        here, and ``ReadInterrupted``.
        """
        size = READ_BYTES if max_bytes is None else max_bytes
        while True:
            try:
                await trio.lowlevel.wait_readable(self._descriptor())
                return os.read(self._descriptor(), size)
            except BlockingIOError:
                continue  # the kernel has thought better of it
            except trio.ClosedResourceError:
                self._descriptor()  # raises, too, unless it was ``interrupt``
                raise ReadInterrupted from None
            except OSError as error:
                raise trio.BrokenResourceError(f"the connection is lost: {error}") from error

    def interrupt(self) -> None:
        """End a ``receive_some`` that waits: it raises ``ReadInterrupted``."""
        if self.socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self.socket)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of ``data``; raises ``trio.BrokenResourceError`` and ``trio.ClosedResourceError``."""
        await trio.lowlevel.checkpoint_if_cancelled()
        with memoryview(data) as view:
            sent = self.send_some(view)
            while sent < len(view):
                await self._wait_writable()
                sent += self.send_some(view[sent:])

    def send_some(self, data: memoryview) -> int:
        """Send what the kernel takes now, and return how many bytes those were; raises as ``send_all``."""
        try:
            return os.write(self._descriptor(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise trio.BrokenResourceError(f"the connection is lost: {error}") from error

    async def _wait_writable(self) -> None:
        try:
            await trio.lowlevel.wait_writable(self._descriptor())
        except trio.ClosedResourceError:
            self._descriptor()  # ``interrupt`` was meant for the reader, unless it is closed

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the kernel takes data."""
        await self._wait_writable()

    async def send_eof(self) -> None:
        """Tell the client that nothing more is sent."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    def _descriptor(self) -> int:
        number = self.socket.fileno()
        if number < 0:
            raise trio.ClosedResourceError("the connection is closed")
        return number
