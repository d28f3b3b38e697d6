"""What a client of OpenAI's Realtime API may send: its events, checked; sans-IO.

Rules kept here:

* For any text ``parsed`` returns an event or raises ``RemoteProtocolError``, with the client's ``event_id`` if that can
  be read.
* Unknown fields are ignored: clients are often newer than this list.
"""

from typing import Annotated, Any, Final, Literal, get_args

import msgspec

from protocol.dialects.realtime.tools import FunctionFields, ToolChoice
from protocol.messages.errors import ErrorCode, RemoteProtocolError
from protocol.messages.event_values import MAX_INSTRUCTIONS_CHARS

MAX_FRAME_CHARS: Final = 15 * 2**20  # of one event, as OpenAI documents it: 5 minutes of 24 kHz samples in base64
MAX_EVENT_ID_CHARS: Final = 512  # as there
SHOWN_CHARS: Final = 40  # of what a client sent, in an error message

JsonObject = dict[str, Any]
"""A part of an event that is kept as it came."""
Modality = Literal["text", "audio"]
Instructions = Annotated[str, msgspec.Meta(max_length=MAX_INSTRUCTIONS_CHARS)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class RealtimeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope of every event."""

    type: str
    event_id: Annotated[str, msgspec.Meta(max_length=MAX_EVENT_ID_CHARS)] | None = None


class _Tagged(msgspec.Struct, frozen=True, kw_only=True):
    event_id: Annotated[str, msgspec.Meta(max_length=MAX_EVENT_ID_CHARS)] | None = None


class UpdateSession(_Tagged, frozen=True, kw_only=True, tag="session.update"):
    """Change the session; merged deeply into what it is."""

    session: JsonObject


class AppendAudio(_Tagged, frozen=True, kw_only=True, tag="input_audio_buffer.append"):
    """More audio, base64 on the wire."""

    audio: bytes


class CommitAudio(_Tagged, frozen=True, kw_only=True, tag="input_audio_buffer.commit"):
    """The utterance is over."""


class ClearAudio(_Tagged, frozen=True, kw_only=True, tag="input_audio_buffer.clear"):
    """Forget the audio that was not committed."""


class RetrieveItem(_Tagged, frozen=True, kw_only=True, tag="conversation.item.retrieve"):
    """Ask for an item."""

    item_id: str


class DeleteItem(_Tagged, frozen=True, kw_only=True, tag="conversation.item.delete"):
    """Take an item out of the conversation."""

    item_id: str


class CreateItem(_Tagged, frozen=True, kw_only=True, tag="conversation.item.create"):
    """Add an item to the conversation."""

    item: JsonObject


class TruncateItem(_Tagged, frozen=True, kw_only=True, tag="conversation.item.truncate"):
    """An answer was heard up to there, and no further."""

    item_id: str
    content_index: Annotated[int, msgspec.Meta(ge=0, le=0)] = 0
    audio_end_ms: Milliseconds


class ResponseOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one answer; absent ones are the session's."""

    instructions: Instructions | None = None
    output_modalities: tuple[Modality, ...] | None = None
    conversation: str = "auto"
    input: tuple[JsonObject, ...] | None = None
    tools: tuple[FunctionFields, ...] | None = None
    tool_choice: ToolChoice | None = None
    metadata: dict[str, str] | None = None


class CreateResponse(_Tagged, frozen=True, kw_only=True, tag="response.create"):
    """Answer now."""

    response: ResponseOptions | None = None


class CancelResponse(_Tagged, frozen=True, kw_only=True, tag="response.cancel"):
    """Stop answering."""

    response_id: str | None = None


RealtimeClientEvent = (
    UpdateSession
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | CreateItem
    | RetrieveItem
    | TruncateItem
    | DeleteItem
    | CreateResponse
    | CancelResponse
)

_NAMES: Final = frozenset(kind.__struct_config__.tag for kind in get_args(RealtimeClientEvent))
_events: Final = msgspec.json.Decoder(RealtimeClientEvent)
_envelope: Final = msgspec.json.Decoder(RealtimeEvent)


def parsed(text: str) -> RealtimeClientEvent:
    """Return the event in a text frame.

    Raises ``RemoteProtocolError`` with the code ``too_large``, ``bad_json``, ``unknown_type`` or ``bad_field``.
    """
    if len(text) > MAX_FRAME_CHARS:
        raise RemoteProtocolError("too_large", f"an event must have at most {MAX_FRAME_CHARS} characters")
    try:
        event: RealtimeClientEvent = _events.decode(text)
    except msgspec.ValidationError as error:
        problem = str(error)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise RemoteProtocolError("bad_json", f"an event must be JSON: {_short(str(error))}") from error
    else:
        return event
    raise _explained(text, problem)


def _explained(text: str, problem: str) -> RemoteProtocolError:
    """Return the error for a text that is JSON, but none of the events."""
    code: ErrorCode
    try:
        envelope = _envelope.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        return RemoteProtocolError("bad_json", f"an event must be an object with a type: {_short(str(error))}")
    if envelope.type not in _NAMES:
        known = ", ".join(sorted(map(str, _NAMES)))
        code, message = "unknown_type", f"unknown type {_short(envelope.type)!r}, expected one of {known}"
    else:
        what, _, path = problem.partition(" - at `$.")
        place = f" at {path.rstrip('`')}" if path else ""
        code, message = "bad_field", f"{envelope.type}{_short(place)}: {_short(what[:1].lower() + what[1:])}"
    return RemoteProtocolError(code, message, event_id=envelope.event_id)


def _short(text: str) -> str:
    return text if len(text) <= 2 * SHOWN_CHARS else text[: 2 * SHOWN_CHARS] + "..."
