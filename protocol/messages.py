"""What actors say to each other: frozen, small, with the unit in the name.

Commands are imperative (``Transcribe``), facts are in the past tense (``UtteranceEnded``).
Audio inside the server is always 16 kHz mono ``pcm_s16le``; text is plain Unicode.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Literal

import attrs

from protocol.events import ConnectionRequest, NoSpeechReason, ServerEvent, StopReason

INTERNAL_RATE_HZ = 16_000  # what Whisper, earshot and Silero all expect

Verdict = Literal["complete", "unfinished"]
"""Of words before a pause: nothing more is to be expected, or something more is."""
Urgency = Literal["final", "early", "partial", "background"]
"""Of a transcription: what was said, what was said if that was all, what was said so far, what nobody waits for."""
Asked = Literal["talk", "work", "action"]
"""Of a model; ``work`` is writing and translating (``protocol/requests.py``)."""

# --- audio ---------------------------------------------------------------------------------------


@attrs.frozen
class Utterance:
    """One stretch of speech, with its pre-roll."""

    pcm: bytes
    """s16le mono samples at 16 kHz."""
    start_ms: int
    """Where it starts in the session's audio."""
    end_ms: int

    @property
    def duration_s(self) -> float:
        """Length of the samples, in seconds."""
        return len(self.pcm) / 2 / INTERNAL_RATE_HZ


@attrs.frozen
class AudioReceived:
    """Connection to audio: one binary frame as the client sent it."""

    frame: bytes


@attrs.frozen
class AudioRefused:
    """Audio to connection: a frame was no audio; ``message`` says what was expected."""

    message: str


@attrs.frozen
class SpeechBegan:
    """Audio to dialogue: somebody began to speak."""

    at_ms: int


@attrs.frozen
class UtteranceEnded:
    """Audio to dialogue: an utterance is complete."""

    utterance: Utterance
    reason: StopReason
    last_voice_s: float
    """Clock time at which the last voiced frame was processed: latencies count from here."""


@attrs.frozen
class UtterancePaused:
    """Audio to dialogue: the voice has fallen silent; this is what was said if it stays so."""

    utterance: Utterance
    on_verdict: Callable[[Verdict], None] | None = attrs.field(default=None, eq=False)
    """Called with what the words say about this pause, if they say anything; must not wait."""


@attrs.frozen
class PauseJudged:
    """To audio: what the words before a pause say about it."""

    end_sample: int
    """Which pause: where the utterance ends if this is its end."""
    verdict: Verdict


@attrs.frozen
class UtteranceGrew:
    """Audio to dialogue: somebody goes on speaking; this is what was said so far."""

    utterance: Utterance


@attrs.frozen
class UtteranceDropped:
    """Audio to dialogue: what began was not speech after all."""

    reason: NoSpeechReason
    at_ms: int


# --- transcription -------------------------------------------------------------------------------


@attrs.frozen
class Transcribe:
    """Dialogue to transcription; answered by ``Transcript`` or ``NoWords``."""

    has_steady_cost: ClassVar[bool] = True

    session_id: str
    utterance: Utterance
    language: str | None = None
    vocabulary: tuple[str, ...] = ()
    """Words worth expecting, most likely first; used as a prompt of at most 200 tokens."""
    urgency: Urgency = "final"
    """Early and partial work is refused unless a worker is idle; background work waits until there is no other."""
    model: str | None = None
    """Name of the model; ``None`` is the usual one."""
    words: bool = False
    """Whether the times of the words are wanted; they cost a tenth of a decode more."""
    tenant: str = ""
    """Whose session it is: tenants take turns first, then their sessions."""


@attrs.frozen
class SpokenWord:
    """One word with its punctuation; times count from the beginning of the utterance, ``confidence`` is 0..1."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@attrs.frozen
class Transcript:
    """What was said."""

    text: str
    language: str
    confidence: float
    """0..1, ``exp`` of the mean token log-probability."""
    alternatives: tuple[str, ...] = ()
    """Further hypotheses, best first, without ``text`` itself."""
    queue_s: float = 0.0
    compute_s: float = 0.0
    words: tuple[SpokenWord, ...] = ()
    """Only where they were asked for."""


@attrs.frozen
class NoWords:
    """There was nothing to transcribe."""

    reason: NoSpeechReason


# --- understanding -------------------------------------------------------------------------------


@attrs.frozen
class CommandMatch:
    """A sentence of the grammar, and the call that it stands for."""

    intent: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    confidence: float
    text: str
    """The hypothesis that matched, normalised."""
    may_continue: bool = True
    """Whether a longer sentence of the grammar begins like this."""


@attrs.frozen
class ToolSpec:
    """One tool of one MCP server."""

    server: str
    name: str
    description: str
    input_schema: Mapping[str, Any]
    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None


@attrs.frozen
class Offer:
    """What an MCP server has besides tools; people see it, nothing here uses it by itself."""

    server: str
    kind: Literal["resource", "prompt"]
    name: str
    description: str
    uri: str | None = None


@attrs.frozen
class ListTools:
    """Anybody to tools, or to one server; answered by a ``ToolList``."""


@attrs.frozen
class AwaitFirstTry:
    """The toolbox to a tool server: answer when its first attempt to connect is over, whatever came of it."""


@attrs.frozen
class ToolList:
    """What can be called now, and the configured servers that are down or did not answer in time."""

    tools: tuple[ToolSpec, ...] = ()
    missing: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    notes: tuple[str, ...] = ()
    """What servers list and is not taken, in words."""


@attrs.frozen
class Progress:
    """How far a tool call has come, in whatever the tool counts."""

    done: float
    total: float | None = None
    message: str | None = None


@attrs.frozen
class CallTool:
    """Dialogue to tools; answered by ``ToolOutcome``."""

    session_id: str
    call_id: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    timeout_s: float
    on_progress: Callable[[Progress], None] | None = None
    """Called whenever the server tells; must not wait."""
    language: str = "en"


@attrs.frozen
class ToolOutcome:
    """What the tool answered; ``content`` is untrusted text."""

    ok: bool
    content: str
    duration_s: float
    error: str | None = None


@attrs.frozen
class ChatMessage:
    """One message of a conversation with a language model."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple["ModelToolCall", ...] = ()
    tool_call_id: str | None = None
    tool_name: str | None = None


@attrs.frozen
class ModelToolCall:
    """A call that the model asks for."""

    call_id: str
    name: str
    arguments: Mapping[str, Any]


@attrs.frozen
class Generate:
    """Dialogue to inference; text goes to ``on_text`` as it comes, the answer is a ``Generation``."""

    session_id: str
    messages: tuple[ChatMessage, ...]
    on_text: Callable[[str], Awaitable[None]]
    """Called with each piece of text, in order; may block, which slows the stream down."""
    tools: tuple[ToolSpec, ...] = ()
    task: str | None = None
    max_tokens: int | None = None
    asked_for: Asked = "talk"
    """Which models may answer: an action needs one with tools, and the embedded one only talks."""


@attrs.frozen
class NoModel:
    """Inference's answer to ``Generate`` where there is no model for what is asked for."""


@attrs.frozen
class Generation:
    """What the model said."""

    text: str
    tool_calls: tuple[ModelToolCall, ...]
    provider: str
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_s: float | None = None
    is_cached: bool = False
    """Given before; no model was asked."""


# --- speech out ----------------------------------------------------------------------------------


@attrs.frozen
class Synthesise:
    """Dialogue to speech; answered by ``SpokenAudio``."""

    has_steady_cost: ClassVar[bool] = True

    session_id: str
    text: str
    voice: str | None = None
    speed: float = 1.0
    """1.0 is the voice's own pace."""


@attrs.frozen
class SpokenAudio:
    """Speech as samples."""

    pcm: bytes
    """s16le mono."""
    sample_rate: int


# --- leaving ------------------------------------------------------------------------------------


@attrs.frozen
class CloseDoors:
    """To the gateway: admit nobody any more, and say why."""

    reason: str
    retry_after_s: float


@attrs.frozen
class Leave:
    """To a dialogue: finish what is going on, within the deadline, and then close."""

    reason: str
    deadline_s: float
    """From now on."""
    retry_after_s: float
    """When the client may come back; each gets another time, so that they do not come together."""


# --- the session ---------------------------------------------------------------------------------


@attrs.frozen
class Recall:
    """Any actor of the session to the vault; answered by the ``SessionMemory`` itself, to read and to write."""


@attrs.frozen
class Configured:
    """Connection to audio and dialogue: the options of the session, at the handshake and after each change."""

    options: ConnectionRequest
    voice: str | None = None
    task: str | None = None


@attrs.frozen
class Attach:
    """One session's connection to another's: this client is yours, and has come back.

    Answered when the client has all that it missed, by whether its token was still valid.
    """

    socket: Any
    request: ConnectionRequest


@attrs.frozen
class Presence:
    """Connection to dialogue: whether anybody is there to listen."""

    is_there: bool


@attrs.frozen
class Send:
    """Anybody of the session to connection: an event for the client."""

    event: ServerEvent


@attrs.frozen
class SendAudio:
    """Dialogue to connection: samples for the client, in the format announced before."""

    samples: bytes


@attrs.frozen
class DropAudio:
    """Dialogue to connection (control lane): forget audio that has not reached the socket."""


@attrs.frozen
class Hang:
    """To connection (control lane): close the socket."""

    code: int
    reason: str


@attrs.frozen
class GiveUp:
    """To connection (control lane): wait for the client no longer, if it is still lost; a newcomer needs the place."""


@attrs.frozen
class Announce:
    """Tools to a session's dialogue: say this when there is a pause (a timer fired)."""

    text: str
