"""How Deepgram's messages and results are written; pure."""

import datetime as dt
import json
import string
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from protocol.messages import events

ARCHITECTURE: Final = "whisper"
VERSION: Final = "1"
DIGITS: Final = 3  # of times in seconds, and of confidences
VARIANTS: Final[Mapping[str, str]] = {
    "bad_json": "SchemaError",
    "unknown_type": "SchemaError",
    "bad_field": "SchemaError",
}
"""Deepgram's word for a client's mistake; others are told by our own code."""
ERROR_CODES: Final[Mapping[int, str]] = {
    400: "Bad Request",
    401: "INVALID_AUTH",
    403: "INSUFFICIENT_PERMISSIONS",
    413: "PAYLOAD_TOO_LARGE",
    429: "TOO_MANY_REQUESTS",
    503: "SERVICE_UNAVAILABLE",
}
BAD_QUERY: Final = "INVALID_QUERY_PARAMETER"


def model_uuid(name: str) -> str:
    """Return an id of a model, which is the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sayso:{name}"))


def model_info(name: str) -> dict[str, str]:
    """Return what clients show of a model."""
    return {"name": name, "version": VERSION, "arch": ARCHITECTURE}


def iso_time(unix_time_s: float) -> str:
    """Return a time as ISO 8601 has it, in UTC.

    >>> iso_time(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    moment = dt.datetime.fromtimestamp(unix_time_s, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def word_fields(text: str, start_s: float, end_s: float, confidence: float) -> dict[str, Any]:
    """Return one word: with its punctuation, and without.

    >>> word_fields("Hello,", 0.5, 0.75, 0.9)["word"]
    'hello'
    """
    return {
        "word": text.strip(string.punctuation + string.whitespace).lower() or text,
        "start": round(start_s, DIGITS),
        "end": round(end_s, DIGITS),
        "confidence": round(confidence, DIGITS),
        "punctuated_word": text,
    }


def error_body(status: int, message: str, request_id: str, code: str | None = None) -> dict[str, str]:
    """Return the body of an HTTP error."""
    known = code or ERROR_CODES.get(status, "INTERNAL_SERVER_ERROR")
    return {"err_code": known, "err_msg": message, "request_id": request_id}


@attrs.frozen
class HeardPiece:
    """One piece of a stream's transcript, times in seconds from its beginning."""

    text: str
    start_s: float
    end_s: float
    confidence: float = 0.0
    words: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(cls, transcript: events.Transcript) -> "HeardPiece":
        """Return what a session's transcript says."""
        span = transcript.audio
        words = [
            word_fields(word.text, word.start_ms / 1000, word.end_ms / 1000, word.confidence)
            for word in transcript.words or ()
        ]
        return cls(transcript.text, span.start_ms / 1000, span.end_ms / 1000, transcript.confidence, words)

    @property
    def last_word_end_s(self) -> float:
        """Where its last word ends."""
        end_s: float = self.words[-1]["end"] if self.words else self.end_s
        return end_s


@attrs.frozen
class ListenFrames:
    """Writes the messages of one stream."""

    request_id: str
    model: str
    """As the client has named it."""
    channel: tuple[int, int] = (0, 1)
    """Which channel of how many."""

    def frame(self, kind: str, **fields: Any) -> str:
        """Return the text frame of one message."""
        content = {"type": kind, **fields}
        try:
            return msgspec.json.encode(content).decode()
        except UnicodeEncodeError:  # half a character, that came in a client's own message
            return json.dumps(content, ensure_ascii=False).encode(errors="replace").decode()

    def results(
        self, heard: HeardPiece, *, is_final: bool, speech_final: bool = False, from_finalize: bool = False
    ) -> str:
        """Return a transcript, or what is known of one."""
        alternative = {
            "transcript": heard.text,
            "confidence": round(heard.confidence, DIGITS),
            "words": heard.words,
        }
        return self.frame(
            "Results",
            channel_index=self.channel,
            duration=round(max(0.0, heard.end_s - heard.start_s), DIGITS),
            start=round(heard.start_s, DIGITS),
            is_final=is_final,
            speech_final=speech_final,
            channel={"alternatives": [alternative]},
            metadata={
                "request_id": self.request_id,
                "model_info": model_info(self.model),
                "model_uuid": model_uuid(self.model),
            },
            from_finalize=from_finalize,
        )

    def speech_started(self, at_s: float) -> str:
        """Return the news that somebody speaks."""
        return self.frame("SpeechStarted", channel=self.channel, timestamp=round(at_s, DIGITS))

    def utterance_end(self, last_word_end_s: float) -> str:
        """Return the news that nothing was said for a while."""
        return self.frame("UtteranceEnd", channel=self.channel, last_word_end=round(last_word_end_s, DIGITS))

    def metadata(self, *, sha256: str, created_s: float, duration_s: float, channels: int) -> str:
        """Return what ends a stream."""
        return self.frame(
            "Metadata",
            transaction_key="deprecated",
            request_id=self.request_id,
            sha256=sha256,
            created=iso_time(created_s),
            duration=round(duration_s, DIGITS),
            channels=channels,
            models=[model_uuid(self.model)],
            model_info={model_uuid(self.model): model_info(self.model)},
        )

    def error(self, code: str, description: str, message: str = "") -> str:
        """Return an error; ``message`` is what the client has sent."""
        return self.frame("Error", variant=VARIANTS.get(code, code), description=description, message=message)
