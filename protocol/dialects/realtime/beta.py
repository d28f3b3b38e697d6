"""OpenAI's Realtime API by the names of its beta, for clients that ask for them; sans-IO.

OpenAI has switched these off, and old clients have nowhere else to go. They differ from the later names in a table of
events, in a flat session, and in the types of content; so this dialect puts one kind into the other.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from protocol.dialects.dialect import Frame, OpeningRequest
from protocol.dialects.realtime.client_events import MAX_FRAME_CHARS, JsonObject, RealtimeEvent
from protocol.dialects.realtime.dialect import MAX_FRAME_BYTES, RealtimeDialect, Taken
from protocol.messages import events

HEADER: Final = "openai-beta"
VERSION: Final = "realtime=v1"
SUBPROTOCOL: Final = "openai-beta.realtime-v1"  # of pages, which cannot set headers

PREFIXES: Final = (
    ("response.output_audio_transcript.", "response.audio_transcript."),
    ("response.output_audio.", "response.audio."),
    ("response.output_text.", "response.text."),
)
RENAMED: Final = {"conversation.item.added": "conversation.item.created"}
LATER_ONLY: Final = frozenset({"conversation.item.done"})
CONTENT: Final = {"output_audio": "audio", "output_text": "text"}
FORMATS: Final[Mapping[str, JsonObject]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24_000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
FORMAT_NAMES: Final = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "input_audio_format": ("audio", "input", "format"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "output_audio_format": ("audio", "output", "format"),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
    "modalities": ("output_modalities",),
    "max_response_output_tokens": ("max_output_tokens",),
}
"""Where the fields of a flat session lie in a later one."""
TRANSLATED: Final = frozenset({"session.update", "transcription_session.update", "response.create"})

_envelope: Final = msgspec.json.Decoder(RealtimeEvent)
_content: Final = msgspec.json.Decoder(JsonObject)


def asks_for_beta(request: OpeningRequest) -> bool:
    """Return whether a client wants the names of the beta."""
    return VERSION in request.headers.get(HEADER, "") or SUBPROTOCOL in request.subprotocols


@attrs.define
class BetaDialect:
    """A client of the beta before the dialect of the later names."""

    subprotocol = "realtime"
    may_resume = False
    max_frame_bytes = MAX_FRAME_BYTES

    later: RealtimeDialect

    def open(self) -> events.ConnectionRequest:
        """Return the options of the session."""
        return self.later.open()

    def decode(self, frame: Frame) -> Taken:
        """Return what an event means to the session; raises ``RemoteProtocolError``."""
        return self.later.decode(_later_text(frame) if isinstance(frame, str) else frame)

    def encode(self, event: events.ServerEvent, seq: int) -> Sequence[Frame]:
        """Return the frames for an event of the session."""
        return _beta_frames(self.later.encode(event, seq))

    def speech(self, audio: bytes) -> Sequence[Frame]:
        """Return the frames of more speech."""
        return _beta_frames(self.later.speech(audio))


# --- client to server ----------------------------------------------------------------------------


def _later_text(text: str) -> str:
    """Return an event as a later client sends it; what cannot be read stays as it is."""
    if len(text) > MAX_FRAME_CHARS:
        return text
    try:
        if _envelope.decode(text).type not in TRANSLATED:
            return text
        content = _content.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return text
    if content["type"] == "response.create":
        response = content.get("response")
        if isinstance(response, dict) and "modalities" in response:
            content["response"] = {**response, "output_modalities": _one_modality(response.pop("modalities"))}
    else:
        content["type"] = "session.update"
        if isinstance(content.get("session"), dict):
            content["session"] = later_session(content["session"])
    return json.dumps(content)


def later_session(flat: JsonObject) -> JsonObject:
    """Return the fields of a flat session where a later one has them.

    >>> later_session({"voice": "alloy", "modalities": ["text", "audio"]})
    {'audio': {'output': {'voice': 'alloy'}}, 'output_modalities': ['audio']}
    """
    later: JsonObject = {}
    for name, value in flat.items():
        path = FIELDS.get(name, (name,))
        known = FORMATS.get(value, value) if name.endswith("_audio_format") and isinstance(value, str) else value
        place = later
        for step in path[:-1]:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):  # the client has sent both kinds
                break
            place = inner
        else:
            place[path[-1]] = _one_modality(known) if name == "modalities" else known
    return later


def _one_modality(modalities: object) -> object:
    """Return ``audio`` alone for text with audio: later answers have a transcript in any case."""
    return ["audio"] if isinstance(modalities, list) and "audio" in modalities else modalities


# --- server to client ----------------------------------------------------------------------------


def _beta_frames(frames: Sequence[Frame]) -> list[Frame]:
    later = [_content.decode(frame) for frame in frames]
    return [json.dumps(beta_event(event), ensure_ascii=False) for event in later if event["type"] not in LATER_ONLY]


def beta_event(event: JsonObject) -> JsonObject:
    """Return an event of the server by its earlier names."""
    kind: str = event["type"]
    name = RENAMED.get(kind, kind)
    for later, earlier in PREFIXES:
        if name.startswith(later):
            name = earlier + name.removeprefix(later)
    found = {**event, "type": name}
    if "item" in found:
        found["item"] = _beta_item(found["item"])
    if "response" in found:
        response = dict(found["response"])
        spoken = response.pop("output_modalities") == ["audio"]
        response["modalities"] = ["text", "audio"] if spoken else ["text"]
        response["output"] = [_beta_item(item) for item in response["output"]]
        found["response"] = response
    if "session" in found:
        if found["session"]["type"] == "transcription":
            found["type"] = f"transcription_{name}"
        found["session"] = flat_session(found["session"])
    return found


def _beta_item(item: JsonObject) -> JsonObject:
    if "content" not in item:  # a call, or its output
        return item
    content = [{**part, "type": CONTENT.get(part["type"], part["type"])} for part in item["content"]]
    return {**item, "content": content}


def flat_session(later: JsonObject) -> JsonObject:
    """Return a session with its fields where the beta has them."""
    flat = {name: value for name, value in later.items() if name not in ("audio", "output_modalities", "type")}
    for name, path in FIELDS.items():
        value: Any = later
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if name.endswith("_audio_format") and isinstance(value, dict):
            value = FORMAT_NAMES.get(value["type"])
        if name == "modalities":
            value = ["text", "audio"] if value == ["audio"] else value
        flat[name] = value
    return flat
