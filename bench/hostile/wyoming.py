"""Wyoming frames, from the bytes of a connection to what a session or the speech service is asked."""

import json
from collections.abc import Mapping
from typing import Final

from protocol.dialects.dialect import OpeningRequest
from protocol.dialects.wyoming import SESSION_EVENTS, WyomingDialect, language_of
from protocol.dialects.wyoming_frames import FrameCutter, parsed
from protocol.dialects.wyoming_speech import SPEECH_EVENTS, request_of

VOICES: Final = {"en_US-joe-medium": ("en_US", "en"), "de_DE-thorsten-medium": ("de_DE", "de")}


def frame(kind: str, data: Mapping[str, object] | None = None, payload: bytes = b"") -> bytes:
    """Return a frame as the ``wyoming`` package of Home Assistant 2026.2 writes it."""
    head: dict[str, object] = {"type": kind, "version": "1.7.2"}
    body = json.dumps(data, ensure_ascii=False).encode() if data else b""
    if body:
        head["data_length"] = len(body)
    if payload:
        head["payload_length"] = len(payload)
    return json.dumps(head, ensure_ascii=False).encode() + b"\n" + body + payload


SOUND: Final = {"rate": 16_000, "width": 2, "channels": 1}
HOME_ASSISTANT: Final = (
    frame("describe"),
    frame("transcribe", {"language": "en"}),
    frame("audio-start", SOUND),
    frame("audio-chunk", SOUND, b"\x01\x00\x02\x00\x03\x00\x04\x00"),
    frame("audio-stop"),
    frame("transcript", {"text": "turn on the lamp", "context": {"conversation_id": "01KAZ0000000000000"}}),
    frame("synthesize-start", {"voice": {"name": "en_US-joe-medium"}}),
    frame("synthesize-chunk", {"text": "The lamp is on. And so"}),
    frame("synthesize", {"text": "The lamp is on. And so"}),
    frame("synthesize-stop"),
)
"""What Home Assistant 2026.2 sends."""
SAMPLES: Final = (
    *HOME_ASSISTANT,
    b"".join(HOME_ASSISTANT[1:5]),
    b'{"type": "transcribe", "data": {"transcript_names": ["Zoe"], "language": "de-AT", "name": "base"}}\n',
    b'{"type": "audio-chunk", "data": {"rate": 44100, "width": 4, "channels": 3}, "payload_length": 12}\n' + bytes(12),
    b'{"type": "recognize", "data": {"text": "lamp on"}}\n{"type": "ping", "data": {"text": "x"}}\n',
)


def wyoming(data: bytes) -> int:
    """Read a connection's bytes as the port does; return how many frames there were."""
    cutter, dialect, count = FrameCutter(), WyomingDialect(OpeningRequest()), 0
    cutter.feed(data)
    while (frame := cutter.next_frame()) is not None:
        event = parsed(frame)
        count += 1
        if event.type in SESSION_EVENTS:
            dialect.decode(frame)
        elif event.type in SPEECH_EVENTS:
            request_of(event, VOICES).add(event.text("text") or "")
        elif event.type == "recognize":
            language_of(event)
    return count
