"""Builds the actors of a session, and asks sessions to end.

Rules kept here:

* A session is four actors around one socket; its id cannot be guessed.
* A client is told once that its session is to end, with a time at which to come back.
"""

import logging
import random
import secrets
import time
from collections.abc import Mapping
from functools import partial
from typing import Final, Never

import trio

from actors.admission.shared_rates import SharedRates
from actors.audio import Audio, AudioPeers, WakeWord
from actors.connection.checkpoint import Checkpoint
from actors.connection.connection import Connection
from actors.connection.context import ConnectionPeers, ConnectionSettings, SessionMoves
from actors.connection.directory import SessionDirectory
from actors.dialogue import Dialogue
from actors.session import Session, SessionFault
from actors.turn.turn_context import TurnContext, TurnPeers
from actors.turn.turn_guard import TurnGuard, no_record
from actors.vault import Vault
from assembly.adapters import Adapters
from assembly.client_news import ClientNews
from assembly.refs import JOBS, Refs, SessionRefs, new_session_refs
from assembly.status_source import StatusSource
from backends.protocols import SharedUnavailable
from backends.speech.wake_words import wake_words
from config.settings import RateSettings, Settings
from protocol.admission.drain import Drain, come_back_within_s
from protocol.admission.eviction import Activity
from protocol.admission.notices import SESSION_FAULTS
from protocol.admission.population import Population
from protocol.admission.sender_rates import SenderRates, guide_limits
from protocol.audio.audio_memory import AudioMemory
from protocol.audio.pcm_buffer import PcmBuffer
from protocol.dialects.client_memory import ClientMemory, ClientView
from protocol.dialects.dialect import ClientLink
from protocol.messages.events import ConnectionRefused, ConnectionRequest, Degraded, Recovered, ServerInfo
from protocol.messages.hearing import INTERNAL_RATE_HZ
from protocol.messages.inboxes import DialogueMessage
from protocol.messages.records import Count
from protocol.messages.session import Leave, LetGo, Send, WriteAgain
from protocol.turns.listeners import Listeners
from protocol.turns.moving import BadRecord, recalled, unpacked
from protocol.turns.session_memory import SessionMemory
from protocol.turns.turn_memory import TurnMemory
from runtime import AskError, ChildSpec, Intensity, MailboxError, Ref, Registry, Restart, StartChild

log = logging.getLogger("sayso.session")

REVIVE_S = 5.0
EVICT_WITHIN_S = 30.0  # seconds that a client is given to finish

TOLD_TO_CLIENT: Final[Mapping[str, Degraded | Recovered]] = {
    "crashed": Degraded("session", "a part of it is started again"),
    "recovered": Recovered("session", "it goes on"),
}  # a session that has failed closes its socket


class Sessions:
    """Makes the subtree of each session, and keeps track of the sessions."""

    def __init__(
        self,
        settings: Settings,
        refs: Refs,
        adapters: Adapters,
        status: StatusSource,
        live: Registry[DialogueMessage],
    ) -> None:
        """Register each session's dialogue in ``live``."""
        self.live = live
        self.directory = SessionDirectory(
            rates=SharedRates(sender_rates(settings.gateway.rate), adapters.shared),
            population=Population(2 * settings.gateway.websocket.max_connections),
        )
        self.news = ClientNews(self.directory)
        self.speaking: dict[str, str] = {}  # audio actor's name -> tenant that is speaking
        self.activity = Activity()
        self.listeners = Listeners()
        self._rng = random.Random()  # jitter only
        self._settings = settings
        self._refs = refs
        self._adapters = adapters
        self._status = status

    def announce_drain(self, told: set[str], drain: Drain) -> None:
        """Ask every session that was not asked before to finish; ``told`` collects the sessions asked."""
        now_s = trio.current_time()
        for session_id in self.live.names():
            dialogue = self.live.lookup(session_id)
            if dialogue is not None and session_id not in told:
                told.add(session_id)
                retry_after_s = self._come_back_s()
                dialogue.signal(Leave(drain.reason, max(0.0, drain.deadline_s - now_s), retry_after_s))

    def let_go(self, owner: str) -> bool:
        """End the half of a session that another replica has taken; return whether it was here."""
        connection = self.directory.owned.lookup(owner)
        if connection is not None:
            connection.signal(LetGo())
        return connection is not None

    def write_again(self) -> None:
        """Have all sessions written to the shared store that could not be written."""
        for owner in self.directory.owned.names():
            connection = self.directory.owned.lookup(owner)
            if connection is not None:
                connection.tell_nowait(WriteAgain())

    def evict(self) -> None:
        """Ask some sessions to end; each does so when nothing is said or answered."""
        for session_id in self.activity.next_leavers(trio.current_time()):
            dialogue = self.live.lookup(session_id)
            if dialogue is not None:
                dialogue.signal(Leave("the server is under load", EVICT_WITHIN_S, self._come_back_s()))

    def _come_back_s(self) -> float:
        return self._rng.uniform(*come_back_within_s(self._status.other_replicas()))

    def open(self, client: ClientLink, refusal: ConnectionRefused | None = None) -> ChildSpec[Never]:
        """Return the spec of a session with ``client``: a subtree that ends with its connection.

        With a ``refusal`` only a client that resumes another session is served.
        """
        session_id = secrets.token_hex(8)
        kept = new_memory(session_id, self._settings)
        kept.client.attach(client)
        kept.turns.recall(client.turns, {})
        return self._spec(kept, refusal)

    async def revive(self, request: ConnectionRequest) -> None:
        """Open the session that the client wants back, if another replica has kept it: it waits for its client then."""
        store, resume = self._adapters.shared, request.resume
        if store is None or resume is None:
            return
        count = self._refs.metrics.tell_nowait
        try:
            record = await store.take_session(resume.token)
            if record is None:
                return
            kept = recalled(
                unpacked(record),
                seen_seq=resume.last_seq,
                capacity_samples=buffer_samples(self._settings),
                now_s=trio.current_time(),
            )
            await self._refs.sessions.ask(StartChild(self._spec(kept, None)), timeout_s=REVIVE_S)
        except SharedUnavailable:
            count(Count("moves_total", ("unknown",)))
        except (BadRecord, AskError, MailboxError) as error:
            log.warning("a session of another replica cannot go on here: %s", error)
            count(Count("moves_total", ("refused",)))
        else:
            log.info("a session goes on here", extra={"session_id": kept.client.session_id})
            count(Count("moves_total", ("taken",)))

    def _spec(self, kept: SessionMemory, refusal: ConnectionRefused | None) -> ChildSpec[Never]:
        session_id = kept.client.session_id
        refs = new_session_refs(session_id, self._settings.audio)
        limits = self._settings.session
        checkpoint = self._checkpoint(kept)
        children = (
            ChildSpec(ref=refs.vault, factory=partial(Vault, lambda: kept)),
            ChildSpec(
                ref=refs.connection,
                factory=partial(self._connection, refs, refusal, checkpoint),
                restart=Restart.TRANSIENT,
                significant=True,
            ),
            ChildSpec(ref=refs.audio, factory=partial(self._audio, refs), restart=Restart.TRANSIENT),
            ChildSpec(ref=refs.dialogue, factory=partial(self._dialogue, refs, checkpoint), restart=Restart.TRANSIENT),
        )
        intensity = Intensity(limits.max_restarts, limits.restart_window_s)
        on_fault = partial(self._tell_fault, refs, kept.client)
        session = partial(Session, kept.client, children, intensity, on_fault=on_fault)
        return ChildSpec(ref=Ref(session_id, JOBS), factory=session, restart=Restart.TEMPORARY)

    def _tell_fault(self, refs: SessionRefs, client: ClientView, fault: SessionFault) -> None:
        """Tell operators of a crash inside a session, and its client as well."""
        self._refs.metrics.tell_nowait(Count(SESSION_FAULTS, (fault.event, fault.part, fault.cause)))
        event = TOLD_TO_CLIENT.get(fault.event)
        if event is not None and client.options is not None:
            refs.connection.tell_nowait(Send(event))

    def _checkpoint(self, kept: SessionMemory) -> Checkpoint | None:
        store, window_s = self._adapters.shared, self._settings.session.resume_window_s
        if store is None or window_s == 0:
            return None
        return Checkpoint(store, kept, secrets.token_hex(16), window_s, self._refs.metrics.tell_nowait)

    def _connection(
        self, refs: SessionRefs, refusal: ConnectionRefused | None, checkpoint: Checkpoint | None
    ) -> Connection:
        server = ServerInfo("sayso", self._adapters.version, self._settings.shared.replica or None)
        parts = self._settings
        hearing_problem = self._status.hearing_problem
        settings = ConnectionSettings(
            parts.gateway,
            parts.session,
            parts.audio,
            server,
            hearing_problem,
            parts.wake.word,
            self._adapters.wake_word_problem,
            wake_words(),
        )
        return Connection(
            ConnectionPeers(refs.vault, refs.audio, refs.dialogue, self._refs.history, self._refs.metrics),
            settings,
            self.directory,
            refusal=refusal,
            new_token=new_token,
            server_status=self._status.status_event,
            stt_models=self._status.stt_models,
            make_encoder=self._adapters.make_encoder,
            moves=SessionMoves(checkpoint, self.revive),
            unix_time=time.time,
        )

    def _audio(self, refs: SessionRefs) -> Audio:
        return Audio(
            self._settings.audio,
            AudioPeers(refs.vault, refs.connection, refs.dialogue, self._refs.metrics),
            make_decoder=self._adapters.make_decoder,
            detector=self._adapters.make_detector(self._status.load_level),
            wake=WakeWord(self._settings.wake, self._adapters.make_wake_word_detector),
            speaking=self.speaking,
        )

    def _dialogue(self, refs: SessionRefs, checkpoint: Checkpoint | None) -> Dialogue:
        return Dialogue(
            refs.vault, partial(self._turn_context, refs, checkpoint), self.live, self.activity, self.listeners
        )

    def _turn_context(
        self, refs: SessionRefs, checkpoint: Checkpoint | None, memory: TurnMemory, client: ClientView
    ) -> TurnContext:
        server, settings = self._refs, self._settings
        return TurnContext(
            peers=TurnPeers(
                connection=refs.connection,
                audio=refs.audio,
                transcription=server.transcription,
                meaning=server.meaning,
                inference=server.inference,
                tools=server.tools,
                speech=server.speech,
                history=server.history,
                metrics=server.metrics,
                traces=server.traces if settings.traces.url else None,
            ),
            dialogue=settings.dialogue,
            tools=settings.tools,
            lead_s=settings.speech.lead_s,
            grammar=self._adapters.grammar,
            memory=memory,
            client_view=client,
            unix_time=time.time,
            new_id=partial(secrets.token_hex, 6),
            guard=TurnGuard(
                partial(count_turn, self.directory.rates, client),
                no_record if checkpoint is None else checkpoint.save,
            ),
        )


def sender_rates(settings: RateSettings) -> SenderRates:
    """Return the limits of the settings."""
    if not settings.enabled:
        return SenderRates()
    limits = guide_limits(settings.per_minute, settings.per_hour, settings.burst)
    return SenderRates(limits, counts_loopback=settings.loopback)


async def count_turn(rates: SharedRates, client: ClientView) -> float:
    """Count a turn of the client and return 0, or return the seconds that it must wait for the next one."""
    return 0.0 if client.identity is None else await rates.take(client.identity)


def new_token() -> str:
    """Return a new resume token, which proves that a client may resume its session: 256 random bits."""
    return secrets.token_urlsafe(32)


def new_memory(session_id: str, settings: Settings) -> SessionMemory:
    """Return the memory of a new session."""
    return SessionMemory(
        client=ClientMemory(session_id, new_token()),
        audio=AudioMemory(PcmBuffer(buffer_samples(settings))),
    )


def buffer_samples(settings: Settings) -> int:
    """Return how many samples of a session's audio are kept."""
    return round(settings.audio.max_utterance_s * 1.5) * INTERNAL_RATE_HZ
