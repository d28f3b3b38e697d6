"""A conversation with the server that survives a lost connection.

Rules kept here:

* No task of its own: the receiving task reads the connection, and the task that finds it lost opens it again.
* Audio is kept until the server has it, so after a loss it goes on at the sample that the server names.
* Every queue is bounded: audio in seconds, events by number, each try to connect in time.
"""

import contextlib
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final, Self

import anyio
import attrs
import msgspec

from sayso_client import events
from sayso_client.errors import (
    ABNORMAL,
    BadFrame,
    DeliveryUnknown,
    LineLost,
    ServerRefused,
    SessionClosed,
    TooManyEvents,
)
from sayso_client.event_stream import EventStream
from sayso_client.events import ConnectionAccepted, Event
from sayso_client.lasting_connection import LastingConnection
from sayso_client.reconnection import NORMAL, ReconnectPolicy, Tries
from sayso_client.requests import (
    Answers,
    Capability,
    ClientOptions,
    ClientTool,
    OptionChanges,
    connection_request,
    encode,
)
from sayso_client.sent_audio import SentAudio
from sayso_client.websocket import Endpoint, OpenStream, WebSocket

DEFAULT_POLICY: Final = ReconnectPolicy()


@attrs.frozen
class Bounds:
    """Bounds of a session's buffers and waits."""

    audio_s: float = 30.0
    """Audio that the server has not acknowledged; beyond it ``send_audio`` waits. As long as a lost session is kept."""
    events: int = 1_024
    """Events that wait to be received; four times what a server replays."""
    silence_s: float = 20.0
    """After half of it without a frame the server is pinged, and after all of it the connection counts as lost."""


class Received(msgspec.Struct, frozen=True):
    """An event, with the frame that it came in."""

    event: Event
    frame: str | bytes


class ClientSession:
    """A session, open inside an ``async with`` block; iterate over it to get its events until it ends.

    One task may receive while others send. Keep receiving: it is what keeps the connection alive.
    """

    def __init__(self, endpoint: Endpoint, options: ClientOptions, tries: Tries, bounds: Bounds) -> None:
        self._url = endpoint.url
        self._options = options
        self._bounds = bounds
        self._later = OptionChanges()  # those that connection_request has no room for
        self._stream = EventStream()
        self._audio = SentAudio(options.audio, bounds.audio_s)
        self._received: deque[Received] = deque()
        self._connection = LastingConnection(endpoint, tries, self._introduce, self._take)
        self._reading = anyio.Lock(fast_acquire=True)
        self._sending = anyio.Lock(fast_acquire=True)

    def __repr__(self) -> str:
        return f"<ClientSession {self._url}>"

    @property
    def accepted(self) -> ConnectionAccepted:
        """The last ``connection_accepted``: the server, its limits, and whether the session was resumed."""
        if self._stream.accepted is None:
            raise RuntimeError("the session must be open")
        return self._stream.accepted

    @property
    def close_code(self) -> int | None:
        """The close code of the connection; None while it is open."""
        return self._connection.close_code

    # --- receiving -------------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self.receive()
        except SessionClosed as closed:
            if closed.code == NORMAL:
                raise StopAsyncIteration from closed
            raise

    async def receive(self) -> Event:
        """Return the next event.

        Raises ``SessionClosed`` at the end, and ``BadFrame``, after which one may go on.
        """
        return (await self.receive_frame()).event

    async def receive_frame(self) -> Received:
        """Return the next event with the frame that it came in; raises as ``receive``."""
        while not self._received:
            async with self._reading:
                if not self._received:
                    await self._read()
        return self._received.popleft()

    # --- sending ---------------------------------------------------------------------------------

    async def send_audio(self, data: bytes) -> None:
        """Send audio in the format of the options: whole samples, or one Opus packet.

        Returns when it is sent, or kept for a connection that is being opened again. Waits while too much is
        unacknowledged. If it is cancelled after that, the audio is kept, too.

        Raises ``SessionClosed``, ``TooManyEvents``, and ``ValueError`` for a part of a sample.
        """
        await self._send_in_order(data)

    async def start_audio(self) -> None:
        """Push-to-talk: the button is pressed. Raises ``SessionClosed``."""
        await self._send_in_order(encode("audio_start"))

    async def end_audio(self, *, discard: bool = False) -> None:
        """Push-to-talk: the button is released, and what was said is transcribed at once. Raises ``SessionClosed``.

        With ``discard`` the utterance that is going on is forgotten instead.
        """
        await self._send_in_order(encode("audio_discard" if discard else "audio_end"))

    async def send_text(self, text: str, *, answers: Answers | None = None) -> None:
        """Send a typed command; with ``answers="on_request"`` it is kept until ``respond``.

        Raises ``SessionClosed``, and ``DeliveryUnknown`` if the connection breaks meanwhile: sent again, it could act
        twice.
        """
        await self._tell(encode("text", text=text, answers=answers), is_repeatable=False)

    async def respond(
        self,
        instructions: str | None = None,
        *,
        capabilities: tuple[Capability, ...] | None = None,
        tools: tuple[ClientTool, ...] | None = None,
        tool_choice: str | None = None,
    ) -> None:
        """Ask for the answer to what was said since the last one (``answers="on_request"``).

        ``instructions`` are for the language model; the others are what this answer may use. Raises as ``send_text``.
        """
        offered = msgspec.to_builtins(tools)
        wanted = {"capabilities": capabilities, "tools": offered, "tool_choice": tool_choice}
        await self._tell(encode("respond", instructions=instructions, **wanted), is_repeatable=False)

    async def interrupt(self, heard_ms: int | None = None) -> None:
        """Stop the turn; ``heard_ms`` is how much of its speech was played. Raises as ``send_text``."""
        await self._tell(encode("interrupt", heard_ms=heard_ms), is_repeatable=False)

    async def confirm(self, call_id: str, *, approve: bool) -> None:
        """Answer a ``ConfirmRequest``; raises ``SessionClosed``."""
        await self._tell(encode("confirm", call_id=call_id, approve=approve))

    async def send_tool_output(self, call_id: str, output: str = "", *, error: str | None = None) -> None:
        """Answer a ``ToolCall`` of the server ``client``; ``error``: why it failed. Raises ``SessionClosed``."""
        await self._tell(encode("tool_output", call_id=call_id, output=output, error=error))

    async def update(self, changes: OptionChanges) -> None:
        """Change options; they hold for connections that are opened again, too. Raises ``SessionClosed``."""
        wanted: dict[str, Any] = msgspec.to_builtins(changes)
        later = {name: wanted[name] for name in ("voice", "task") if name in wanted}
        self._later = msgspec.structs.replace(self._later, **later)
        kept = {name: getattr(changes, name) for name in wanted if name not in later}
        self._options = msgspec.structs.replace(self._options, **kept)
        await self._tell(encode("session_update", **wanted))

    async def ping(self, t: float | str | None = None) -> None:
        """Ask for a ``Pong`` with the same ``t``; raises ``SessionClosed``."""
        await self._tell(encode("ping", t=t))

    async def bye(self) -> None:
        """Ask for the end: the running turn finishes, and then the iteration ends. Raises ``SessionClosed``."""
        self._connection.leave()
        await self._tell(encode("bye"))

    # --- the connection --------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Open the session; raises ``BadAddress``, ``NoServer``, ``ServerRefused``, ``BadFrame`` and ``LineLost``."""
        await self._connection.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the session; at once if the block has failed."""
        await (self._connection.close() if kind is None else self._connection.abort())

    async def abort(self) -> None:
        """Close without ``bye``; the server keeps the session for a while."""
        await self._connection.abort()

    async def _introduce(self, socket: WebSocket) -> None:
        """Ask for a session, or for the lost one, and take the missed events until it is accepted."""
        resume = self._stream.resume
        await socket.send(connection_request(self._options, resume))
        while not isinstance(event := self._take(await socket.receive()), ConnectionAccepted):
            _check_missed(event, is_resuming=resume is not None)
        if event.resumed:
            self._audio.resume_at(event.received_samples)
            return
        self._audio.restart()
        if self._later != OptionChanges():
            await socket.send(encode("session_update", **msgspec.to_builtins(self._later)))

    # --- one frame -------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Wait for a frame and take it; the caller holds ``_reading``."""
        if len(self._received) >= self._bounds.events:
            raise TooManyEvents(f"receive events while you send audio: {len(self._received)} are waiting")
        try:
            socket = await self._connection.get()
        except SessionClosed:
            if self._received:  # its last frames
                return
            raise
        if self._audio.has_unsent and not self._sending.locked():  # the sending task sends it, too
            async with self._sending:
                await self._send_waiting()
        try:
            with anyio.fail_after(self._bounds.silence_s / 2):
                frame = await socket.receive()
        except TimeoutError:
            await _ask_whether_alive(socket, self._bounds.silence_s)
        except LineLost:
            pass  # the next use of the connection opens it again, or raises
        else:
            self._take(frame)

    def _take(self, frame: str | bytes) -> Event:
        event = self._stream.take(frame)
        if isinstance(event, events.AudioAck):
            self._audio.acknowledge(event.samples)
        elif isinstance(event, ConnectionAccepted):
            self._connection.replica = event.server.replica
        elif isinstance(event, events.GoingAway):
            self._connection.retry_after_s = event.retry_after_ms / 1_000
            self._connection.replica = None  # it leaves
        self._received.append(Received(event, frame))
        return event

    async def _send_in_order(self, data: bytes | str) -> None:
        """Append audio or a mark, and send all that is waiting."""
        while not self._audio.has_room:
            async with self._reading:
                if not self._audio.has_room:
                    await self._read()
        self._connection.check()
        if isinstance(data, bytes):
            self._audio.add(data)
        else:
            self._audio.add_mark(data)
        if not self._connection.is_being_opened:  # else it is sent when the connection is open again
            async with self._sending:
                await self._send_waiting()

    async def _send_waiting(self) -> None:
        """Send the audio that has not been sent; the caller holds ``_sending``."""
        while self._audio.has_unsent:
            socket = await self._connection.get()
            if self._audio.has_unsent:  # a connection that was opened again may have changed it
                with contextlib.suppress(LineLost):  # it is sent again from the position that the server names
                    await _send(socket, self._audio.next(), self._bounds.silence_s)

    async def _tell(self, frame: str, *, is_repeatable: bool = True) -> None:
        async with self._sending:
            await self._send_waiting()
            while True:
                socket = await self._connection.get()
                try:
                    return await _send(socket, frame, self._bounds.silence_s)
                except LineLost as lost:
                    if not is_repeatable:
                        raise DeliveryUnknown("the connection was lost while a command was sent") from lost


async def _send(socket: WebSocket, frame: str | bytes, silence_s: float) -> None:
    """Send; raises ``LineLost``, also if the server reads nothing for as long as it may be silent."""
    with anyio.move_on_after(silence_s):
        return await socket.send(frame)
    raise LineLost(ABNORMAL)


async def _ask_whether_alive(socket: WebSocket, silence_s: float) -> None:
    """Ping a silent server; end a connection on which the ping was not answered."""
    if anyio.current_time() - socket.heard_at >= silence_s:
        await socket.abort()
        return
    with anyio.move_on_after(silence_s / 2), contextlib.suppress(LineLost):
        await socket.ping()


def _check_missed(event: Event, *, is_resuming: bool) -> None:
    """Raise ``ServerRefused`` or ``BadFrame`` if an event before ``connection_accepted`` is none that was missed."""
    if isinstance(event, events.ConnectionRefused):
        wait_s = event.retry_after_ms / 1_000
        raise ServerRefused(f"the server refused: {event.reason}; try again in {wait_s:g} s", retry_after_s=wait_s)
    if isinstance(event, events.Error) and (event.fatal or not is_resuming):
        raise ServerRefused(f"the server refused: {event.message}")
    if not is_resuming:
        raise BadFrame(f"the server must first accept or refuse, but sent {type(event).__name__}")


def connect(
    url: str,
    options: ClientOptions = ClientOptions(),  # noqa: B008 - frozen
    *,
    reconnect: ReconnectPolicy | None = DEFAULT_POLICY,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
    ssl_context: ssl.SSLContext | None = None,
    open_stream: OpenStream | None = None,
    bounds: Bounds = Bounds(),
    rng: Random | None = None,
) -> ClientSession:
    """Return a session that opens with an ``async with`` block, and ends with it.

    A connection that is lost is opened again as ``reconnect`` says; None leaves it lost. ``headers`` are added to the
    request, and ``subprotocols`` offered. For ``wss``, ``ssl_context`` takes the place of Python's default one.
    ``open_stream`` opens what the WebSocket runs on instead of TCP. ``rng`` draws the waits.

    Entering raises ``BadAddress``, ``NoServer``, ``ServerRefused``, ``BadFrame`` and ``LineLost``.

    >>> async with connect("ws://127.0.0.1:8000/ws", ClientOptions(language="en")) as session:  # doctest: +SKIP
    ...     await session.send_text("what time is it")
    ...     async for event in session:
    ...         print(event)
    """
    endpoint = Endpoint(url, dict(headers or {}), subprotocols, ssl_context, open_stream)
    return ClientSession(endpoint, options, Tries(reconnect, rng or Random()), bounds)
