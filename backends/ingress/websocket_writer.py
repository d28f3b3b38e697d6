"""The writing half of a WebSocket: a queue bounded in bytes, and the one task that owns the sending side.

Rules kept here:

* Only whole frames are queued and only the writer sends, so that cancelling a sender cuts no frame.
* What may be dropped was queued as speech; a frame is dropped whole or not at all.
* A client that pings and never reads has one pong waiting, not thousands (RFC 6455, section 5.5.3 allows it).
"""

from collections import deque
from typing import Final

import attrs
import trio

from backends.ingress.streams import PIECE_BYTES, send_in_pieces

PONG: Final = 0x8A  # FIN and opcode 10


def payload_bytes(frame: bytes) -> int:
    """Return the length of an unmasked frame's payload."""
    header = {126: 4, 127: 10}.get(frame[1], 2)
    return len(frame) - header


@attrs.define
class Outbox:
    """Frames that wait for the writer; pure."""

    limit_bytes: int
    _frames: deque[tuple[bytes, bool]] = attrs.field(factory=deque, init=False)
    """Each with whether it is speech."""
    _pong: bytes = attrs.field(default=b"", init=False)
    _queued: int = attrs.field(default=0, init=False)
    _in_flight: int = attrs.field(default=0, init=False)

    @property
    def pending_bytes(self) -> int:
        """Bytes that are queued, and those that the writer has taken and not sent yet."""
        return self._queued + self._in_flight

    def has_room(self, size: int) -> bool:
        """Return whether ``size`` more bytes may be queued; one message of any size may wait alone."""
        return self.pending_bytes == 0 or self.pending_bytes + size <= self.limit_bytes

    def put(self, data: bytes, *, is_speech: bool = False) -> None:
        """Queue one frame (or the handshake's response) without asking for room."""
        if data[0] == PONG:
            self._pong = data
            return
        self._frames.append((data, is_speech))
        self._queued += len(data)

    def take(self) -> bytes:
        """Return whole frames to send now, at least a piece's worth if there is as much; empty if there is none."""
        taken = [self._pong] if self._pong else []
        self._pong = b""
        size = 0
        while self._frames and size < PIECE_BYTES:
            frame, _ = self._frames.popleft()
            taken.append(frame)
            size += len(frame)
        self._queued -= size
        self._in_flight = size
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def sent(self) -> None:
        """Note that what was taken last has left."""
        self._in_flight = 0

    def drop_speech(self) -> int:
        """Drop the speech that is queued; return the bytes of its payloads."""
        dropped = [frame for frame, is_speech in self._frames if is_speech]
        if dropped:
            self._frames = deque(queued for queued in self._frames if not queued[1])
            self._queued -= sum(map(len, dropped))
        return sum(map(payload_bytes, dropped))


class Writer:
    """The task that owns a socket's sending side; senders that wait for room are served in order."""

    def __init__(self, stream: trio.abc.HalfCloseableStream, limit_bytes: int, send_timeout_s: float) -> None:
        self._stream = stream
        self._send_timeout_s = send_timeout_s
        self._outbox = Outbox(limit_bytes)
        self._turn = trio.Lock()
        self._wake = trio.Event()
        self._room = trio.Event()
        self._is_ending = False
        self._is_given_up = False
        self.done = trio.Event()

    @property
    def pending_bytes(self) -> int:
        """Bytes that are not sent yet."""
        return self._outbox.pending_bytes

    async def wait_room(self, size: int) -> None:
        """Wait until ``size`` bytes may be queued, or until nothing will be sent any more; first come, first served.

        The caller must queue before it yields. Yields only if it waits: the queue's bound is what stops a busy sender.
        """
        if self._is_free(size) and not self._turn.locked():
            await trio.lowlevel.checkpoint_if_cancelled()
            return
        async with self._turn:
            while not self._is_free(size):
                self._room = trio.Event()
                await self._room.wait()

    def _is_free(self, size: int) -> bool:
        return self._is_given_up or self._outbox.has_room(size)

    def put(self, data: bytes, *, is_speech: bool = False) -> None:
        """Queue a frame; never waits. Empty ``data`` is the end of the stream."""
        if data:
            self._outbox.put(data, is_speech=is_speech)
        else:
            self._is_ending = True
        self._wake.set()

    def drop_speech(self) -> int:
        """Forget queued speech; return how many bytes of payload that were."""
        dropped = self._outbox.drop_speech()
        self._room.set()
        return dropped

    def give_up_waiting(self) -> None:
        """Wake all senders that wait for room: the socket takes no more data."""
        self._is_given_up = True
        self._room.set()

    async def run(self) -> None:
        """Send until the end of the stream is queued and sent.

        Raises ``trio.TooSlowError`` if the peer stops reading, ``trio.BrokenResourceError`` if it is gone.
        """
        while True:
            chunk = self._outbox.take()
            if chunk:
                await send_in_pieces(self._stream, chunk, self._send_timeout_s)
                self._outbox.sent()
                self._room.set()
            elif self._is_ending:
                break
            else:
                self._wake = trio.Event()
                await self._wake.wait()
        await self._stream.send_eof()
        self.done.set()
