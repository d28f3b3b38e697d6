"""How a session is opened: the client's options are checked, kept and handed on, at the handshake and later.

Rules kept here:

* A client that comes back is met by the connection of a new session, which hands it over and ends.
* An invalid option is refused before anything changes.
"""

from collections.abc import Callable, Sequence

import attrs

from actors.connection.context import ConnectionContext
from actors.connection.resuming import Resumption
from actors.connection.writing import ClientWriter
from protocol.audio.wake import plain_wake_word
from protocol.dialects.session import SocketPhase
from protocol.messages.errors import CloseCode, RemoteProtocolError
from protocol.messages.events import (
    ConnectionAccepted,
    ConnectionRequest,
    SessionLimits,
    SessionUpdate,
    event_name,
)
from protocol.messages.records import Count, SessionRecord
from protocol.messages.session import Configured

SHOWN_CHARS = 40  # of what a client sent, in an error message


@attrs.frozen(eq=False)
class SessionOpening:
    """Opens one session, and changes its options."""

    context: ConnectionContext
    writer: ClientWriter
    resumption: Resumption

    async def open(self, request: ConnectionRequest) -> None:
        """Accept the client, refuse it, or hand it over to the session that it resumes.

        Raises ``RemoteProtocolError`` for an option that cannot be served, or for a second request.
        """
        context = self.context
        self._check(request)
        refusal = context.refusal if context.state.phase is SocketPhase.CONNECTING else None
        if refusal is None:
            context.state.receive(request)
        socket = context.memory.socket
        if await self.resumption.hand_over(request):
            if refusal is None and socket is not None:
                await context.directory.rates.give_back(socket.identity)  # a resumed session counts for nothing
            return
        if refusal is not None:
            context.peers.metrics.tell_nowait(Count("shed_total", (str(context.server_status().load_level), "session")))
            await self.writer.send(refusal)
            self.writer.close(CloseCode.TRY_AGAIN_LATER, f"retry_after_ms={refusal.retry_after_ms}")
            return
        self.resumption.enter()
        await self.accept(request)
        memory = context.memory
        record = SessionRecord(memory.session_id, memory.user, context.unix_time(), request.client_id)
        context.peers.history.tell_nowait(record)

    async def accept(self, request: ConnectionRequest, *, resumed: bool = False) -> None:
        """Keep the client's options, send them to audio and dialogue, and send ``connection_accepted``."""
        memory, settings, peers = self.context.memory, self.context.settings, self.context.peers
        wake_word = settings.wake_word if request.wake is None else request.wake
        memory.options = attrs.evolve(request, resume=None, wake=plain_wake_word(wake_word) or None)
        if memory.socket is not None:
            self.context.directory.handshakes.complete(memory.socket)
        configured = Configured(memory.options, memory.voice, memory.task)
        await peers.audio.tell(configured)
        await peers.dialogue.tell(configured)
        max_bytes, idle_s = settings.gateway.websocket.max_message_bytes, settings.session.idle_timeout_s
        await self.writer.send(
            ConnectionAccepted(
                session_id=memory.session_id,
                resume_token=memory.resume_token,
                resume_window_s=settings.session.resume_window_s,
                server=settings.server,
                audio=request.audio,
                limits=SessionLimits(max_bytes, settings.audio.max_utterance_s, idle_s),
                resumed=resumed,
                received_samples=memory.arrived_samples,
                wake=memory.options.wake,
                wake_words=tuple(settings.wake_words) or None,
            )
        )

    def change(self, update: SessionUpdate) -> Configured:
        """Keep changed options, and return them for audio and dialogue; raises ``RemoteProtocolError``."""
        memory = self.context.memory
        self._check(update)
        self.context.state.receive(update)
        if memory.options is None:  # the session table lets no update through before the handshake
            raise AssertionError("session_update before connection_request")
        wanted = attrs.asdict(update, recurse=False, filter=lambda _, value: value is not None)
        memory.voice = wanted.pop("voice", None) or memory.voice
        memory.task = wanted.pop("task", None) or memory.task
        if "wake" in wanted:
            wanted["wake"] = plain_wake_word(wanted["wake"]) or None
        memory.options = attrs.evolve(memory.options, **wanted)
        return Configured(memory.options, memory.voice, memory.task)

    def _check(self, event: ConnectionRequest | SessionUpdate) -> None:
        check_model(event.stt_model, self.context.stt_models())
        check_wake_word(event.wake, self.context.settings.wake_word_problem)
        check_hearing(event, self.context.memory.options, self.context.settings.hearing_problem)


def check_model(name: str | None, offered: Sequence[str]) -> None:
    """Raise ``RemoteProtocolError`` for a recogniser model that is not offered."""
    if name is not None and name not in offered:
        known = ", ".join(offered)
        raise RemoteProtocolError("unknown_model", f"stt_model must be one of {known}, not {name[:SHOWN_CHARS]!r}")


def check_wake_word(word: str | None, problem_with: Callable[[str], str | None]) -> None:
    """Raise ``RemoteProtocolError`` for a wake word that cannot be listened for; an empty one asks for none."""
    problem = problem_with(word) if word else None
    if problem is not None:
        raise RemoteProtocolError("unknown_wake_word", problem)


def check_hearing(
    event: ConnectionRequest | SessionUpdate,
    options: ConnectionRequest | None,
    problem_with: Callable[[str | None, str | None], str | None],
) -> None:
    """Raise ``RemoteProtocolError`` for a language that no model transcribes; a client that only types may have any.

    ``options`` are those of the session that an update does not change.
    """
    before = options if isinstance(event, SessionUpdate) else None
    capabilities = event.capabilities or (() if before is None else before.capabilities)
    language = event.language or (None if before is None else before.language)
    model = event.stt_model or (None if before is None else before.stt_model)
    problem = problem_with(language, model) if "stt" in capabilities else None
    if problem is not None:
        raise RemoteProtocolError("bad_field", f"{event_name(type(event))}.language: {problem}")
