"""Protocol errors, ours and the client's, and the close codes.

Rules kept here:

* ``LocalProtocolError`` is a bug of ours and crashes the actor; ``RemoteProtocolError`` is the client's mistake and
  costs that client a frame, or its socket at most.
* Every close code that the server ever sends stands in one table.
"""

import enum
from typing import Literal

ErrorCode = Literal[
    "bad_json",  # the frame is not JSON, or no object
    "unknown_type",
    "bad_field",  # missing, of the wrong type or out of range
    "too_large",  # a text frame over its limit
    "handshake_expected",  # something came before connection_request
    "unexpected_event",  # known and well-formed, but not now
    "unknown_model",  # no model of that name is offered
    "unknown_wake_word",  # no such word can be listened for
    "bad_audio",  # bytes that cannot be audio in the negotiated format
]


class CloseCode(enum.IntEnum):
    """Why the server closes a WebSocket: RFC 6455 section 7.4.1 and its registry below 4000, our own from there."""

    NORMAL = 1000
    """The client sent bye, and everything was answered."""
    GOING_AWAY = 1001
    """The server stops for good; the session cannot be resumed."""
    UNSUPPORTED_DATA = 1003
    """A kind of frame that this endpoint does not take."""
    INVALID_TEXT = 1007
    """A text frame was not UTF-8."""
    POLICY_VIOLATION = 1008
    """No handshake in time, too many errors, or events that came too fast; do not retry unchanged."""
    MESSAGE_TOO_BIG = 1009
    """A message was over limits.max_message_bytes."""
    INTERNAL_ERROR = 1011
    """The session failed even after restarts; resuming once is allowed."""
    SERVICE_RESTART = 1012
    """The server is being replaced; reconnect after a random 5 to 30 s."""
    TRY_AGAIN_LATER = 1013
    """No capacity; the event before says when to come back."""
    AUTH_EXPIRED = 4001
    """The token has run out; get a new one and reconnect."""
    IDLE = 4008
    """Nothing came for limits.idle_timeout_s."""
    QUOTA_EXCEEDED = 4013
    """This user's share of the server is used up."""
    RATE_LIMITED = 4029
    """Connections or messages came too fast."""
    SUPERSEDED = 4090
    """Another socket has taken over this session."""
    OVERRUN = 4100
    """Audio came faster than it could be taken, or the client read too slowly."""


class LocalProtocolError(Exception):
    """The server broke the protocol: a bug of ours. The message names the state and the event."""


class RemoteProtocolError(Exception):
    """The client broke the protocol; ``str()`` of it says what was expected."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        fatal: bool = False,
        close_code: CloseCode | None = None,
        event_id: str | None = None,
    ) -> None:
        """Take the contents of the ``error`` event; a ``fatal`` one closes the socket with ``close_code``."""
        super().__init__(message)
        self.code: ErrorCode = code
        self.fatal = fatal
        self.close_code = close_code
        self.event_id = event_id
