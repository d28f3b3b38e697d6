"""One accepted WebSocket on a Trio stream, over websockets' sans-IO protocol.

Rules kept here:

* One reader: the caller of ``receive`` until the socket begins to close, then the closing task, which discards.
* Not calling ``receive`` stops reading, so that TCP pushes back. A peer is never given up for our own slowness: the
  pong deadline counts only while ``receive`` waits.
* A client that sends faster than its frames are handled does not hold up other tasks: after some frames it yields.
* Every way out is bounded: silence by the pong deadline, a peer that stops reading by the send deadline, a close that
  is not answered by ``close_timeout_s``.
"""

import math
from collections import deque
from typing import Final

import attrs
import trio
from websockets.frames import Frame
from websockets.protocol import State
from websockets.server import ServerProtocol

from backends.ingress.direct_stream import READ_BYTES, ReadInterrupted
from backends.ingress.interruptible_reads import ReadingTurn, reader_of
from backends.ingress.streams import STREAM_ERRORS
from backends.ingress.websocket_intake import FRAMES_AT_ONCE, Intake, TooManyFragments
from backends.ingress.websocket_writer import Writer
from config.settings import WebSocketSettings
from protocol.messages.identity import Identity
from protocol.messages.socket import SocketClosed

FAILURE_LINGER_S: Final = 5.0
"""How long a client that broke the protocol may take to read why (a 20 MB frame is on its way while we say no)."""
MAX_REASON_BYTES: Final = 123  # RFC 6455, section 5.5: control frames carry 125 bytes, 2 of them the code
ABNORMAL: Final = 1006
BAD_UTF8: Final = 1007
TOO_BIG: Final = 1009


@attrs.define
class Liveness:
    """When the peer last sent something, and since when ``receive`` waits; Trio's clock, in seconds."""

    heard_at: float
    listening_since: float = math.inf

    def silence_left_s(self, pinged_at: float, now: float, timeout_s: float) -> float | None:
        """Return the seconds that the peer may still be silent after a ping; ``None`` once it has sent something.

        While ``receive`` does not wait the whole of ``timeout_s`` is left: an answer could not be seen.
        """
        if self.heard_at >= pinged_at:
            return None
        if self.listening_since is math.inf:
            return timeout_s
        return max(pinged_at, self.listening_since) + timeout_s - now


def shortened(reason: str) -> str:
    """Return a close reason cut to what a close frame can carry, in UTF-8."""
    return reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


def feed(protocol: ServerProtocol, data: bytes) -> None:
    """Give the protocol received bytes; empty ``data`` is the end of the stream."""
    if data:
        protocol.receive_data(data)
    else:
        protocol.receive_eof()


class TrioWebSocket:
    """An open WebSocket, the ``Socket`` of this process; ``run`` must run as long as it is used."""

    def __init__(
        self,
        stream: trio.abc.HalfCloseableStream,
        protocol: ServerProtocol,
        settings: WebSocketSettings,
        *,
        identity: Identity,
        greeting: bytes = b"",
        received: bytes = b"",
    ) -> None:
        """Take over ``stream``: ``greeting`` (the handshake's response) is sent first, ``received`` was read already.

        ``protocol`` is in the state ``OPEN``.
        """
        self.identity = identity
        self._stream = stream
        self._reader = reader_of(stream)
        self._protocol = protocol
        self._settings = settings
        self._writer = Writer(stream, settings.send_buffer_bytes, settings.send_timeout_s)
        self._intake = Intake(protocol.max_message_size or settings.max_message_bytes)
        self._inbox: deque[str | bytes] = deque()
        self._liveness = Liveness(heard_at=trio.current_time())
        self._reading = ReadingTurn()
        self._end: SocketClosed | None = None
        self._linger_s = min(settings.close_timeout_s, FAILURE_LINGER_S)
        self._closing = trio.Event()
        self._closed = trio.Event()
        self._tasks = trio.CancelScope()
        if greeting:
            self._writer.put(greeting)
        if received:
            self._intake.add(received)

    def __repr__(self) -> str:
        state, pending_bytes = self._protocol.state.name, self._writer.pending_bytes
        return f"<TrioWebSocket {self.identity.peer} {state} {pending_bytes} bytes to send>"

    # --- the reader ------------------------------------------------------------------------------

    async def receive(self) -> str | bytes:
        """Return the next whole message; raises ``SocketClosed`` once the peer or we have closed."""
        if self._inbox or self._closing.is_set():
            await trio.lowlevel.checkpoint()  # received data must not keep the loop from other tasks
        while not self._inbox:
            self._raise_if_closing()
            piece = await self._next_piece()
            if piece is not None:
                self._take_in(piece)
        return self._inbox.popleft()

    async def _next_piece(self) -> bytes | None:
        """Return the next piece of the received data; ``None`` after a yield to other tasks, or when closing began."""
        intake = self._intake
        if intake.frames >= FRAMES_AT_ONCE:
            intake.frames = 0
            await trio.lowlevel.checkpoint()
            return None
        if not intake.pieces:
            intake.frames = 0
            data = await self._read()
            if data is None:
                return None
            self._liveness.heard_at = trio.current_time()
            if self._protocol.state is State.OPEN:
                messages = intake.plain_messages(data)
                if messages:
                    self._inbox.extend(messages)
                    return None
            intake.add(data)
        return intake.pieces.popleft()

    async def _read(self) -> bytes | None:
        """Return received bytes, empty at the end of the stream; ``None`` if the socket began to close meanwhile."""
        self._reading.is_taken = True
        self._liveness.listening_since = trio.current_time()
        try:
            return await self._reader.receive_some(READ_BYTES)
        except ReadInterrupted:
            return None
        except STREAM_ERRORS:
            return b""
        finally:
            self._reading.leave()
            self._liveness.listening_since = math.inf

    def _take_in(self, piece: bytes) -> None:
        try:
            for frame in self._frames_of(piece):
                message = self._intake.assembler.add(frame)
                if message is not None:
                    self._inbox.append(message)
        except UnicodeDecodeError as error:
            self._protocol.fail(BAD_UTF8, f"{error.reason} at position {error.start}")
        except TooManyFragments as error:
            self._protocol.fail(TOO_BIG, str(error))
        self._flush()
        self._notice_end()

    def _frames_of(self, piece: bytes) -> list[Frame]:
        feed(self._protocol, piece)
        self._intake.boundary.follow(piece)
        frames: list[Frame] = self._protocol.events_received()  # type: ignore[assignment]  # an open one has no requests
        self._intake.count(frames)
        return frames

    def _notice_end(self) -> None:
        protocol = self._protocol
        if protocol.state is State.OPEN or self._closing.is_set():
            return
        is_from_peer = bool(protocol.close_rcvd_then_sent)
        first = protocol.close_rcvd if is_from_peer else protocol.close_sent
        if first is None:
            self._abort("connection lost")
        else:
            self._begin_closing(first.code, first.reason, is_from_peer=is_from_peer)

    # --- senders ---------------------------------------------------------------------------------

    async def send(self, frame: str | bytes) -> None:
        """Queue a text or a binary message; waits while the bounded queue is full, raises ``SocketClosed``."""
        await self._queue(frame, is_speech=False)

    async def send_speech(self, frame: str | bytes) -> None:
        """Queue a message that ``drop_speech`` may take back; waits and raises as ``send`` does."""
        await self._queue(frame, is_speech=True)

    async def _queue(self, frame: str | bytes, *, is_speech: bool) -> None:
        data = frame if isinstance(frame, bytes) else frame.encode()
        await self._writer.wait_room(len(data))
        self._raise_if_closing()
        if data is frame:
            self._protocol.send_binary(data)
        else:
            self._protocol.send_text(data)
        self._flush(is_speech=is_speech)

    def drop_speech(self) -> int:
        """Drop the messages of speech that are still queued; return their size in bytes."""
        return self._writer.drop_speech()

    def _raise_if_closing(self) -> None:
        if self._end is not None:
            raise SocketClosed(self._end.code, self._end.reason, is_from_peer=self._end.is_from_peer)

    def _flush(self, *, is_speech: bool = False) -> None:
        for data in self._protocol.data_to_send():
            self._writer.put(data, is_speech=is_speech)

    # --- closing ---------------------------------------------------------------------------------

    def start_close(self, code: int, reason: str, *, timeout_s: float | None = None) -> None:
        """Queue a close frame behind what is queued; never waits. Further sends raise ``SocketClosed``.

        After ``timeout_s``, or ``close_timeout_s``, the connection is cut.
        """
        if self._closing.is_set():
            return
        self._protocol.send_close(code, shortened(reason))
        self._flush()
        self._inbox.clear()
        self._linger_s = self._settings.close_timeout_s if timeout_s is None else timeout_s
        self._begin_closing(code, reason)

    async def wait_closed(self) -> int:
        """Wait until the socket is closed; return its close code."""
        await self._closed.wait()
        return ABNORMAL if self._end is None else self._end.code

    def _begin_closing(self, code: int, reason: str, *, is_from_peer: bool = False) -> None:
        self._end = SocketClosed(code, reason, is_from_peer=is_from_peer)
        self._closing.set()
        self._writer.give_up_waiting()
        if self._reading.is_taken:
            self._reader.interrupt()

    def _abort(self, reason: str) -> None:
        if not self._closing.is_set():
            self._begin_closing(ABNORMAL, reason)
        self._tasks.cancel()

    # --- tasks -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write, watch over and close the socket; returns when it is closed. The stream is closed on every way out."""
        try:
            with self._tasks:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    nursery.start_soon(self._keep_alive)
                    await self._closing.wait()
                    with trio.move_on_after(self._linger_s):
                        await self._wait_for_the_peers_end()
                    nursery.cancel_scope.cancel()
        finally:
            self._abort("connection closed")
            self._closed.set()
            await trio.aclose_forcefully(self._stream)

    async def _write(self) -> None:
        try:
            await self._writer.run()
        except trio.TooSlowError:
            self._abort(f"nothing was read for {self._settings.send_timeout_s:g} s")
        except STREAM_ERRORS:
            self._abort("connection lost")

    async def _keep_alive(self) -> None:
        timeout_s = self._settings.pong_timeout_s
        while True:
            await trio.sleep(self._settings.ping_interval_s)
            if self._closing.is_set():
                return  # from here on the closing has its own deadline
            pinged_at = trio.current_time()
            self._protocol.send_ping(b"")
            self._flush()
            while (left_s := self._liveness.silence_left_s(pinged_at, trio.current_time(), timeout_s)) is not None:
                if left_s <= 0:
                    self._abort(f"no pong within {timeout_s:g} s")
                    return
                await trio.sleep(left_s)

    async def _wait_for_the_peers_end(self) -> None:
        """Read and discard until the peer has ended the stream, too, and our side is flushed."""
        await self._reading.wait_left()
        while self._protocol.state is not State.CLOSED:
            piece = await self._next_piece()
            if piece is not None:
                self._frames_of(piece)
                self._flush()
        await self._writer.done.wait()
