"""The session of OpenAI's Realtime API: a JSON document that the client changes, and what it asks of the session here.

Rules kept here:

* A change is merged deeply: what it does not name stays, ``null`` counts as a value, a list is taken whole.
* Unknown fields are kept and told again, for a client may compare them; all together they are bounded.
* Only what changes is asked of the session.
"""

import re
from typing import Annotated, Any, Final, Literal

import attrs
import msgspec

from protocol.dialects.realtime.client_events import SHOWN_CHARS, Instructions, JsonObject, Modality
from protocol.dialects.realtime.g711 import RATE_HZ as G711_RATE_HZ
from protocol.dialects.realtime.g711 import Law
from protocol.dialects.realtime.tools import FunctionFields, ToolChoice, choice_name, client_tools
from protocol.language.languages import normalised
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import Answers, AudioFormat, Capability, ConnectionRequest, SessionUpdate

PCM: Final = "audio/pcm"
PCM_RATE_HZ: Final = 24_000  # the one rate that OpenAI takes; others that the session takes are good here, too
LAWS: Final[dict[str, Law]] = {"audio/pcmu": "mulaw", "audio/pcma": "alaw"}
MAX_DOCUMENT_BYTES: Final = 262_144  # of all fields as JSON, the client's unknown ones among them
USUAL_MODEL: Final = re.compile(r"(gpt-|whisper-1$|sayso$).*")  # by OpenAI's names the server's own model is meant
CLIENT_ID: Final = "realtime"
HEARS: Final[tuple[Capability, ...]] = ("stt",)
ANSWERS: Final[tuple[Capability, ...]] = ("stt", "llm", "tools")
SPEAKS: Final[tuple[Capability, ...]] = (*ANSWERS, "tts")
USUAL_VOICES: Final = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse", "marin", "cedar"}
)
"""OpenAI's voices, by which the server's own is meant."""

CHANGEABLE: Final = (
    "capabilities",
    "audio",
    "language",
    "mode",
    "interim",
    "stt_model",
    "answers",
    "instructions",
    "tools",
    "tool_choice",
)
"""The options that an update may change."""

SessionType = Literal["realtime", "transcription"]

_Rate = Annotated[int, msgspec.Meta(ge=8_000, le=48_000)]


class FormatFields(msgspec.Struct, frozen=True):
    """A format of samples."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: _Rate = PCM_RATE_HZ
    """In Hz, of ``audio/pcm`` only."""

    @property
    def law(self) -> Law | None:
        """The law of telephone audio; ``None`` for plain samples."""
        return LAWS.get(self.type)

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return self.rate if self.law is None else G711_RATE_HZ


class TranscriptionFields(msgspec.Struct, frozen=True):
    """How speech is transcribed."""

    model: str | None = None
    language: str | None = None


class TurnDetectionFields(msgspec.Struct, frozen=True):
    """Who says that an utterance is over: the server, by one of these. Its thresholds are the server's own."""

    type: Literal["server_vad", "semantic_vad"]
    create_response: bool | None = True
    interrupt_response: bool | None = True


class InputFields(msgspec.Struct, frozen=True):
    """The client's audio."""

    format: FormatFields
    transcription: TranscriptionFields | None = None
    turn_detection: TurnDetectionFields | None = None
    """``None``: the client commits each utterance."""


class VoiceFields(msgspec.Struct, frozen=True):
    """A voice, by its id."""

    id: str


class OutputFields(msgspec.Struct, frozen=True):
    """The server's audio."""

    format: FormatFields = FormatFields(PCM)
    voice: str | VoiceFields = "alloy"

    @property
    def voice_name(self) -> str | None:
        """The voice that is asked for; ``None`` for the usual one."""
        name = self.voice if isinstance(self.voice, str) else self.voice.id
        return None if not name or name in USUAL_VOICES else name


class AudioFields(msgspec.Struct, frozen=True):
    """Audio in both directions."""

    input: InputFields
    output: OutputFields = OutputFields()


class SessionFields(msgspec.Struct, frozen=True):
    """What the server reads of the document."""

    type: SessionType
    audio: AudioFields
    instructions: Instructions | None = None
    output_modalities: tuple[Modality, ...] = ("audio",)
    tools: tuple[FunctionFields, ...] = ()
    tool_choice: ToolChoice = "auto"

    @property
    def speaks(self) -> bool:
        """Whether answers are spoken."""
        return self.type == "realtime" and "audio" in self.output_modalities

    @property
    def answers(self) -> Answers:
        """When speech is answered."""
        detection = self.audio.input.turn_detection
        is_auto = self.type == "realtime" and detection is not None and detection.create_response is not False
        return "auto" if is_auto else "on_request"


def new_document(kind: SessionType = "transcription", model: str = "sayso") -> JsonObject:
    """Return the document of a session before the client has changed it."""
    heard = {
        "format": {"type": PCM, "rate": PCM_RATE_HZ},
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 320,
            "silence_duration_ms": 500,
            "create_response": True,
            "interrupt_response": True,
        },
    }
    if kind == "transcription":
        heard["transcription"] = {"model": model, "language": None, "prompt": ""}
        name = "realtime.transcription_session"
        return {"type": kind, "object": name, "id": "", "include": None, "audio": {"input": heard}}
    spoken = {"format": {"type": PCM, "rate": PCM_RATE_HZ}, "voice": "alloy", "speed": 1.0}
    return {
        "type": kind,
        "object": "realtime.session",
        "id": "",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "include": None,
        "audio": {"input": heard, "output": spoken},
    }


@attrs.frozen
class SessionDocument:
    """One session's document; ``changed`` returns the next."""

    content: JsonObject = attrs.field(factory=new_document)
    fields: SessionFields = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "fields", _checked(self.content))

    def changed(self, update: JsonObject, *, is_new: bool = False) -> "SessionDocument":
        """Return the document with an update; raises ``RemoteProtocolError`` for one that cannot be served.

        A session that ``is_new``, in which nothing was said, may become one of the other type.
        """
        base = self.content
        wanted = update.get("type", self.fields.type)
        if is_new and wanted != self.fields.type and wanted in ("realtime", "transcription"):
            base = new_document(wanted) | {"id": self.content["id"]}
        elif wanted != self.fields.type:
            raise RemoteProtocolError("bad_field", f"session.type stays {self.fields.type!r}")
        kept = {name: base[name] for name in ("id", "object")}
        try:
            content = _merged(base, update) | kept
            _fill_in(content)
            size = len(msgspec.json.encode(content))
        except (OverflowError, RecursionError, UnicodeEncodeError) as error:
            raise RemoteProtocolError("bad_field", f"session: {error}") from error
        if size > MAX_DOCUMENT_BYTES:
            raise RemoteProtocolError("too_large", f"session must have at most {MAX_DOCUMENT_BYTES} bytes, not {size}")
        return SessionDocument(content)

    def named(self, session_id: str) -> "SessionDocument":
        """Return the document with the id of its session."""
        return SessionDocument(self.content | {"id": session_id})

    def wanted(self) -> ConnectionRequest:
        """Return what the document asks of the session; raises ``RemoteProtocolError``."""
        heard = self.fields.audio.input
        transcription = heard.transcription or TranscriptionFields()
        try:
            language = None if transcription.language is None else normalised(transcription.language)
        except ValueError as error:
            raise RemoteProtocolError("bad_field", f"session.audio.input.transcription.language: {error}") from error
        model = transcription.model
        hears_only = self.fields.type == "transcription"
        wanted = ConnectionRequest(
            CLIENT_ID,
            HEARS if hears_only else SPEAKS if self.fields.speaks else ANSWERS,
            AudioFormat("pcm_s16le", heard.format.rate_hz, 1),
            language,
            "push_to_talk" if heard.turn_detection is None else "hands_free",
            interim=True,
            stt_model=None if not model or USUAL_MODEL.match(model) else model,
            wake="",  # who connects by this API expects to be heard
            answers=self.fields.answers,
            instructions=self.fields.instructions or "",
            tool_choice=choice_name(self.fields.tool_choice),
        )
        try:
            return attrs.evolve(wanted, tools=client_tools(self.fields.tools))
        except ValueError as error:
            raise RemoteProtocolError("bad_field", f"session.tools: {error}") from error


def update_between(before: ConnectionRequest, after: ConnectionRequest) -> SessionUpdate | None:
    """Return what makes a session's options of ``before`` those of ``after``; ``None`` if they are alike.

    An option that is absent ``after`` stays, as the session has no word for taking it back.
    """
    changes = {name: getattr(after, name) for name in CHANGEABLE if getattr(after, name) != getattr(before, name)}
    return SessionUpdate(**changes) if any(value is not None for value in changes.values()) else None


def _checked(content: JsonObject) -> SessionFields:
    try:
        return msgspec.convert(content, SessionFields)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        place = f"session{path.rstrip('`')}"
        raise RemoteProtocolError("bad_field", f"{place}: {what[:1].lower() + what[1 : 4 * SHOWN_CHARS]}") from error


def _merged(old: JsonObject, new: JsonObject) -> JsonObject:
    result = dict(old)
    for name, value in new.items():
        before = result.get(name)
        result[name] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def _fill_in(content: JsonObject) -> None:
    """Complete what a client may leave out of what it names."""
    spoken, heard = _inner(content, "audio", "output"), _inner(content, "audio", "input")
    if spoken is not None:
        _fill_in_format(spoken)
    if heard is None:
        return
    _fill_in_format(heard)
    detection = heard.get("turn_detection")
    if isinstance(detection, dict):
        heard["turn_detection"] = {"create_response": True, "interrupt_response": True} | detection


def _fill_in_format(side: JsonObject) -> None:
    """Give plain samples their rate, and take it from telephone audio, whose rate is known."""
    named = side.get("format")
    if not isinstance(named, dict):
        return
    if named.get("type") == PCM:
        side["format"] = {"rate": PCM_RATE_HZ} | named
    else:
        side["format"] = {name: value for name, value in named.items() if name != "rate"}


def _inner(content: Any, *names: str) -> JsonObject | None:
    """Return the object at a path of names; ``None`` if there is none."""
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else None
