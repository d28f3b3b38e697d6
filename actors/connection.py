"""One client's socket: frames to events, events to frames.

Rules kept here:

* Audio goes to ``audio`` by a blocking mailbox: while that is full nobody reads the socket, and TCP pushes back.
* What a client does wrong is answered with an ``error`` event and closes that client at most; errors of ours crash
  the actor, and its next incarnation goes on with the same socket.
* Every event is numbered and remembered in the vault before it is queued; but not ``connection_accepted``, which is
  out of date for a client that comes back.
* A socket that is lost is not the end: events are numbered and remembered on, until the client comes back with the
  session's token or the window is over. A client that comes back is met by the connection of a new session, which
  hands the socket over to the old one and ends.
"""

import logging
import math
from collections.abc import Callable, Sequence

import attrs
import trio

from actors.client.resuming import Resumption, SessionDirectory
from config.settings import AudioSettings, GatewaySettings, SessionSettings
from protocol.admission.rate import SlidingCount
from protocol.dialects import native
from protocol.dialects.client_memory import ClientMemory
from protocol.dialects.frames import samples_in
from protocol.dialects.session import SessionState, SocketPhase, may_come_back, resume_key
from protocol.dialects.speech_frames import SpeechEncoder, SpeechFrames
from protocol.messages.errors import CloseCode, RemoteProtocolError
from protocol.messages.events import (
    AudioEnd,
    AudioOverrun,
    AudioStart,
    Bye,
    ClientEvent,
    Confirm,
    ConnectionAccepted,
    ConnectionRefused,
    ConnectionRequest,
    Error,
    Interrupt,
    Ping,
    Pong,
    ServerEvent,
    ServerInfo,
    SessionLimits,
    SessionUpdate,
    SpeechFormat,
    Status,
    Text,
)
from protocol.messages.hearing import AudioReceived, AudioRefused
from protocol.messages.inboxes import (
    AudioMessage,
    ClientMessage,
    ConnectionMessage,
    DialogueMessage,
    HistoryMessage,
    MetricsMessage,
)
from protocol.messages.records import Count, SessionRecord
from protocol.messages.session import Attach, Configured, DropAudio, GiveUp, Hang, Presence, Send, SendAudio
from protocol.messages.socket import Socket, SocketClosed
from protocol.turns.session_memory import RecallClient, VaultMessage
from runtime import (
    Actor,
    ActorDied,
    ActorUnavailable,
    AskError,
    ControlLaneFull,
    MailboxClosed,
    MailboxError,
    MailboxTimeout,
    Ref,
)

HAND_OVER_S = 10.0  # the session may be in the middle of a send, which gives up after 5 s
SHOWN_CHARS = 40  # of what a client sent, in an error message
SILENT_CLOSE_S = 1.0  # for the closing handshake of a client that has sent no request: others wait for its place
OVERRUN_S = 2.0  # as long as the audio actor may refuse a frame before its client is told that words are lost
GIVEN_UP = {"window": "the client did not come back", "room": "a newcomer needed its place"}
FLOODED = "events came faster than they could be taken; read what is sent to you"

log = logging.getLogger("sayso.connection")


@attrs.frozen
class ConnectionPeers:
    """Whom the connection talks to."""

    vault: Ref[VaultMessage]
    audio: Ref[AudioMessage]
    dialogue: Ref[DialogueMessage]
    history: Ref[HistoryMessage]
    metrics: Ref[MetricsMessage]


@attrs.frozen
class ConnectionSettings:
    """The slices that the connection needs, and what it calls itself."""

    gateway: GatewaySettings
    session: SessionSettings
    audio: AudioSettings
    server: ServerInfo
    hearing_problem: Callable[[str | None, str | None], str | None] = lambda _language, _model: None
    """Why a language cannot be heard, with a model if one is wanted; ``None`` if it can."""


@attrs.frozen(kw_only=True)
class ConnectionStatistics:
    """A moment's view of a connection.

    * ``peer``: the client's address; ``None`` while it is away
    * ``phase``: of the socket
    * ``frames_in``: how many frames have come
    """

    peer: str | None
    phase: str
    frames_in: int


class Connection(Actor[ConnectionMessage]):
    """Reads one socket and writes it."""

    def __init__(
        self,
        peers: ConnectionPeers,
        settings: ConnectionSettings,
        directory: SessionDirectory,
        *,
        refusal: ConnectionRefused | None = None,
        new_token: Callable[[], str],
        server_status: Callable[[], Status],
        unix_time: Callable[[], float],
        stt_models: Callable[[], Sequence[str]] = tuple,
        make_encoder: Callable[[int], SpeechEncoder],
    ) -> None:
        """Serve a session; with a ``refusal`` only a client that comes back to another, and tell that to the rest."""
        self._peers = peers
        self._settings = settings
        self._directory = directory
        self._refusal = refusal
        self._new_token = new_token
        self._server_status = server_status
        self._unix_time = unix_time
        self._stt_models = stt_models
        self._speech = SpeechFrames(make_encoder)
        self._state = SessionState()
        self._errors = SlidingCount(settings.session.max_client_errors, settings.session.client_error_window_s)
        self._memory: ClientMemory
        self._frames_in = 0
        self._handshake_by_s = math.inf
        self._resumption: Resumption

    async def on_start(self) -> None:
        """Pick up the session where the last incarnation left it, and begin to read."""
        self._memory = await self._peers.vault.ask(RecallClient())
        self._handshake_by_s = trio.current_time() + self._settings.session.handshake_timeout_s
        if self._memory.options is not None:
            self._state.receive(self._memory.options)
        self._resumption = Resumption(self._directory, self._memory, self.context.ref, self._new_token)
        self.context.nursery.start_soon(self._resumption.stay_registered)
        if self._memory.socket is None:
            self._resumption.lose_client()
            self.context.nursery.start_soon(self._wait_for_the_client)
        else:
            self._directory.handshakes.listen(self._memory.socket, trio.current_time())
            self.context.nursery.start_soon(self._read, self._memory.socket)
        self.context.nursery.start_soon(self._tick)

    async def handle(self, message: ConnectionMessage) -> bool | None:
        """Write what the rest of the session wants the client to have; answer ``Attach``."""
        if isinstance(message, Attach):
            return await self._attach(message)
        try:
            await self._write(message)
        except SocketClosed as closed:
            log.debug("nothing sent, socket closed %s", closed.code, extra={"session_id": self._memory.session_id})
        return None

    def statistics(self) -> ConnectionStatistics:
        """Show what passed through."""
        socket = self._memory.socket
        peer = None if socket is None else socket.identity.peer
        return ConnectionStatistics(peer=peer, phase=self._state.phase.name, frames_in=self._frames_in)

    # --- writing ---------------------------------------------------------------------------------

    @property
    def _speech_format(self) -> SpeechFormat:
        options = self._memory.options
        return "pcm_s16le" if options is None else options.speech_format

    async def _write(self, message: ClientMessage) -> None:
        """Write; raises ``SocketClosed``. While the client is lost, events are kept and audio is not."""
        socket = self._memory.socket
        match message:
            case Send(event):
                await self._send(event)
            case AudioRefused(reason):
                await self._complain(RemoteProtocolError("bad_audio", reason))
            case SendAudio(samples):
                await send_binary(socket, self._speech.frames(samples, self._speech_format))
            case DropAudio():
                self._speech.drop()
                if socket is not None:
                    socket.drop_queued_binary()
            case GiveUp():
                self._resumption.give_up()
            case Hang(code, reason):
                if socket is None:
                    self.context.stop(reason)
                else:
                    socket.start_close(code, reason)
            case _:
                self.unhandled(message)

    async def _send(self, event: ServerEvent) -> None:
        frames, event = self._speech.announce(event, self._speech_format)
        await send_binary(self._memory.socket, frames)
        self._state.send(event)
        seq = self._memory.sent.next_seq()
        text = native.encode(event, seq)
        if not isinstance(event, ConnectionAccepted):
            self._memory.keep_event(seq, text, trio.current_time())
        socket = self._memory.socket
        if socket is not None:
            await socket.send_text(text)

    def _close(self, code: CloseCode, reason: str) -> None:
        if self._memory.socket is not None:
            self._memory.socket.start_close(code, reason)

    async def _tick(self) -> None:
        interval_s = self._settings.session.status_interval_s
        while True:
            await trio.sleep(interval_s)
            if self._state.phase is SocketPhase.LIVE and not self._memory.is_lost:
                self.context.ref.tell_nowait(Send(self._server_status()))

    # --- reading ---------------------------------------------------------------------------------

    async def _read(self, socket: Socket) -> None:
        try:
            while self._memory.socket is socket:
                frame = await self._next_frame(socket)
                if frame is None:
                    continue
                self._frames_in += 1
                try:
                    await self._receive(frame)
                except RemoteProtocolError as error:
                    await self._complain(error)
                except (ControlLaneFull, MailboxTimeout):  # the dialogue waits for the client to read its answers
                    log.warning(
                        "closing %s: %s", socket.identity.peer, FLOODED, extra={"session_id": self._memory.session_id}
                    )
                    socket.start_close(CloseCode.POLICY_VIOLATION, FLOODED)
        except SocketClosed as closed:
            if not closed.is_from_peer:
                self._peers.metrics.tell_nowait(Count("sockets_closed_total", (str(closed.code),)))
            if self._memory.socket is socket:
                await self._lose_socket(closed)

    async def _next_frame(self, socket: Socket) -> str | bytes | None:
        """Return the next frame; close the socket (and return ``None``) if it was awaited too long."""
        is_live = self._state.phase is not SocketPhase.CONNECTING
        session = self._settings.session
        with trio.move_on_at(trio.current_time() + session.idle_timeout_s if is_live else self._handshake_by_s):
            return await socket.receive()
        if is_live:
            socket.start_close(CloseCode.IDLE, "idle")
        else:
            self._handshake_by_s = math.inf  # said once; what remains is to see the socket closed
            message = f"connection_request expected within {session.handshake_timeout_s:g} s"
            await self._send(Error("handshake_expected", message, fatal=True))
            socket.start_close(CloseCode.POLICY_VIOLATION, "no connection_request", timeout_s=SILENT_CLOSE_S)
        return None

    async def _receive(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            await self._receive_audio(frame)
            return
        event = native.decode(frame)
        if isinstance(event, ConnectionRequest | SessionUpdate):
            check_model(event.stt_model, self._stt_models())
            check_hearing(event, self._memory.options, self._settings.hearing_problem)
        refusal = self._refusal
        if isinstance(event, ConnectionRequest) and refusal is not None and self._state.phase is SocketPhase.CONNECTING:
            if not await self._hand_over(event):
                self._peers.metrics.tell_nowait(Count("shed_total", (str(self._server_status().load_level), "session")))
                await self._send(refusal)
                self._close(CloseCode.TRY_AGAIN_LATER, f"retry_after_ms={refusal.retry_after_ms}")
            return
        self._state.receive(event)
        await self._dispatch(event)

    async def _receive_audio(self, frame: bytes) -> None:
        self._state.receive_audio()
        memory = self._memory
        arriving = memory.arrived_samples
        if memory.options is not None:
            if "stt" not in memory.options.capabilities:
                raise RemoteProtocolError("unexpected_event", "audio came, but stt is not among the capabilities")
            arriving += samples_in(frame, memory.options.audio)
        await self._tell_audio(AudioReceived(frame), arriving)

    async def _tell_audio(self, message: AudioMessage, arriving: int) -> None:
        """Tell it, so that ``arriving`` samples have arrived; tell the client if they cannot be taken in time."""
        memory = self._memory
        try:
            await self._peers.audio.tell(message, timeout_s=OVERRUN_S)
        except MailboxTimeout:
            log.warning("audio overrun", extra={"session_id": memory.session_id})
            await self._send(AudioOverrun(memory.arrived_samples, arriving))
            self._close(CloseCode.OVERRUN, "audio overrun")
        else:
            memory.arrived_samples = arriving

    async def _dispatch(self, event: ClientEvent) -> None:
        match event:
            case ConnectionRequest():
                if not await self._hand_over(event):
                    self._resumption.enter()
                    await self._accept(event)
                    record = SessionRecord(self._memory.session_id, event.client_id, self._unix_time())
                    self._peers.history.tell_nowait(record)
            case SessionUpdate():
                await self._update(event)
            case AudioStart() | AudioEnd():
                await self._tell_audio(event, self._memory.arrived_samples)
            case Text() | Confirm() | Bye():
                await self._peers.dialogue.tell(event, timeout_s=OVERRUN_S)
            case Interrupt():
                self._peers.dialogue.signal(event)
            case Ping(t):
                await self._send(Pong(t))

    async def _accept(self, request: ConnectionRequest, *, resumed: bool = False) -> None:
        self._memory.options = attrs.evolve(request, resume=None)
        if self._memory.socket is not None:
            self._directory.handshakes.complete(self._memory.socket)
        configured = Configured(self._memory.options, self._memory.voice, self._memory.task)
        await self._peers.audio.tell(configured)
        await self._peers.dialogue.tell(configured)
        gateway, session, audio = self._settings.gateway, self._settings.session, self._settings.audio
        await self._send(
            ConnectionAccepted(
                session_id=self._memory.session_id,
                resume_token=self._memory.resume_token,
                resume_window_s=session.resume_window_s,
                server=self._settings.server,
                audio=request.audio,
                limits=SessionLimits(
                    gateway.websocket.max_message_bytes, audio.max_utterance_s, session.idle_timeout_s
                ),
                resumed=resumed,
                received_samples=self._memory.arrived_samples,
            )
        )

    async def _update(self, update: SessionUpdate) -> None:
        options = self._memory.options
        if options is None:  # the session table lets no update through before the handshake
            raise AssertionError("session_update before connection_request")
        wanted = attrs.asdict(update, recurse=False, filter=lambda _, value: value is not None)
        memory = self._memory
        memory.voice = wanted.pop("voice", None) or memory.voice
        memory.task = wanted.pop("task", None) or memory.task
        memory.options = attrs.evolve(options, **wanted)
        configured = Configured(memory.options, memory.voice, memory.task)
        await self._tell_audio(configured, self._memory.arrived_samples)
        await self._peers.dialogue.tell(configured, timeout_s=OVERRUN_S)

    async def _complain(self, error: RemoteProtocolError) -> None:
        too_many = self._errors.add(trio.current_time())
        await self._send(Error(error.code, str(error), fatal=error.fatal or too_many))
        if too_many:
            self._close(CloseCode.POLICY_VIOLATION, "too many errors")
        elif error.fatal:
            self._close(error.close_code or CloseCode.POLICY_VIOLATION, error.code)

    # --- losing the client, and having it back ---------------------------------------------------

    async def _lose_socket(self, closed: SocketClosed) -> None:
        """Wait for the client to come back, if it may; else end."""
        window_s = self._settings.session.resume_window_s
        is_kept = may_come_back(self._state.phase, closed.code, is_from_peer=closed.is_from_peer)
        if self._memory.options is None or not window_s or not is_kept:
            self.context.stop(f"socket closed {closed.code}")
            return
        log.info("socket lost: %s", closed.code, extra={"session_id": self._memory.session_id})
        self._resumption.lose_client()
        await self._peers.dialogue.tell(Presence(is_there=False))
        await self._wait_for_the_client()

    async def _wait_for_the_client(self) -> None:
        cause = await self._resumption.wait_for_client(self._settings.session.resume_window_s)
        if cause is not None:
            self._peers.metrics.tell_nowait(Count("sessions_given_up_total", (cause,)))
            self.context.stop(GIVEN_UP[cause])

    async def _hand_over(self, request: ConnectionRequest) -> bool:
        """Give the socket to the session that the client wants back; return ``False`` if there is none any more."""
        key = "" if request.resume is None else resume_key(request.resume.token)
        session, socket = self._directory.resumable.lookup(key), self._memory.socket
        if session is None or socket is None:
            return False
        try:
            await self._peers.dialogue.ask(Configured(request))  # all have started: who ends before has failed
            if not await session.ask(Attach(socket, request), timeout_s=HAND_OVER_S):
                return False
        except (ActorDied, ActorUnavailable, MailboxClosed):
            return False
        except (AskError, MailboxError) as error:
            log.warning("a client could not be handed over: %s", error)
            self._close(CloseCode.TRY_AGAIN_LATER, "the session does not answer")
        else:
            self._memory.socket = None
            self.context.stop("its client has gone back to its session")
        return True

    async def _attach(self, attach: Attach) -> bool:
        """Take the client that has come back: first what it missed, in order, then the news that it is back.

        Return ``False`` if its token is not valid any more, and leave the client alone.
        """
        memory, resume = self._memory, attach.request.resume
        if resume is None or not self._resumption.take_back(resume.token):
            return False
        self._close(CloseCode.SUPERSEDED, "another socket has taken over this session")
        self._state = SessionState()
        self._state.receive(attach.request)
        memory.attach(attach.socket)
        try:
            for text in memory.sent.after(resume.last_seq):
                await attach.socket.send_text(text)
            await self._accept(attach.request, resumed=True)
            await self._peers.dialogue.tell(Presence(is_there=True))
        except SocketClosed as closed:
            log.debug("lost again: %s", closed.code, extra={"session_id": memory.session_id})
        except MailboxTimeout as error:
            log.warning("a client that came back cannot be served: %s", error, extra={"session_id": memory.session_id})
            self._close(CloseCode.OVERRUN, "the session is busy")
        self.context.nursery.start_soon(self._read, attach.socket)
        return True


async def send_binary(socket: Socket | None, frames: Sequence[bytes]) -> None:
    """Queue audio, if there is anybody to hear it; raises ``SocketClosed``."""
    if socket is not None:
        for frame in frames:
            await socket.send_binary(frame)


def check_model(name: str | None, offered: Sequence[str]) -> None:
    """Raise ``RemoteProtocolError`` for a recogniser model that there is not."""
    if name is not None and name not in offered:
        known = ", ".join(offered)
        raise RemoteProtocolError("unknown_model", f"stt_model must be one of {known}, not {name[:SHOWN_CHARS]!r}")


def check_hearing(
    event: ConnectionRequest | SessionUpdate,
    options: ConnectionRequest | None,
    problem_with: Callable[[str | None, str | None], str | None],
) -> None:
    """Raise ``RemoteProtocolError`` for a language that no model here can hear; who only types may have any.

    ``options`` are those of the session that an update does not change.
    """
    before = options if isinstance(event, SessionUpdate) else None
    capabilities = event.capabilities or (() if before is None else before.capabilities)
    language = event.language or (None if before is None else before.language)
    model = event.stt_model or (None if before is None else before.stt_model)
    problem = problem_with(language, model) if "stt" in capabilities else None
    if problem is not None:
        raise RemoteProtocolError("bad_field", f"{native.wire_name(type(event))}.data.language: {problem}")
