"""One client of Deepgram's live transcription, and what a session tells of its speech."""

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

import attrs

from protocol.dialects.deepgram.dialect import DeepgramDialect
from protocol.dialects.dialect import OpeningRequest
from protocol.messages import events
from protocol.messages.events import AudioSpan, LatencyMs, Word

SECOND = bytes(32_000)
PCM = {"encoding": "linear16", "sample_rate": "16000"}


@attrs.define
class Stream:
    """One client, and its session as far as the dialect sees it."""

    query: Mapping[str, str] = attrs.field(factory=dict)
    dialect: DeepgramDialect = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        numbers = count(1)
        request = OpeningRequest("/v1/listen", PCM | dict(self.query))
        self.dialect = DeepgramDialect(request, lambda: f"id{next(numbers)}", lambda: 1_800_000_000.0)

    def says(self, kind: str, **fields: object) -> list[Any]:
        return list(self.dialect.decode(json.dumps({"type": kind, **fields})))

    def hears(self, *told: events.ServerEvent) -> list[dict[str, Any]]:
        return [json.loads(frame) for event in told for frame in self.dialect.encode(event, 1)]

    def speaks(self, seconds: int = 1) -> list[dict[str, Any]]:
        """Send audio; return what the client is told in the session's order."""
        said = [one for _ in range(seconds) for one in self.dialect.decode(SECOND)]
        return self.hears(*(events.Pong(one.t) for one in said if isinstance(one, events.Ping)))


def started(turn_id: str, at_ms: int = 0) -> events.SpeechStarted:
    return events.SpeechStarted(turn_id, at_ms)


def stopped(turn_id: str, reason: events.StopReason = "silence") -> events.SpeechStopped:
    return events.SpeechStopped(turn_id, 900, reason)


def transcript(turn_id: str, text: str = "Light on.", end_ms: int = 900) -> events.Transcript:
    return events.Transcript(turn_id, text, "en", 0.9, AudioSpan(100, end_ms), (Word(text, 100, end_ms, 0.9),))


def done(turn_id: str, outcome: events.Outcome = "done") -> events.TurnCompleted:
    return events.TurnCompleted(turn_id, outcome, LatencyMs())


def shown(frames: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what matters of frames: of results the text, and whether they are final, an end, and asked for."""
    return [
        (
            frame["channel"]["alternatives"][0]["transcript"],
            frame["is_final"],
            frame["speech_final"],
            frame["from_finalize"],
        )
        if frame["type"] == "Results"
        else (frame["type"],)
        for frame in frames
    ]
