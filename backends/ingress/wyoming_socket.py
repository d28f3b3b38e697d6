"""A Wyoming connection as a session sees it: whole frames in and out."""

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from backends.ingress.closable_socket import ABNORMAL, ClosableSocket
from backends.ingress.streams import STREAM_ERRORS
from protocol.messages.identity import Identity

READ_BYTES: Final = 65_536


class WyomingSocket(ClosableSocket):
    """A ``Socket`` without close frames: the reason of a close is told to nobody."""

    def __init__(self, identity: Identity, write: Callable[[bytes], Awaitable[None]]) -> None:
        """``write`` sends a whole frame, under a deadline."""
        super().__init__(identity)
        self._write = write
        self._frames_in, self._frames = trio.open_memory_channel[bytes](0)  # the peer waits while the session does
        self._reading: trio.CancelScope | None = None

    # --- for the session -------------------------------------------------------------------------

    async def receive(self) -> bytes:
        """Return the next frame; raises ``SocketClosed``."""
        try:
            return await self._frames.receive()
        except trio.EndOfChannel:
            self._close(ABNORMAL, is_from_peer=True)
        except trio.ClosedResourceError:
            pass
        raise self._closed_now()

    async def send(self, frame: str | bytes) -> None:
        """Send a frame; raises ``SocketClosed``."""
        if self._closed.is_set():
            raise self._closed_now()
        try:
            await self._write(frame.encode() if isinstance(frame, str) else frame)
        except (*STREAM_ERRORS, trio.TooSlowError) as error:
            self._close(ABNORMAL)
            raise self._closed_now() from error

    # --- for the connection ----------------------------------------------------------------------

    async def take(self, frame: bytes) -> bool:
        """Give the session a frame, as soon as it takes one; return whether it has taken it."""
        try:
            await self._frames_in.send(frame)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    async def unless_closed(self, read: Callable[[int], Awaitable[bytes | bytearray]]) -> bytes:
        """Return what ``read`` does, empty as soon as the session closes the socket."""
        if self._closed.is_set():
            return b""
        with trio.CancelScope() as self._reading:
            return bytes(await read(READ_BYTES))
        return b""

    def end(self) -> None:
        """Note that the peer sends nothing more."""
        self._frames_in.close()

    def release(self) -> None:
        """End both directions, and a read that waits."""
        self._frames.close()
        self._frames_in.close()
        if self._reading is not None:
            self._reading.cancel()
