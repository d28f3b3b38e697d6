"""One client's socket: frames to events, events to frames.

Rules kept here:

* Audio goes to ``audio`` by a blocking mailbox: while that is full nobody reads the socket, and TCP pushes back.
* What a client does wrong is answered with an ``error`` event and closes that client at most; errors of ours crash
  the actor, and its next incarnation goes on with the same socket.
* Every event is numbered and remembered in the vault before it is queued.
"""

import logging
import math
from collections.abc import Callable, Mapping

import attrs
import trio

from backends.protocols import Socket, SocketClosed
from config.settings import AudioSettings, GatewaySettings, SessionSettings
from protocol import native
from protocol.errors import CloseCode, RemoteProtocolError
from protocol.events import (
    AudioEnd,
    AudioOverrun,
    AudioStart,
    Bye,
    ClientEvent,
    Confirm,
    ConnectionAccepted,
    ConnectionRequest,
    Error,
    Interrupt,
    Limits,
    Ping,
    Pong,
    ServerEvent,
    ServerInfo,
    SessionUpdate,
    Status,
    Text,
)
from protocol.frames import samples_in
from protocol.messages import (
    AudioReceived,
    AudioRefused,
    Configured,
    DropAudio,
    Hang,
    Recall,
    Send,
    SendAudio,
    SessionRecord,
)
from protocol.rate import SlidingCount
from protocol.session import Phase, SessionState
from protocol.vault import SessionMemory
from runtime import Actor, MailboxTimeout, Ref

OVERRUN_S = 2.0  # as long as an ear may refuse a frame before its client is told that words are lost

log = logging.getLogger("sayso.connection")


@attrs.frozen
class ConnectionPeers:
    """Whom the connection talks to."""

    vault: Ref
    audio: Ref
    dialogue: Ref
    history: Ref


@attrs.frozen
class ConnectionSettings:
    """The slices that the connection needs."""

    gateway: GatewaySettings
    session: SessionSettings
    audio: AudioSettings


class Connection(Actor):
    """Reads one socket and writes it."""

    def __init__(
        self,
        socket: Socket,
        peers: ConnectionPeers,
        settings: ConnectionSettings,
        *,
        server: ServerInfo,
        server_status: Callable[[], Status],
        unix_time: Callable[[], float],
    ) -> None:
        self._socket = socket
        self._peers = peers
        self._settings = settings
        self._server = server
        self._server_status = server_status
        self._unix_time = unix_time
        self._state = SessionState()
        self._errors = SlidingCount(settings.session.max_client_errors, settings.session.client_error_window_s)
        self._memory: SessionMemory
        self._frames_in = 0
        self._handshake_by_s = math.inf

    async def on_start(self) -> None:
        """Pick up the session where the last incarnation left it, and begin to read."""
        self._memory = await self._peers.vault.ask(Recall())
        self._handshake_by_s = trio.current_time() + self._settings.session.handshake_timeout_s
        if self._memory.options is not None:
            self._state.receive(self._memory.options)
        self.context.nursery.start_soon(self._read)
        self.context.nursery.start_soon(self._tick)

    async def handle(self, message: object) -> None:
        """Write what the rest of the session wants the client to have."""
        try:
            match message:
                case Send(event):
                    await self._send(event)
                case SendAudio(samples):
                    await self._socket.send_binary(samples)
                case AudioRefused(reason):
                    await self._complain(RemoteProtocolError("bad_audio", reason))
                case DropAudio():
                    self._socket.drop_queued_binary()
                case Hang(code, reason):
                    self._socket.start_close(code, reason)
                case _:
                    raise TypeError(f"connection cannot handle {type(message).__name__}")
        except SocketClosed as closed:
            log.debug("nothing sent, socket closed %s", closed.code, extra={"session_id": self._memory.session_id})

    def statistics(self) -> Mapping[str, object]:
        """Show what passed through."""
        return {"peer": self._socket.peer, "phase": self._state.phase.name, "frames_in": self._frames_in}

    # --- writing ---------------------------------------------------------------------------------

    async def _send(self, event: ServerEvent) -> None:
        self._state.send(event)
        seq = self._memory.next_seq()
        text = native.encode(event, seq)
        self._memory.remember_event(seq, text)
        await self._socket.send_text(text)

    async def _tick(self) -> None:
        interval_s = self._settings.session.status_interval_s
        while True:
            await trio.sleep(interval_s)
            if self._state.phase is Phase.LIVE:
                self.context.ref.tell_nowait(Send(self._server_status()))

    # --- reading ---------------------------------------------------------------------------------

    async def _read(self) -> None:
        reason = "socket closed"
        try:
            while True:
                frame = await self._next_frame()
                if frame is None:
                    continue
                self._frames_in += 1
                try:
                    await self._receive(frame)
                except RemoteProtocolError as error:
                    await self._complain(error)
        except SocketClosed as closed:
            reason = f"socket closed {closed.code}"
        self.context.stop(reason)

    async def _next_frame(self) -> str | bytes | None:
        """Return the next frame; close the socket (and return ``None``) if it was awaited too long."""
        is_live = self._state.phase is not Phase.CONNECTING
        session = self._settings.session
        with trio.move_on_at(trio.current_time() + session.idle_timeout_s if is_live else self._handshake_by_s):
            return await self._socket.receive()
        if is_live:
            self._socket.start_close(CloseCode.IDLE, "idle")
        else:
            self._handshake_by_s = math.inf  # said once; what remains is to see the socket closed
            message = f"connection_request expected within {session.handshake_timeout_s:g} s"
            await self._send(Error("handshake_expected", message, fatal=True))
            self._socket.start_close(CloseCode.POLICY_VIOLATION, "no connection_request")
        return None

    async def _receive(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            self._check_audio()
            await self._receive_audio(frame)
            return
        event = native.decode(frame)
        self._state.receive(event)
        await self._dispatch(event)

    async def _receive_audio(self, frame: bytes) -> None:
        memory = self._memory
        if memory.options is not None:
            memory.arrived_samples += samples_in(frame, memory.options.audio)
        try:
            await self._peers.audio.tell(AudioReceived(frame), timeout_s=OVERRUN_S)
        except MailboxTimeout:
            log.warning("audio overrun", extra={"session_id": memory.session_id})
            await self._send(AudioOverrun(memory.received_samples, memory.arrived_samples))
            self._socket.start_close(CloseCode.OVERRUN, "audio overrun")

    def _check_audio(self) -> None:
        self._state.receive_audio()
        options = self._memory.options
        if options is not None and "stt" not in options.capabilities:
            raise RemoteProtocolError("unexpected_event", "audio came, but stt is not among the capabilities")

    async def _dispatch(self, event: ClientEvent) -> None:
        match event:
            case ConnectionRequest():
                await self._accept(event)
            case SessionUpdate():
                await self._update(event)
            case AudioStart() | AudioEnd():
                await self._peers.audio.tell(event)
            case Text() | Confirm() | Bye():
                await self._peers.dialogue.tell(event)
            case Interrupt():
                self._peers.dialogue.signal(event)
            case Ping(t):
                await self._send(Pong(t))

    async def _accept(self, request: ConnectionRequest) -> None:
        self._memory.options = request
        configured = Configured(request)
        await self._peers.audio.tell(configured)
        await self._peers.dialogue.tell(configured)
        gateway, session, audio = self._settings.gateway, self._settings.session, self._settings.audio
        await self._send(
            ConnectionAccepted(
                session_id=self._memory.session_id,
                resume_token=self._memory.resume_token,
                resume_window_s=session.resume_window_s,
                server=self._server,
                audio=request.audio,
                limits=Limits(gateway.websocket.max_message_bytes, audio.max_utterance_s, session.idle_timeout_s),
            )
        )
        record = SessionRecord(self._memory.session_id, request.client_id, self._unix_time())
        self._peers.history.tell_nowait(record)

    async def _update(self, update: SessionUpdate) -> None:
        options = self._memory.options
        if options is None:  # the session table lets no update through before the handshake
            raise AssertionError("session_update before connection_request")
        wanted = attrs.asdict(update, recurse=False, filter=lambda _, value: value is not None)
        voice, task = wanted.pop("voice", None), wanted.pop("task", None)
        self._memory.options = attrs.evolve(options, **wanted)
        configured = Configured(self._memory.options, voice=voice, task=task)
        await self._peers.audio.tell(configured)
        await self._peers.dialogue.tell(configured)

    async def _complain(self, error: RemoteProtocolError) -> None:
        too_many = self._errors.add(trio.current_time())
        await self._send(Error(error.code, str(error), fatal=error.fatal or too_many))
        if too_many:
            self._socket.start_close(CloseCode.POLICY_VIOLATION, "too many errors")
        elif error.fatal:
            self._socket.start_close(error.close_code or CloseCode.POLICY_VIOLATION, error.code)
