"""The context that the parts of a turn share."""

import logging
import math
from collections.abc import Callable

import attrs

from actors.connection.telling import ToClient
from actors.turn.turn_guard import TurnGuard
from backends.protocols import CommandGrammar
from config.settings import DialogueSettings, ToolsSettings
from protocol.admission.sender_rates import rate_message
from protocol.dialects.attach import ConnectionMessage
from protocol.dialects.client_memory import ClientView
from protocol.language.phrases import phrase
from protocol.messages.events import (
    ConnectionRequest,
    Error,
    NoSpeech,
    NoSpeechReason,
    Outcome,
    Reply,
    ReplyDelta,
    ServerEvent,
)
from protocol.messages.hearing import NothingHeard, Recognition, ReplyExpected, SpokenBefore, Utterance
from protocol.messages.inboxes import (
    AudioMessage,
    HistoryMessage,
    InferenceMessage,
    MeaningMessage,
    MetricsMessage,
    SpeechMessage,
    ToolsMessage,
    TracesMessage,
    TranscriptionMessage,
)
from protocol.messages.records import Count, TurnRecord
from protocol.messages.session import Hang, Send
from protocol.turns.turn_memory import TurnMemory
from protocol.turns.turn_report import TurnReport
from runtime import MailboxError, Ref

log = logging.getLogger("sayso.turn")


@attrs.frozen
class TurnPeers:
    """The actors that a turn sends to."""

    connection: Ref[ConnectionMessage]
    audio: Ref[AudioMessage]
    transcription: Ref[TranscriptionMessage]
    meaning: Ref[MeaningMessage]
    inference: Ref[InferenceMessage]
    tools: Ref[ToolsMessage]
    speech: Ref[SpeechMessage]
    history: Ref[HistoryMessage]
    metrics: Ref[MetricsMessage]
    traces: Ref[TracesMessage] | None = None
    """``None`` while nobody wants traces."""


@attrs.frozen
class TurnContext:
    """The same for every turn of a session."""

    peers: TurnPeers
    dialogue: DialogueSettings
    tools: ToolsSettings
    lead_s: float
    grammar: CommandGrammar
    memory: TurnMemory
    client_view: ClientView
    unix_time: Callable[[], float]
    new_id: Callable[[], str]
    guard: TurnGuard = attrs.field(factory=TurnGuard)

    @property
    def client(self) -> ToClient:
        """The sender of events to the client."""
        return ToClient(self.peers.connection, self.client_view)

    def take_turn(self) -> float:
        """Return the seconds that the client must wait for a turn; 0 if the one that begins was counted."""
        return self.guard.wait_s

    async def show(self, event: ServerEvent) -> None:
        """Send ``event`` to the client; a client that has gone misses nothing."""
        if isinstance(event, Reply | ReplyDelta) and self.memory.answered != event.turn_id:
            self.memory.answered = event.turn_id
            await self.guard.note()
        await self.client.tell(Send(event))

    async def hang_up(self, farewell: Hang) -> None:
        """Close the socket after all earlier events; a client that has gone is left alone."""
        await self.client.tell(farewell)

    async def refuse_turn(self, turn_id: str, wait_s: float) -> None:
        """Tell the client that it had as many turns as it may, and count it."""
        self.peers.metrics.tell_nowait(Count("refusals_total", ("rate",)))
        retry_after_ms = math.ceil(1000 * wait_s)
        await self.show(Error("rate_limited", rate_message(wait_s), turn_id=turn_id, retry_after_ms=retry_after_ms))

    def record_of(self, report: TurnReport, outcome: Outcome) -> TurnRecord:
        """Return the record of a turn of this session, for history and metrics."""
        session_id, user_id = self.client_view.session_id, self.client_view.user
        return report.record(outcome, session_id=session_id, user_id=user_id, timestamp=self.unix_time())

    async def show_no_speech(self, turn_id: str, reason: NoSpeechReason) -> None:
        """Tell the client that there were no words, and count it."""
        self.peers.metrics.tell_nowait(Count("no_speech_total", (reason,)))
        await self.show(NoSpeech(turn_id, reason))
        if self.has_wake_word:
            self.peers.audio.tell_nowait(NothingHeard())  # else the client says its wake word again

    @property
    def has_wake_word(self) -> bool:
        """Whether the client speaks after a wake word only."""
        options = self.client_view.options
        return options is not None and options.wake is not None

    async def expect_reply(self, for_s: float = 0.0) -> None:
        """Let the user speak without the wake word for a while: ``for_s`` at least, and as after any answer if 0."""
        if not self.has_wake_word:
            return
        try:
            await self.peers.audio.tell(ReplyExpected(for_s))
        except MailboxError as error:  # the wake word is needed, then
            log.debug("no reply is expected: %s", error, extra={"session_id": self.client_view.session_id})


@attrs.frozen
class SessionOptions:
    """The client's options, with its later changes."""

    options: ConnectionRequest
    voice: str | None = None
    task: str | None = None

    @property
    def language(self) -> str:
        """The language that grammar and vocabulary are chosen by."""
        return self.options.language or "en"

    def told(self, sentence: str, **slots: str) -> str:
        """Return a sentence of ``protocol/language/phrases.py`` in the client's language."""
        return phrase(sentence, self.language, **slots)

    def wants(self, capability: str) -> bool:
        """Whether the client asked for ``capability``."""
        return capability in self.options.capabilities


@attrs.frozen
class Heard:
    """The words that a turn is about."""

    text: str
    alternatives: tuple[str, ...] = ()
    confidence: float = 1.0
    """0..1; typed words are certain."""
    language: str = "en"
    """The client's language, in which it is answered."""
    said_s: float = 0.0
    """When the words began, by ``trio.current_time()``; when they came if they were typed."""
    is_typed: bool = False
    before: SpokenBefore | None = None
    """The utterance before, if the words followed it closely."""
    utterance: Utterance | None = attrs.field(default=None, repr=False)
    """The sound of the words; ``None`` if they were typed or kept."""
    first_tokens: tuple[int, ...] = ()
    """The recogniser's, as in ``Recognition``."""
    kept: tuple[Recognition, ...] = ()
    """What of it was kept until it was asked for."""


class TurnRefused(Exception):
    """The turn ends with this sentence instead of an answer."""

    def __init__(self, say: str) -> None:
        super().__init__(say)
        self.say = say
