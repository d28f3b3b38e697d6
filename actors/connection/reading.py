"""The incoming direction: frames of the client become events and audio, and go to their actors.

Rules kept here:

* Audio goes to ``audio`` by a blocking mailbox: while it is full the socket is not read, and TCP pushes back.
* A client's mistake is answered with an ``error`` event and closes that client at most.
"""

import logging
import math
from collections.abc import Callable, Sequence

import attrs
import trio

from actors.connection.context import ConnectionContext
from actors.connection.opening import SessionOpening
from actors.connection.writing import ClientWriter
from protocol.dialects.dialect import ClientLink, Dialect, Frame
from protocol.dialects.frames import samples_in
from protocol.dialects.session import SocketPhase
from protocol.messages.errors import CloseCode, RemoteProtocolError
from protocol.messages.events import (
    AudioDiscard,
    AudioEnd,
    AudioOverrun,
    AudioStart,
    Bye,
    ClientEvent,
    Confirm,
    ConnectionRequest,
    Error,
    Interrupt,
    Ping,
    Pong,
    Respond,
    SessionUpdate,
    Text,
    ToolOutput,
)
from protocol.messages.hearing import AudioReceived
from protocol.messages.inboxes import AudioMessage
from protocol.messages.socket import Socket, SocketClosed
from runtime import ControlLaneFull, MailboxTimeout

SILENT_CLOSE_S = 1.0  # for the closing handshake of a silent client: others wait for its place
OVERRUN_S = 2.0  # seconds that the audio actor may refuse frames before the client is told of lost audio
FLOODED = "events came faster than they could be taken; read what is sent to you"

log = logging.getLogger("sayso.connection")


@attrs.define(eq=False)
class ClientReader:
    """Reads one session's client, wherever it is."""

    context: ConnectionContext
    writer: ClientWriter
    opening: SessionOpening
    handshake_by_s: float
    """On Trio's clock."""
    frames_in: int = attrs.field(default=0, init=False)

    async def read(self, link: ClientLink) -> SocketClosed | None:
        """Read until the socket is closed, and return how; ``None`` if the client was handed over before that."""
        memory = self.context.memory
        socket, decode = link.socket, link.dialect.decode
        try:
            if memory.options is None:
                await self._take(lambda _: opening_of(link.dialect), "", is_opening=True)
            while memory.link is link:
                frame = await self._next_frame(socket)
                if frame is not None:
                    self.frames_in += 1
                    await self._take(decode, frame)
        except SocketClosed as closed:
            return closed
        return None

    async def _next_frame(self, socket: Socket) -> Frame | None:
        """Return the next frame; close the socket (and return ``None``) after the deadline."""
        context = self.context
        is_live = context.state.phase is not SocketPhase.CONNECTING
        session = context.settings.session
        with trio.move_on_at(trio.current_time() + session.idle_timeout_s if is_live else self.handshake_by_s):
            return await socket.receive()
        if is_live:
            socket.start_close(CloseCode.IDLE, "idle")
        else:
            self.handshake_by_s = math.inf  # told once; then wait for the socket to close
            message = f"connection_request expected within {session.handshake_timeout_s:g} s"
            await self.writer.send(Error("handshake_expected", message, fatal=True))
            socket.start_close(CloseCode.POLICY_VIOLATION, "no connection_request", timeout_s=SILENT_CLOSE_S)
        return None

    async def _take(
        self, decode: Callable[[Frame], Sequence[ClientEvent | bytes]], frame: Frame, *, is_opening: bool = False
    ) -> None:
        try:
            for said in decode(frame):
                if isinstance(said, bytes):
                    await self._receive_audio(said)
                else:
                    await self._receive(said)
        except RemoteProtocolError as error:
            error.fatal = error.fatal or is_opening  # its options stand in a request that is not made again
            await self.writer.complain(error)
        except (ControlLaneFull, MailboxTimeout):  # the dialogue waits for the client to read its answers
            memory = self.context.memory
            if memory.socket is not None:
                log.warning(
                    "closing %s: %s", memory.socket.identity.peer, FLOODED, extra={"session_id": memory.session_id}
                )
                memory.socket.start_close(CloseCode.POLICY_VIOLATION, FLOODED)

    async def _receive_audio(self, audio: bytes) -> None:
        context = self.context
        context.state.receive(audio)
        arriving, options = context.memory.arrived_samples, context.memory.options
        if options is not None:
            if "stt" not in options.capabilities:
                raise RemoteProtocolError("unexpected_event", "audio came, but stt is not among the capabilities")
            arriving += samples_in(audio, options.audio)
        await self._tell_audio(AudioReceived(audio), arriving)

    async def _tell_audio(self, message: AudioMessage, arriving: int) -> None:
        """Send a message to audio and count its samples; tell the client if they cannot be taken in time."""
        memory = self.context.memory
        try:
            await self.context.peers.audio.tell(message, timeout_s=OVERRUN_S)
        except MailboxTimeout:
            log.warning("audio overrun", extra={"session_id": memory.session_id})
            await self.writer.send(AudioOverrun(memory.arrived_samples, arriving))
            self.writer.close(CloseCode.OVERRUN, "audio overrun")
        else:
            memory.arrived_samples = arriving

    async def _receive(self, event: ClientEvent) -> None:
        """Handle an event of the client; raises ``RemoteProtocolError`` if it may not be sent now."""
        if isinstance(event, ConnectionRequest):
            await self.opening.open(event)
        elif isinstance(event, SessionUpdate):
            configured = self.opening.change(event)
            await self._tell_audio(configured, self.context.memory.arrived_samples)
            await self.context.peers.dialogue.tell(configured, timeout_s=OVERRUN_S)
        else:
            self.context.state.receive(event)
            await self._hand_on(event)

    async def _hand_on(self, event: ClientEvent) -> None:
        match event:
            case (
                AudioStart() | AudioEnd() | AudioDiscard() | Respond() | Bye()
            ):  # these stay behind what was said before
                await self._tell_audio(event, self.context.memory.arrived_samples)
            case Text() | Confirm() | ToolOutput():
                await self.context.peers.dialogue.tell(event, timeout_s=OVERRUN_S)
            case Interrupt():
                self.context.peers.dialogue.signal(event)
            case Ping(t):
                await self.writer.send(Pong(t))


def opening_of(dialect: Dialect) -> Sequence[ConnectionRequest]:
    """Return the options in the client's request, if its dialect has them there; raises ``RemoteProtocolError``."""
    request = dialect.open()
    return () if request is None else (request,)
