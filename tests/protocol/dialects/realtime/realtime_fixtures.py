"""A client of the Realtime API whose dialect is asked without a session behind it."""

import base64
import itertools
import json
from collections.abc import Sequence
from typing import Any

import attrs

from protocol.dialects.dialect import OpeningRequest
from protocol.dialects.realtime.dialect import RealtimeDialect
from protocol.messages import events

TRANSCRIBING = OpeningRequest("/v1/realtime", {"intent": "transcription"})
ACCEPTED = events.ConnectionAccepted(
    "abc", "token", 0.0, events.ServerInfo("sayso", "0"), events.AudioFormat(), events.SessionLimits(1, 30.0, 300.0)
)


def audio(seconds: float, rate_hz: int = 24_000, sample_bytes: int = 2) -> str:
    """Return silence as a client sends it."""
    return base64.b64encode(bytes(round(seconds * rate_hz) * sample_bytes)).decode()


@attrs.define
class RealtimeClient:
    """What a client sends and gets; the session behind it does whatever it is asked."""

    request: OpeningRequest = TRANSCRIBING
    dialect: RealtimeDialect = attrs.field(init=False)
    asked: list[Any] = attrs.field(factory=list, init=False)
    """What the session was asked by the event sent last, audio as its length in bytes."""

    def __attrs_post_init__(self) -> None:
        numbers = itertools.count(1)
        self.dialect = RealtimeDialect(self.request, lambda: str(next(numbers)))

    def opened(self) -> list[dict[str, Any]]:
        """Connect; return what the client is told."""
        self.dialect.open()
        return self.told(ACCEPTED)

    def sends(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """Send an event; return what is answered at once."""
        said = self.dialect.decode(json.dumps({"type": name, **fields}))
        self.asked = [len(one) if isinstance(one, bytes) else one for one in said if not isinstance(one, events.Ping)]
        return [event for one in said if isinstance(one, events.Ping) for event in self.told(events.Pong(one.t))]

    def told(self, *happened: events.ServerEvent) -> list[dict[str, Any]]:
        """Return what the client is told of events of the session."""
        return [event for one in happened for event in parsed(self.dialect.encode(one, 1))]


def parsed(frames: Sequence[str | bytes]) -> list[dict[str, Any]]:
    """Return the events in frames."""
    return [json.loads(frame) for frame in frames]


def types(told: Sequence[dict[str, Any]]) -> list[str]:
    """Return the events' types."""
    return [event["type"] for event in told]
