"""Sockets and a listener without a network; they implement the Protocols of ``backends/protocols.py``.

Rules kept here:

* A socket's outgoing queue is bounded; who sends into a full one waits, and past ``SEND_TIMEOUT_S`` the socket is cut,
  as the real writer does to a client that has stopped reading.
* A close frame goes behind what is queued, and a client that does not take it is cut after ``CLOSE_TIMEOUT_S``.
"""

from collections import deque
from collections.abc import Sequence

import trio

from backends.protocols import (
    Admitted,
    IngressHandlers,
    Refusal,
    Request,
    RequestAdmission,
    RequestKind,
)
from protocol.admission.identity import identity_of
from protocol.dialects.dialect import ClientLink
from protocol.dialects.native import NativeDialect
from protocol.messages.socket import SocketClosed

OUTBOX_FRAMES = 24
INBOX_FRAMES = 16
SEND_TIMEOUT_S = 3.0
CLOSE_TIMEOUT_S = 2.0
LOOK_S = 0.01
CUT = 1006
LEAVING = 1012
Frame = str | bytes


class Lane:
    """A bounded queue that can be closed from either side; waiting tasks are woken in order."""

    def __init__(self, capacity: int) -> None:
        self.frames: deque[Frame] = deque()
        self.is_open = True
        self._capacity = capacity
        self._readers = trio.lowlevel.ParkingLot()
        self._writers = trio.lowlevel.ParkingLot()

    async def put(self, frame: Frame) -> bool:
        """Queue a frame when there is room; return ``False`` once closed."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while self.is_open and len(self.frames) >= self._capacity:
            await self._writers.park()
        if self.is_open:
            self.frames.append(frame)
            self._readers.unpark()
        return self.is_open

    async def take(self) -> Frame | None:
        """Return the next frame; ``None`` once closed and empty."""
        await trio.lowlevel.checkpoint()
        while self.is_open and not self.frames:
            await self._readers.park()
        if not self.frames:
            return None
        self._writers.unpark()
        return self.frames.popleft()

    def close(self, *, is_cut: bool) -> None:
        """Take nothing more; when it ``is_cut``, what is queued is lost."""
        self.is_open = False
        if is_cut:
            self.frames.clear()
        self._readers.unpark_all()
        self._writers.unpark_all()


class SimulatedSocket:
    """One WebSocket with its client's end."""

    def __init__(self, peer: str) -> None:
        self.identity = identity_of(peer, {})
        self.close_code: int | None = None
        self.closing: int | None = None
        self._inbox = Lane(INBOX_FRAMES)
        self._outbox = Lane(OUTBOX_FRAMES)
        self._closed = trio.Event()
        self.wants_close = trio.Event()

    # --- the client's end

    async def client_sends(self, frame: Frame) -> bool:
        """Send; return ``False`` if the socket is closed."""
        return await self._inbox.put(frame)

    async def client_receives(self) -> Frame | None:
        """Return the next frame; ``None`` when the server has closed, and then it is closed."""
        frame = await self._outbox.take()
        if frame is None:
            self.end(CUT if self.closing is None else self.closing)
        return frame

    @property
    def has_unread_text(self) -> bool:
        """Whether the client has said something in words that the server has not taken yet."""
        return any(isinstance(frame, str) for frame in self._inbox.frames)

    def end(self, code: int) -> None:
        """Be closed, from whichever side; the first code counts."""
        if self.close_code is None:
            self.close_code = code
            self._inbox.close(is_cut=code == CUT)
            self._outbox.close(is_cut=True)
            self._closed.set()
            self.wants_close.set()

    # --- the server's end

    async def receive(self) -> Frame:
        frame = await self._inbox.take()
        if frame is None:
            raise self._ended()
        return frame

    async def send(self, frame: str | bytes) -> None:
        await self._send(frame)

    async def send_speech(self, frame: str | bytes) -> None:
        await self._send(frame)

    def drop_speech(self) -> int:
        kept = [frame for frame in self._outbox.frames if isinstance(frame, str)]
        dropped = sum(len(frame) for frame in self._outbox.frames if isinstance(frame, bytes))
        self._outbox.frames.clear()
        self._outbox.frames.extend(kept)
        return dropped

    def start_close(self, code: int, reason: str, *, timeout_s: float | None = None) -> None:
        if self.closing is None:
            self.closing = code
            self._outbox.close(is_cut=False)
            self.wants_close.set()

    async def wait_closed(self) -> int:
        await self._closed.wait()
        return self._code()

    async def _send(self, frame: Frame) -> None:
        with trio.move_on_after(SEND_TIMEOUT_S) as patience:
            if not await self._outbox.put(frame):
                raise self._ended()
        if patience.cancelled_caught:
            self.end(CUT)
            raise SocketClosed(CUT)

    def _ended(self) -> SocketClosed:
        return SocketClosed(self._code(), is_from_peer=self.closing is None and self._code() != CUT)

    def _code(self) -> int:
        return self.close_code or self.closing or CUT


class SimulatedIngress:
    """The listener: clients come in by ``connect``."""

    def __init__(self, handlers: IngressHandlers, admission: RequestAdmission) -> None:
        self._handlers = handlers
        self._admission = admission
        self._nursery: trio.Nursery | None = None
        self._accepts = False
        self._sockets: dict[SimulatedSocket, None] = {}
        self._ended = trio.Event()

    async def serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        try:
            async with trio.open_nursery() as self._nursery:
                self._accepts = True
                task_status.started([("192.0.2.1", 8000)])
                await trio.sleep_forever()
        finally:
            self._accepts = False
            self._nursery = None
            self._ended.set()

    async def stop(self) -> None:
        self._accepts = False
        for socket in self._sockets:
            socket.start_close(LEAVING, "the server is stopping")
        with trio.move_on_after(CLOSE_TIMEOUT_S):
            while self._sockets:
                await next(iter(self._sockets)).wait_closed()
                await trio.sleep(LOOK_S)  # a session for a socket that is gone does not end at once
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    async def connect(self, peer: str) -> SimulatedSocket | Refusal | None:
        """Connect as a client; ``None`` while there is no listener."""
        await trio.lowlevel.checkpoint()
        if not self._accepts or self._nursery is None:
            return None
        request = Request("GET", "/ws", {}, {}, peer)
        verdict = await self._admission.admit(request, RequestKind.WEBSOCKET)
        if isinstance(verdict, Refusal):
            return verdict
        socket = SimulatedSocket(peer)
        self._nursery.start_soon(self._serve, socket, verdict, request)
        return socket

    async def _serve(self, socket: SimulatedSocket, admitted: Admitted, request: Request) -> None:
        self._sockets[socket] = None
        try:
            with admitted.place:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._close_in_time, socket)
                    await self._handlers.serve_client(ClientLink(socket, NativeDialect()), request, admitted)
                    nursery.cancel_scope.cancel()
        finally:
            socket.end(CUT)
            del self._sockets[socket]

    async def _close_in_time(self, socket: SimulatedSocket) -> None:
        await socket.wants_close.wait()
        with trio.move_on_after(CLOSE_TIMEOUT_S):
            await socket.wait_closed()
        socket.end(CUT)
