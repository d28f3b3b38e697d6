"""The native protocol, version 1: text frames to events and back; sans-IO.

Rules kept here:

* A frame is ``{"type": name, "data": {...}}``; ours have a ``"seq"`` too. Unknown fields are ignored, so that either
  side may be newer than the other.
* For any frame, ``decode`` returns an event or raises ``RemoteProtocolError`` with an explanation for its author.
* A field that is ``None`` is absent from the frame, in nested objects too; what is inside ``arguments`` is the
  tool's business and goes out as it is.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import attrs
import msgspec

from protocol.dialects.dialect import Frame
from protocol.language.languages import normalised
from protocol.messages.errors import ErrorCode, RemoteProtocolError
from protocol.messages.events import ClientEvent, ConnectionRequest, ServerEvent, SessionUpdate, event_name

SUBPROTOCOL: Final = "sayso.v1"  # for a page that offers its key beside it; nobody else needs to name it
MAX_FRAME_CHARS: Final = 65_536  # a typed command is a line; audio never comes as text
MAX_INTEGER: Final = 2**53  # beyond it JavaScript and most JSON libraries lose digits
SHOWN_CHARS: Final = 40  # of what a client sent, in an error message
NOTHING: Final = msgspec.Raw(b"{}")

Decoded = TypeVar("Decoded")


class ClientFrame(msgspec.Struct):
    """The envelope of a client's frame; ``data`` is decoded once its type is known."""

    type: str
    data: msgspec.Raw = NOTHING


# --- client to server ----------------------------------------------------------------------------

_envelope: Final = msgspec.json.Decoder(ClientFrame)
_client_classes: Final = {event_name(event_class): event_class for event_class in get_args(ClientEvent)}
_client_decoders: Final[Mapping[str, msgspec.json.Decoder[ClientEvent]]] = {
    name: msgspec.json.Decoder(event_class) for name, event_class in _client_classes.items()
}


def decode(text: str) -> ClientEvent:
    """Return the event in a client's text frame.

    Raises ``RemoteProtocolError`` with the code ``too_large``, ``bad_json``, ``unknown_type`` or ``bad_field``.
    """
    if len(text) > MAX_FRAME_CHARS:
        raise RemoteProtocolError(
            "too_large", f"a text frame must have at most {MAX_FRAME_CHARS} characters, not {len(text)}"
        )
    envelope = _decode(_envelope.decode, text, "frame", ClientFrame)
    decoder = _client_decoders.get(envelope.type)
    if decoder is None:
        known = ", ".join(sorted(_client_decoders))
        raise RemoteProtocolError("unknown_type", f"unknown type {_short(envelope.type)!r}, expected one of {known}")
    data = NOTHING if bytes(envelope.data) == b"null" else envelope.data
    event = _decode(decoder.decode, data, f"{envelope.type}.data", _client_classes[envelope.type])
    _check_integers(event, f"{envelope.type}.data")
    return _with_plain_language(event, f"{envelope.type}.data")


def _decode(
    decode_json: Callable[[Any], Decoded], source: str | msgspec.Raw, place: str, expected_class: type
) -> Decoded:
    """Decode, and translate msgspec's errors to the client's terms."""
    try:
        return decode_json(source)
    except msgspec.ValidationError as error:
        code, message = _in_words(str(error), place, expected_class)
    except msgspec.DecodeError as error:
        code, message = "bad_json", f"{place} must be JSON: {error}"
    except RecursionError:
        code, message = "bad_json", f"{place} must not be nested that deeply"
    except UnicodeEncodeError:
        code, message = "bad_json", f"{place} must be Unicode text without lone surrogates"
    raise RemoteProtocolError(code, message)


def _in_words(problem: str, place: str, expected_class: type) -> tuple[ErrorCode, str]:
    """Turn msgspec's "Expected `str`, got `int` - at `$.audio.x`" into "text.data.audio.x: expected str, got int"."""
    problem, _, path = problem.partition(" - at `$")
    path = path.rstrip("`")
    is_no_object = expected_class is ClientFrame and not path and problem.startswith("Expected")
    what = _short(problem[:1].lower() + problem[1:].replace("`", ""), 2 * SHOWN_CHARS)
    if problem.startswith("Invalid enum value"):
        what += f", expected one of {', '.join(map(str, _choices(expected_class, path)))}"
    return "bad_json" if is_no_object else "bad_field", f"{place}{path}: {what}"


def _choices(expected_class: type, path: str) -> tuple[object, ...]:
    """Return the values that are allowed at ``path``, such as ``.audio.format`` or ``.capabilities[1]``."""
    kinds: tuple[object, ...] = (expected_class,)
    for name in re.findall(r"\.(\w+)", path):
        owner = next(kind for kind in kinds if isinstance(kind, type) and attrs.has(kind))
        kinds = _kinds(getattr(attrs.fields(owner), name).type)
    return tuple(choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind))


def _kinds(annotation: object) -> tuple[object, ...]:
    """Return the annotation itself and what it is made of: the members of a union, the items of a tuple."""
    inner = () if get_origin(annotation) is Literal else get_args(annotation)
    return (annotation, *(kind for part in inner for kind in _kinds(part)))


def _short(text: str, limit: int = SHOWN_CHARS) -> str:
    return text if len(text) <= limit else text[:limit] + "..."


def _with_plain_language(event: ClientEvent, place: str) -> ClientEvent:
    """Return an event with its language as it is written here: "en-US" for "en_us", none for "auto"."""
    if not isinstance(event, ConnectionRequest | SessionUpdate) or event.language is None:
        return event
    try:
        return attrs.evolve(event, language=normalised(event.language))
    except ValueError as error:
        raise RemoteProtocolError("bad_field", f"{place}.language: {error}") from error


def _check_integers(event: object, place: str) -> None:
    """Refuse integers that could not be sent back: msgspec reads any size and writes 64 bits."""
    for name, is_nested in _fields[type(event)]:
        value = getattr(event, name)
        if is_nested and value is not None:
            for one in value if isinstance(value, tuple) else (value,):
                _check_integers(one, f"{place}.{name}")
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise RemoteProtocolError("bad_field", f"{place}.{name}: must lie within +-2**53")


# --- server to client ----------------------------------------------------------------------------


def encode(event: ServerEvent, seq: int) -> str:
    """Return the text frame of ``event``, numbered ``seq``.

    Raises ``TypeError`` for a value that JSON cannot hold, which is a bug of ours.
    """
    name = _server_names[type(event)]
    frame = {"type": name, "data": _present(event), "seq": seq}
    try:
        return _encoder.encode(frame).decode()
    except UnicodeEncodeError:  # a tool or a model answered with half a character
        plain = json.dumps(msgspec.to_builtins(frame, enc_hook=_plain), ensure_ascii=False)
        return plain.encode(errors="replace").decode()


def _present(event: object) -> dict[str, Any]:
    """Return the fields that are not ``None``, by name."""
    present: dict[str, Any] = {}
    for name, is_nested in _fields[type(event)]:
        value = getattr(event, name)
        if isinstance(value, tuple) and is_nested:
            present[name] = [_present(one) for one in value]
        elif value is not None:
            present[name] = _present(value) if is_nested else value
    return present


def _plain(value: object) -> dict[Any, Any]:
    """Make a dict of any other mapping; msgspec asks here about types that it does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"an event must hold JSON values, not {type(value).__name__}")


_fields: Final[dict[type, tuple[tuple[str, bool], ...]]] = {}  # names, and whether each holds attrs objects itself


def _learn(event_class: type) -> None:
    """Enter ``event_class`` and all classes nested in it into the table of fields."""
    fields = []
    for field in attrs.fields(event_class):
        nested = [kind for kind in _kinds(field.type) if isinstance(kind, type) and attrs.has(kind)]
        for kind in nested:
            _learn(kind)
        fields.append((field.name, bool(nested)))
    _fields[event_class] = tuple(fields)


for _event_class in (*get_args(ClientEvent), *get_args(ServerEvent)):
    _learn(_event_class)
_server_names: Final = {event_class: event_name(event_class) for event_class in get_args(ServerEvent)}
_encoder: Final = msgspec.json.Encoder(enc_hook=_plain)


class NativeDialect:
    """The native protocol on one connection: its frames are the session's events one by one, so it keeps nothing."""

    subprotocol: str | None = SUBPROTOCOL
    may_resume: bool = True
    max_frame_bytes: int | None = None

    def open(self) -> None:
        """Return nothing: the first frame is ``connection_request``."""

    def decode(self, frame: Frame) -> tuple[ClientEvent | bytes]:
        """Return the event in a text frame, or the audio in a binary one; raises ``RemoteProtocolError``."""
        return (frame,) if isinstance(frame, bytes) else (decode(frame),)

    def encode(self, event: ServerEvent, seq: int) -> tuple[str]:
        """Return the text frame of ``event``."""
        return (encode(event, seq),)

    def speech(self, audio: bytes) -> tuple[bytes]:
        """Return the binary frame of more speech."""
        return (audio,)
