"""One session's connection to its client.

Rules kept here:

* Errors of ours crash the actor, and its next incarnation continues with the same socket.
* A socket that is lost is not the end, if the client's dialect lets it come back with the session's token: the session
  waits until it does, or until the window is over.
* A client that comes back is met by the connection of a new session, which hands it over to the old one and ends.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial

import attrs
import trio

from actors.connection.checkpoint import Checkpoint
from actors.connection.context import ConnectionContext, ConnectionPeers, ConnectionSettings, SessionMoves
from actors.connection.directory import SessionDirectory
from actors.connection.opening import SessionOpening
from actors.connection.reading import ClientReader
from actors.connection.resuming import Resumption
from actors.connection.writing import ClientWriter
from protocol.admission.rate import SlidingCount
from protocol.dialects.attach import Attach, ConnectionMessage
from protocol.dialects.client_memory import ClientMemory
from protocol.dialects.dialect import ClientLink
from protocol.dialects.session import SocketPhase, may_come_back
from protocol.dialects.speech_frames import SpeechEncoder, SpeechFrames
from protocol.messages.errors import CloseCode, RemoteProtocolError
from protocol.messages.events import ConnectionRefused, Degraded, Recovered, Status
from protocol.messages.hearing import AudioRefused
from protocol.messages.inboxes import ClientMessage
from protocol.messages.records import Count
from protocol.messages.session import DropAudio, GiveUp, Hang, LetGo, Presence, Send, SendAudio, WriteAgain
from protocol.messages.socket import SocketClosed
from protocol.turns.session_memory import RecallClient
from runtime import Actor, MailboxTimeout

NOT_MOVING = SessionMoves()
GIVEN_UP = {"window": "the client did not come back", "room": "a newcomer needed its place"}

log = logging.getLogger("sayso.connection")


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
    """Reads one client and writes to it."""

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
        moves: SessionMoves = NOT_MOVING,
    ) -> None:
        """Serve a session; with a ``refusal`` only a client that resumes another session, and refuse all others."""
        self._peers = peers
        self._settings = settings
        self._new_token = new_token
        self._server_status = server_status
        self._make_encoder = make_encoder
        self._context_of = partial(
            ConnectionContext,
            peers=peers,
            settings=settings,
            directory=directory,
            refusal=refusal,
            server_status=server_status,
            stt_models=stt_models,
            moves=moves,
            unix_time=unix_time,
        )
        self._memory: ClientMemory
        self._session: ConnectionContext
        self._writer: ClientWriter
        self._resumption: Resumption
        self._opening: SessionOpening
        self._reader: ClientReader

    async def on_start(self) -> None:
        """Continue the session where the last incarnation left it, and begin to read."""
        self._memory = memory = await self._peers.vault.ask(RecallClient())
        self._session = session = self._context_of(memory)
        if memory.options is not None:
            session.state.receive(memory.options)
        limits = self._settings.session
        errors = SlidingCount(limits.max_client_errors, limits.client_error_window_s)
        self._writer = ClientWriter(session, SpeechFrames(self._make_encoder), errors)
        self._resumption = Resumption(session, self.context.ref, self._new_token)
        self._opening = SessionOpening(session, self._writer, self._resumption)
        now_s = trio.current_time()
        self._reader = ClientReader(session, self._writer, self._opening, now_s + limits.handshake_timeout_s)
        start_soon = self.context.nursery.start_soon
        await self.context.nursery.start(self._resumption.stay_registered)
        if memory.link is None:
            self._resumption.lose_client()
            start_soon(self._wait_for_the_client)
        else:
            session.directory.handshakes.listen(memory.link.socket, now_s)
            start_soon(self._serve, memory.link)
        start_soon(self._tick)
        if session.moves.checkpoint is not None:
            start_soon(self._leave_when_taken, session.moves.checkpoint)

    async def handle(self, message: ConnectionMessage) -> bool | None:
        """Write the session's events and audio to the client; answer ``Attach``."""
        if isinstance(message, Attach):
            return await self._attach(message)
        try:
            await self._write(message)
        except SocketClosed as closed:
            log.debug("nothing sent, socket closed %s", closed.code, extra={"session_id": self._memory.session_id})
        return None

    def statistics(self) -> ConnectionStatistics:
        """Return counts of the frames read."""
        socket = self._memory.socket
        peer = None if socket is None else socket.identity.peer
        phase = self._session.state.phase.name
        return ConnectionStatistics(peer=peer, phase=phase, frames_in=self._reader.frames_in)

    async def _write(self, message: ClientMessage) -> None:
        """Write; raises ``SocketClosed``."""
        match message:
            case Send(Degraded() | Recovered()) if self._session.state.phase is SocketPhase.CONNECTING:
                pass  # news of the server, which a client without a session has no use for
            case Send(event):
                await self._writer.send(event)
            case AudioRefused(reason):
                await self._writer.complain(RemoteProtocolError("bad_audio", reason))
            case SendAudio(samples):
                await self._writer.send_speech(samples)
            case DropAudio():
                self._writer.drop_speech()
            case GiveUp():
                self._resumption.give_up()
            case LetGo():
                self._let_go()
            case WriteAgain():
                await self._refresh()
            case Hang():
                await self._hang_up(message)
            case _:
                self.unhandled(message)

    async def _hang_up(self, hang: Hang) -> None:
        """Close the socket; where the client shall go on elsewhere, everything is written before."""
        if self._checkpoint is not None and hang.code == CloseCode.SERVICE_RESTART:
            await self._checkpoint.save()
        if self._memory.link is None:
            self.context.stop(hang.reason)
        else:
            self._writer.close(hang.code, hang.reason)

    @property
    def _checkpoint(self) -> Checkpoint | None:
        return self._session.moves.checkpoint

    async def _refresh(self) -> None:
        if self._checkpoint is not None:
            await self._checkpoint.refresh()

    def _let_go(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.let_go()

    async def _leave_when_taken(self, checkpoint: Checkpoint) -> None:
        await checkpoint.taken.wait()
        self._writer.close(CloseCode.SUPERSEDED, "the session goes on at another replica")
        self.context.stop("its session goes on at another replica")

    async def _end(self, reason: str) -> None:
        """End the session for good: no other replica shall have it either."""
        if self._checkpoint is not None:
            await self._checkpoint.forget()
        self.context.stop(reason)

    async def _tick(self) -> None:
        while True:
            await trio.sleep(self._settings.session.status_interval_s)
            await self._refresh()
            if self._session.state.phase is SocketPhase.LIVE and not self._memory.is_lost:
                self.context.ref.tell_nowait(Send(self._server_status()))

    # --- losing the client, and having it back ---------------------------------------------------

    async def _serve(self, link: ClientLink) -> None:
        """Read until the client is gone from this socket, then wait for its return or end."""
        closed = await self._reader.read(link)
        if closed is None:
            self.context.stop("its client has gone back to its session")
            return
        if not closed.is_from_peer:
            self._peers.metrics.tell_nowait(Count("sockets_closed_total", (str(closed.code),)))
        if self._memory.link is link:
            await self._lose_socket(closed)

    async def _lose_socket(self, closed: SocketClosed) -> None:
        """Wait for the client to come back, if it may; else end."""
        is_kept = may_come_back(self._session.state.phase, closed.code, is_from_peer=closed.is_from_peer)
        may_resume = self._memory.may_resume and self._settings.session.resume_window_s > 0
        if self._memory.options is None or not may_resume or not is_kept:
            if closed.code == CloseCode.SERVICE_RESTART:
                self.context.stop(f"socket closed {closed.code}")
            else:
                await self._end(f"socket closed {closed.code}")
            return
        log.info("socket lost: %s", closed.code, extra={"session_id": self._memory.session_id})
        self._resumption.lose_client()
        if self._checkpoint is not None:
            await self._checkpoint.save()
        await self._peers.dialogue.tell(Presence(is_there=False))
        await self._wait_for_the_client()

    async def _wait_for_the_client(self) -> None:
        cause = await self._resumption.wait_for_client(self._settings.session.resume_window_s)
        if cause is not None:
            self._peers.metrics.tell_nowait(Count("sessions_given_up_total", (cause,)))
            await self._end(GIVEN_UP[cause])

    async def _attach(self, attach: Attach) -> bool:
        """Take over a client that has come back: send the events that it missed, then report its presence.

        Return ``False`` if its token is not valid any more or another user's, and leave the client alone.
        """
        memory, resume = self._memory, attach.request.resume
        if resume is None or not self._resumption.take_back(resume.token, attach.link.socket.identity.user):
            return False
        self._writer.close(CloseCode.SUPERSEDED, "another socket has taken over this session")
        self._session.state.begin_anew()
        self._session.state.receive(attach.request)
        memory.attach(attach.link)
        try:
            await self._writer.send_again(resume.last_seq)
            await self._opening.accept(attach.request, resumed=True)
            await self._peers.dialogue.tell(Presence(is_there=True))
        except SocketClosed as closed:
            log.debug("lost again: %s", closed.code, extra={"session_id": memory.session_id})
        except MailboxTimeout as error:
            log.warning("a client that came back cannot be served: %s", error, extra={"session_id": memory.session_id})
            self._writer.close(CloseCode.OVERRUN, "the session is busy")
        self.context.nursery.start_soon(self._serve, attach.link)
        return True
