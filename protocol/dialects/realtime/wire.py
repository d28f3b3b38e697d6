"""How the server's events of OpenAI's Realtime API are written: names, ids, and errors in its form."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import msgspec

from protocol.messages import events

CLIENT_MISTAKES: Final[Mapping[str, str]] = {
    "bad_json": "invalid_event",
    "unknown_type": "invalid_event",
    "handshake_expected": "invalid_event",
    "unexpected_event": "invalid_event",
    "bad_field": "invalid_value",
    "bad_audio": "invalid_value",
    "too_large": "event_too_large",
    "unknown_model": "model_not_found",
}
"""OpenAI's code of a client's mistake, by ours."""
RATE_LIMITED: Final = "rate_limit_exceeded"


@attrs.frozen
class ServerFrames:
    """Writes one connection's events."""

    random_id: Callable[[], str]
    """Returns another short text each time."""

    def new_id(self, kind: str) -> str:
        """Return a new id, such as ``item_`` and something random."""
        return f"{kind}_{self.random_id()}"

    def frame(self, name: str, /, **fields: Any) -> str:
        """Return the text frame of the event called ``name``."""
        content = {"type": name, "event_id": self.new_id("event"), **fields}
        try:
            return msgspec.json.encode(content).decode()
        except UnicodeEncodeError:  # a tool or a model answered with half a character
            return json.dumps(content, ensure_ascii=False).encode(errors="replace").decode()

    def error(self, problem: "ApiProblem") -> str:
        """Return the frame of an error."""
        return self.frame("error", error=attrs.asdict(problem))


@attrs.frozen
class ApiProblem:
    """An error as clients read it; ``event_id`` is the client's name of its event that was wrong."""

    code: str
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    event_id: str | None = None


def problem_of(
    error: events.Error | events.ConnectionRefused | events.AudioOverrun, culprit: str | None = None
) -> ApiProblem:
    """Return an error of the session in this API's terms; ``culprit`` is the client's event that was handled last."""
    if isinstance(error, events.ConnectionRefused):
        message = f"{error.reason}; try again in {error.retry_after_ms} ms"
        return ApiProblem("server_overloaded", message, "server_error")
    if isinstance(error, events.AudioOverrun):
        return ApiProblem("audio_overrun", "audio came faster than it could be taken", "server_error")
    event_id = error.event_id if error.event_id is not None or error.turn_id is not None else culprit
    if error.code in CLIENT_MISTAKES:
        return ApiProblem(CLIENT_MISTAKES[error.code], error.message, event_id=event_id)
    if error.code == "rate_limited":
        return ApiProblem(RATE_LIMITED, error.message, "rate_limit_error", event_id=event_id)
    return ApiProblem(error.code, error.message, "server_error", event_id=event_id)
