"""The server's events: one frozen class for each event of docs/protocol.md.

Rules kept here:

* The wire name of an event is its class name in snake case: ``SpeechStarted`` is ``speech_started``.
* ``None`` means that the field was absent.
* A newer server is understood: unknown fields are ignored, an unknown type is an ``UnknownEvent``, and what the
  protocol lists as a few words (``outcome``, ``reason``) is any string.
* Names ending in ``_ms`` and ``_s`` are milliseconds and seconds; ``confidence`` is 0 to 1.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from sayso_client.errors import BadFrame
from sayso_client.requests import AudioFormat

SHOWN_CHARS: Final = 80


class ServerInfo(msgspec.Struct, frozen=True):
    """Name and version of the server."""

    name: str
    version: str
    replica: str | None = None
    """The replica that answers; a client that comes back asks for it by itself. None if the server does not say."""


class SessionLimits(msgspec.Struct, frozen=True):
    """The limits of this session."""

    max_message_bytes: int
    max_utterance_s: float
    idle_timeout_s: float


class ConnectionAccepted(msgspec.Struct, frozen=True):
    """The session is open; ``resumed`` says whether it was resumed.

    ``received_samples`` is where the server wants the audio to go on; the client does that by itself.
    """

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
    """The wake word that must be said first; None if there is none."""
    wake_words: tuple[str, ...] = ()
    """What may be asked for as ``wake``."""


class ConnectionRefused(msgspec.Struct, frozen=True):
    """The server opens no session now."""

    reason: str
    retry_after_ms: int


class AudioAck(msgspec.Struct, frozen=True):
    """Samples that the server has so far, at the client's rate."""

    samples: int


class WakeDetected(msgspec.Struct, frozen=True):
    """The wake word was heard; it ended ``at_ms`` into the session's audio, at ``at_sample`` at the client's rate."""

    word: str
    at_ms: int
    at_sample: int


class WakeState(msgspec.Struct, frozen=True):
    """Whether speech is taken now: ``asleep`` or ``listening``, and then ``for_s`` seconds if nothing is said."""

    state: str
    for_s: float | None = None


class SpeechStarted(msgspec.Struct, frozen=True):
    """Speech began, ``at_ms`` into the session's audio: a turn begins."""

    turn_id: str
    at_ms: int


class SpeechStopped(msgspec.Struct, frozen=True):
    """The utterance ended: ``silence``, ``manual``, ``max_length``, ``stalled`` or ``command_complete``."""

    turn_id: str
    at_ms: int
    reason: str


class NothingCommitted(msgspec.Struct, frozen=True):
    """``end_audio`` ended no utterance: of the audio before ``at_ms`` everything is told already."""

    at_ms: int


class TranscriptPartial(msgspec.Struct, frozen=True):
    """The transcript so far, while speech goes on."""

    turn_id: str
    text: str


class AudioSpan(msgspec.Struct, frozen=True):
    """A stretch of the session's audio."""

    start_ms: int
    end_ms: int


class Word(msgspec.Struct, frozen=True):
    """A word of a transcript, and when it was said."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Transcript(msgspec.Struct, frozen=True):
    """The text of an utterance; ``words`` only if ``word_times`` was asked for."""

    turn_id: str
    text: str
    language: str
    confidence: float
    audio: AudioSpan
    words: tuple[Word, ...] | None = None


class NoSpeech(msgspec.Struct, frozen=True):
    """There were no words.

    ``reason`` is ``noise``, ``too_short``, ``hallucination``, ``low_confidence``, ``no_command`` or ``discarded``.
    """

    turn_id: str
    reason: str


class Understood(msgspec.Struct, frozen=True):
    """The intent of the text; ``source`` is ``command``, ``meaning`` or ``model``."""

    turn_id: str
    source: str
    confidence: float
    tool: str | None = None
    arguments: Mapping[str, Any] | None = None
    amends: str | None = None
    """The turn whose sentence goes on here, or is taken back."""


class ConfirmRequest(msgspec.Struct, frozen=True):
    """The user must agree before this tool is called: ask ``say``, then ``ClientSession.confirm``."""

    turn_id: str
    call_id: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    say: str
    expires_in_s: float


class ToolCall(msgspec.Struct, frozen=True):
    """A tool is being called."""

    turn_id: str
    call_id: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    undoes: str | None = None
    """The call that this one takes back."""


class ToolProgress(msgspec.Struct, frozen=True):
    """Progress of a tool call."""

    turn_id: str
    call_id: str
    done: float
    total: float | None = None
    message: str | None = None


class ToolResult(msgspec.Struct, frozen=True):
    """The result of a tool call: ``content`` if it is ``ok``, else ``error``."""

    turn_id: str
    call_id: str
    ok: bool
    duration_ms: int
    content: str | None = None
    error: str | None = None


class ReplyDelta(msgspec.Struct, frozen=True):
    """More of the answer's text."""

    turn_id: str
    text: str


class Reply(msgspec.Struct, frozen=True):
    """The whole answer's text; ``truncated`` if only that much of it was heard."""

    turn_id: str
    text: str
    truncated: bool = False


class Question(msgspec.Struct, frozen=True):
    """The turn asks back; the next words answer it, for ``open_for_s`` after the turn is completed.

    Each of ``choices``, sent as a text, is an answer; they are empty where it is not one of a few things.
    """

    turn_id: str
    text: str
    open_for_s: float
    choices: tuple[str, ...] = ()


class SpeechAudioStart(msgspec.Struct, frozen=True):
    """The answer's speech begins: ``SpeechAudio`` follows."""

    turn_id: str
    format: str
    sample_rate: int


class SpeechAudio(msgspec.Struct, frozen=True):
    """A piece of the answer's speech.

    ``data`` is s16le mono at ``sample_rate`` Hz if ``format`` is ``pcm_s16le``, and one Opus packet if it is ``opus``.
    """

    turn_id: str
    format: str
    sample_rate: int
    data: bytes


class SpeechAudioEnd(msgspec.Struct, frozen=True):
    """The answer's speech is complete, or was cut off."""

    turn_id: str


class SpeechAudioPaused(msgspec.Struct, frozen=True):
    """The user speaks into the answer: stop playing, and drop the audio that was not played."""

    turn_id: str


class SpeechAudioResumed(msgspec.Struct, frozen=True):
    """The interruption was no speech: the answer's audio goes on from ``at_ms``."""

    turn_id: str
    at_ms: int


class LatencyMs(msgspec.Struct, frozen=True, omit_defaults=True):
    """Durations of the stages of a turn in ms; None for a stage that did not happen."""

    endpoint: float | None = None
    queue: float | None = None
    stt: float | None = None
    understand: float | None = None
    first_token: float | None = None
    tool: float | None = None
    first_audio: float | None = None
    total: float | None = None


class TurnCompleted(msgspec.Struct, frozen=True):
    """The one end of a turn: ``done``, ``interrupted``, ``no_speech``, ``refused`` or ``failed``."""

    turn_id: str
    outcome: str
    latency_ms: LatencyMs = LatencyMs()


class Status(msgspec.Struct, frozen=True):
    """Sent every few seconds, so that a client hears that the server lives."""

    load_level: int
    sessions: int
    uptime_s: float


class Degraded(msgspec.Struct, frozen=True):
    """A part of the service is degraded."""

    what: str
    reason: str


class Recovered(msgspec.Struct, frozen=True):
    """The part works normally again."""

    what: str
    reason: str


class AudioOverrun(msgspec.Struct, frozen=True):
    """Audio that the server could not take; the client sends it again by itself."""

    from_sample: int
    to_sample: int


class GoingAway(msgspec.Struct, frozen=True):
    """The server leaves; the client comes back after ``retry_after_ms`` by itself."""

    reason: str
    deadline_ms: int
    resume_token: str
    retry_after_ms: int


class Pong(msgspec.Struct, frozen=True):
    """The answer to ``ClientSession.ping``."""

    t: float | int | str | None = None


class Error(msgspec.Struct, frozen=True):
    """A mistake of the client, or a failure of the turn ``turn_id``; the session goes on."""

    code: str
    message: str
    fatal: bool = False
    turn_id: str | None = None
    retry_after_ms: int | None = None


class UnknownEvent(msgspec.Struct, frozen=True):
    """An event that is unknown to this version of the client."""

    type: str
    data: Mapping[str, Any]


TextEvent = (
    ConnectionAccepted
    | ConnectionRefused
    | AudioAck
    | WakeDetected
    | WakeState
    | SpeechStarted
    | SpeechStopped
    | NothingCommitted
    | TranscriptPartial
    | Transcript
    | NoSpeech
    | Understood
    | ConfirmRequest
    | ToolCall
    | ToolProgress
    | ToolResult
    | ReplyDelta
    | Reply
    | Question
    | SpeechAudioStart
    | SpeechAudioEnd
    | SpeechAudioPaused
    | SpeechAudioResumed
    | TurnCompleted
    | Status
    | Degraded
    | Recovered
    | AudioOverrun
    | GoingAway
    | Pong
    | Error
)
"""The events in text frames, from the table of docs/protocol.md."""
Event = TextEvent | SpeechAudio | UnknownEvent
"""The types that ``ClientSession.receive`` returns."""


class _Frame(msgspec.Struct):
    type: str
    data: msgspec.Raw = msgspec.Raw(b"{}")
    seq: int = 0


def wire_name(event: TextEvent | UnknownEvent) -> str:
    """Return an event's type on the wire.

    >>> wire_name(AudioAck(samples=1600))
    'audio_ack'
    """
    return event.type if isinstance(event, UnknownEvent) else _names[type(event)]


def decode(frame: str) -> tuple[TextEvent | UnknownEvent, int]:
    """Return the event in a text frame of the server, and its ``seq``; raises ``BadFrame``.

    >>> decode('{"type": "audio_ack", "data": {"samples": 1600}, "seq": 7}')
    (AudioAck(samples=1600), 7)
    """
    try:
        envelope = _frame.decode(frame)
        decoder = _decoders.get(envelope.type)
        if decoder is not None:
            return decoder.decode(envelope.data), envelope.seq
        return UnknownEvent(envelope.type, msgspec.json.decode(envelope.data, type=dict[str, Any])), envelope.seq
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
        raise BadFrame(f"the server sent what is no event ({error}): {frame[:SHOWN_CHARS]!r}") from error


def as_data(event: TextEvent | UnknownEvent) -> dict[str, Any]:
    """Return the fields of an event as JSON has them: by name, without those that are absent.

    >>> as_data(Pong(t=3))
    {'t': 3}
    """
    if isinstance(event, UnknownEvent):
        return dict(event.data)
    return {name: value for name, value in msgspec.to_builtins(event).items() if value is not None}


def _name_of(event_class: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()


_names: Final[Mapping[type, str]] = {event_class: _name_of(event_class) for event_class in get_args(TextEvent)}
_frame: Final = msgspec.json.Decoder(_Frame)
_decoders: Final[Mapping[str, msgspec.json.Decoder[TextEvent]]] = {
    name: msgspec.json.Decoder(event_class) for event_class, name in _names.items()
}
