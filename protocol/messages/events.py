"""The events of a session, in both directions and independent of the dialect.

Rules kept here:

* The name of an event is its class name in snake case: ``SpeechStarted`` is ``speech_started``.
* ``None`` means absent.
* No bytes, sockets or time here; a dialect (``protocol/dialects/``) turns frames into these and back.
"""

import re
from collections.abc import Mapping
from typing import Any

import attrs

from protocol.messages.event_values import (
    Answers,
    AudioFormat,
    AudioSpan,
    Capability,
    ClientTool,
    LatencyMs,
    ListeningState,
    Mode,
    NoSpeechReason,
    Outcome,
    Resume,
    SampleFormat,
    ServerInfo,
    SessionLimits,
    Source,
    SpeechFormat,
    StopReason,
    Word,
    check_instructions,
    check_tool_choice,
    check_tools,
    check_vocabulary,
)
from protocol.messages.tool_events import Confirm, ConfirmRequest, ToolCall, ToolOutput, ToolProgress, ToolResult

__all__ = [  # what is known as a part of this module besides its own events
    "Answers",
    "AudioFormat",
    "AudioSpan",
    "Capability",
    "ClientTool",
    "Confirm",
    "ConfirmRequest",
    "LatencyMs",
    "ListeningState",
    "Mode",
    "NoSpeechReason",
    "Outcome",
    "Resume",
    "SampleFormat",
    "ServerInfo",
    "SessionLimits",
    "Source",
    "SpeechFormat",
    "StopReason",
    "ToolCall",
    "ToolOutput",
    "ToolProgress",
    "ToolResult",
    "Word",
]

# --- client to server ---------------------------------------------------------------------------


@attrs.frozen
class ConnectionRequest:
    """The first frame of every connection."""

    client_id: str
    capabilities: tuple[Capability, ...]
    audio: AudioFormat = attrs.field(factory=AudioFormat)
    language: str | None = None
    mode: Mode = "hands_free"
    interim: bool = False
    stt_model: str | None = None
    word_times: bool = False
    speech_format: SpeechFormat = "pcm_s16le"
    wake: str | None = None
    """The wake word, such as "okay nabu"; "" for none, and ``None`` for the server's setting."""
    answers: Answers = "auto"
    """With "on_request" speech is transcribed and kept; ``Respond`` asks for the answer. Typed text is answered."""
    vocabulary: tuple[str, ...] = attrs.field(factory=tuple, validator=check_vocabulary)
    """Names and terms worth expecting in speech, most likely first."""
    instructions: str | None = attrs.field(default=None, validator=check_instructions)
    """For the language model in every answer, behind the server's own prompt."""
    announcements: bool = True
    """Whether what is due (a timer, a reminder) is told in this session; else it waits for another of the user."""
    tools: tuple[ClientTool, ...] = attrs.field(factory=tuple, validator=check_tools)
    """What the client can do itself; the language model chooses among these and the server's own."""
    tool_choice: str = attrs.field(default="auto", validator=check_tool_choice)
    """What the model does first: ``auto``, ``none``, ``required`` (call a tool), or the tool that it must call."""
    resume: Resume | None = None


@attrs.frozen
class AudioStart:
    """Push-to-talk: the button went down."""


@attrs.frozen
class AudioEnd:
    """Push-to-talk: the button went up; the utterance is committed at once."""


@attrs.frozen
class AudioDiscard:
    """Forget the speech that is going on; what was committed is answered."""


@attrs.frozen
class Text:
    """A typed command."""

    text: str
    answers: Answers = "auto"
    """With "on_request" it is kept like speech, and ``Respond`` asks for the answer."""


@attrs.frozen
class Respond:
    """Answer now: what was said since the last answer, or without that by ``instructions`` alone."""

    instructions: str | None = None
    """For the language model, in this answer only."""
    capabilities: tuple[Capability, ...] | None = None
    """What this answer may use; the session's if absent."""
    tools: tuple[ClientTool, ...] | None = attrs.field(default=None, validator=check_tools)
    tool_choice: str | None = attrs.field(default=None, validator=check_tool_choice)


@attrs.frozen
class Interrupt:
    """Barge-in by hand; ``heard_ms`` is how much of the answer was heard."""

    heard_ms: int | None = None


@attrs.frozen
class SessionUpdate:
    """Changes options of a live session; absent ones stay as they are."""

    capabilities: tuple[Capability, ...] | None = None
    audio: AudioFormat | None = None
    language: str | None = None
    mode: Mode | None = None
    interim: bool | None = None
    stt_model: str | None = None
    word_times: bool | None = None
    speech_format: SpeechFormat | None = None
    wake: str | None = None
    answers: Answers | None = None
    vocabulary: tuple[str, ...] | None = attrs.field(default=None, validator=check_vocabulary)
    instructions: str | None = attrs.field(default=None, validator=check_instructions)
    voice: str | None = None
    task: str | None = None
    tools: tuple[ClientTool, ...] | None = attrs.field(default=None, validator=check_tools)
    tool_choice: str | None = attrs.field(default=None, validator=check_tool_choice)


@attrs.frozen
class Ping:
    """Asks for a ``Pong`` with the same ``t``."""

    t: float | int | str | None = None


@attrs.frozen
class Bye:
    """A polite end: finish the turn, flush, close 1000."""


ClientEvent = (
    ConnectionRequest
    | AudioStart
    | AudioEnd
    | AudioDiscard
    | Text
    | Respond
    | Interrupt
    | Confirm
    | ToolOutput
    | SessionUpdate
    | Ping
    | Bye
)

# --- server to client ---------------------------------------------------------------------------


@attrs.frozen
class ConnectionAccepted:
    """The session is open."""

    session_id: str
    resume_token: str
    resume_window_s: float
    server: ServerInfo
    audio: AudioFormat
    limits: SessionLimits
    protocol: int = 1
    resumed: bool = False
    received_samples: int = 0
    wake: str | None = None
    """The wake word that must be said first; absent if there is none."""
    wake_words: tuple[str, ...] | None = None
    """What may be asked for as ``wake``; absent if the server listens for none."""


@attrs.frozen
class ConnectionRefused:
    """No session; the socket closes with 1013 after this."""

    reason: str
    retry_after_ms: int


@attrs.frozen
class AudioAck:
    """Samples received and safe so far, at the client's rate."""

    samples: int


@attrs.frozen
class WakeDetected:
    """The wake word was heard; it ended ``at_ms`` into the session's audio, at ``at_sample`` at the client's rate."""

    word: str
    at_ms: int
    at_sample: int


@attrs.frozen
class WakeState:
    """Whether speech is taken now; sent with each change to a client that has a wake word."""

    state: ListeningState
    for_s: float | None = None
    """While listening: how long, if nothing is said."""


@attrs.frozen
class SpeechStarted:
    """Speech began, ``at_ms`` into the session's audio."""

    turn_id: str
    at_ms: int


@attrs.frozen
class SpeechStopped:
    """The utterance ended."""

    turn_id: str
    at_ms: int
    reason: StopReason


@attrs.frozen
class NothingCommitted:
    """``AudioEnd`` came and ended no utterance: of the audio before ``at_ms`` everything is told already."""

    at_ms: int


@attrs.frozen
class TranscriptPartial:
    """The transcript so far, while speech goes on; it only grows."""

    turn_id: str
    text: str


@attrs.frozen
class Transcript:
    """The final text of an utterance."""

    turn_id: str
    text: str
    language: str
    confidence: float
    audio: AudioSpan
    words: tuple[Word, ...] | None = None


@attrs.frozen
class NoSpeech:
    """There was sound but no words in it."""

    turn_id: str
    reason: NoSpeechReason


@attrs.frozen
class Understood:
    """The source that understood the transcript, and its intent."""

    turn_id: str
    source: Source
    confidence: float
    tool: str | None = None
    arguments: Mapping[str, Any] | None = None
    amends: str | None = None
    """The turn whose sentence goes on here, or is taken back."""


@attrs.frozen
class ReplyDelta:
    """More of the answer's text."""

    turn_id: str
    text: str


@attrs.frozen
class Reply:
    """The whole answer's text."""

    turn_id: str
    text: str
    truncated: bool = False


@attrs.frozen
class Question:
    """The turn asks back; what is said or typed next may answer it, for so long after the turn is completed."""

    turn_id: str
    text: str
    open_for_s: float
    choices: tuple[str, ...] | None = None
    """What may be answered, if it is one of a few things; any of these sent as a text is that answer."""


@attrs.frozen
class SpeechAudioStart:
    """Binary frames of the answer's speech follow."""

    turn_id: str
    format: SampleFormat
    sample_rate: int


@attrs.frozen
class SpeechAudioEnd:
    """The answer's speech is complete, or was cut off."""

    turn_id: str


@attrs.frozen
class SpeechAudioPaused:
    """The user speaks: stop playing, and drop audio that was not played; it is sent again if it was no speech."""

    turn_id: str


@attrs.frozen
class SpeechAudioResumed:
    """It was no speech: the answer goes on from ``at_ms``, the beginning of the clause that was cut."""

    turn_id: str
    at_ms: int


@attrs.frozen
class TurnCompleted:
    """Exactly one of these ends every turn."""

    turn_id: str
    outcome: Outcome
    latency_ms: LatencyMs


@attrs.frozen
class Status:
    """Sent every few seconds so that a silent client knows that the server lives."""

    load_level: int
    sessions: int
    uptime_s: float


@attrs.frozen
class Degraded:
    """A part of the service is degraded."""

    what: str
    reason: str


@attrs.frozen
class Recovered:
    """The part works normally again."""

    what: str
    reason: str


@attrs.frozen
class AudioOverrun:
    """Audio that the server could not take; the socket closes with 4100 after this."""

    from_sample: int
    to_sample: int


@attrs.frozen
class GoingAway:
    """The server is leaving; come back with the token."""

    reason: str
    deadline_ms: int
    resume_token: str
    retry_after_ms: int


@attrs.frozen
class Pong:
    """The answer to ``Ping``."""

    t: float | int | str | None = None


@attrs.frozen
class Error:
    """A mistake of the client, or a failure of its turn, in words."""

    code: str
    message: str
    fatal: bool = False
    turn_id: str | None = None
    retry_after_ms: int | None = None
    event_id: str | None = None
    """The client's name of its event that was wrong, in a dialect where events have names."""


OpeningEvent = ConnectionAccepted | ConnectionRefused | AudioAck
HearingEvent = (
    WakeDetected
    | WakeState
    | SpeechStarted
    | SpeechStopped
    | NothingCommitted
    | TranscriptPartial
    | Transcript
    | NoSpeech
    | Understood
)
ActingEvent = ConfirmRequest | ToolCall | ToolProgress | ToolResult
AnswerEvent = ReplyDelta | Reply | Question
SpokenEvent = SpeechAudioStart | SpeechAudioEnd | SpeechAudioPaused | SpeechAudioResumed | TurnCompleted
ServiceEvent = Status | Degraded | Recovered | AudioOverrun | GoingAway | Pong | Error
ServerEvent = OpeningEvent | HearingEvent | ActingEvent | AnswerEvent | SpokenEvent | ServiceEvent


def event_name(event_class: type) -> str:
    """Return the name of an event: ``audio_start`` for ``AudioStart``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()
