"""Which event is legal when in one client's session: the legal transitions are the two tables below.

Rules kept here:

* The first frame is ``connection_request``, and there is no second one.
* A client's event at the wrong time raises ``RemoteProtocolError``, the server's ``LocalProtocolError``;
  both name the phase and the event.
* A wrong event changes nothing.
"""

import enum
import hashlib
import logging
from collections.abc import Mapping
from typing import Final, get_args

from protocol.messages import events
from protocol.messages.errors import CloseCode, LocalProtocolError, RemoteProtocolError
from protocol.messages.events import ClientEvent, ServerEvent, event_name

log = logging.getLogger("sayso.session")


class SocketPhase(enum.Enum):
    """The phase of a session's socket."""

    CONNECTING = "waiting for connection_request"
    LIVE = "open"
    CLOSING = "closing"
    CLOSED = "closed"


Transitions = Mapping[SocketPhase, Mapping[type, SocketPhase]]

FROM_CLIENT: Final[Transitions] = {
    SocketPhase.CONNECTING: {events.ConnectionRequest: SocketPhase.LIVE},
    SocketPhase.LIVE: {
        bytes: SocketPhase.LIVE,  # audio
        events.AudioStart: SocketPhase.LIVE,
        events.AudioEnd: SocketPhase.LIVE,
        events.AudioDiscard: SocketPhase.LIVE,
        events.Text: SocketPhase.LIVE,
        events.Respond: SocketPhase.LIVE,
        events.Interrupt: SocketPhase.LIVE,
        events.Confirm: SocketPhase.LIVE,
        events.ToolOutput: SocketPhase.LIVE,
        events.SessionUpdate: SocketPhase.LIVE,
        events.Ping: SocketPhase.LIVE,
        events.Bye: SocketPhase.CLOSING,
    },
    # the last turn is still going on, so it can be interrupted or confirmed; nothing new is begun
    SocketPhase.CLOSING: {
        events.Interrupt: SocketPhase.CLOSING,
        events.Confirm: SocketPhase.CLOSING,
        events.ToolOutput: SocketPhase.CLOSING,
        events.Ping: SocketPhase.CLOSING,
    },
    SocketPhase.CLOSED: {},
}

# events that end a session, and an event for a client without one
_ALWAYS: Final = {kind: SocketPhase.LIVE for kind in get_args(ServerEvent) if kind is not events.ConnectionRefused}
FROM_SERVER: Final[Transitions] = {
    SocketPhase.CONNECTING: {events.Error: SocketPhase.CONNECTING, events.ConnectionRefused: SocketPhase.CLOSING},
    SocketPhase.LIVE: {**_ALWAYS, events.AudioOverrun: SocketPhase.CLOSING},
    SocketPhase.CLOSING: {kind: SocketPhase.CLOSING for kind in _ALWAYS if kind is not events.ConnectionAccepted},
    SocketPhase.CLOSED: {},
}


PROTOCOL_ERROR: Final = 1002  # this and the next: RFC 6455 section 7.4.1
ABNORMAL: Final = 1006  # no close frame came

# whether a session waits for its client after the socket ended like that, without a close frame of the client
KEPT_AFTER_OUR_CLOSE: Final[Mapping[int, bool]] = {
    CloseCode.NORMAL: False,  # the answer to bye
    CloseCode.GOING_AWAY: False,  # the server stops for good
    PROTOCOL_ERROR: True,  # one frame is broken, perhaps by something on the way; the conversation is not
    CloseCode.UNSUPPORTED_DATA: True,  # the same
    ABNORMAL: True,  # the network failed, or the device sleeps
    CloseCode.INVALID_TEXT: True,  # as 1002
    CloseCode.POLICY_VIOLATION: False,  # a client that breaks the rules would go on breaking them
    CloseCode.MESSAGE_TOO_BIG: True,  # a client that sends all it has recorded at once can send it in parts
    CloseCode.INTERNAL_ERROR: True,  # our fault; if the session itself has failed, no actor is left to wait
    CloseCode.SERVICE_RESTART: False,  # this process stops, or sheds load
    CloseCode.TRY_AGAIN_LATER: False,  # there was no session
    CloseCode.AUTH_EXPIRED: True,  # the same client comes back with a new token
    CloseCode.IDLE: False,  # the client is connected, and was idle for minutes
    CloseCode.QUOTA_EXCEEDED: False,  # nothing more is due to it
    CloseCode.RATE_LIMITED: False,  # as 1008
    CloseCode.SUPERSEDED: True,  # the session goes on at another socket
    CloseCode.OVERRUN: True,  # the server was too slow; the client sends the lost audio again
}
CLIENT_LEAVES: Final = frozenset({CloseCode.NORMAL})
"""Close codes by which a client ends its session. Every other one may come of a page that is reloaded or a network
that changes: a browser's scripts can send 1000 and 3000 to 4999, and 1005 stands for none."""


class SessionState:
    """The phase of one session's socket."""

    def __init__(self) -> None:
        self._phase = SocketPhase.CONNECTING

    def __repr__(self) -> str:
        return f"<SessionState {self._phase.name}>"

    @property
    def phase(self) -> SocketPhase:
        """Where the socket is now."""
        return self._phase

    def begin_anew(self) -> None:
        """Note that the client is at another socket, on which nothing has been said."""
        self._enter(SocketPhase.CONNECTING)

    def receive(self, said: ClientEvent | bytes) -> None:
        """Take an event or audio of the client; raises ``RemoteProtocolError`` if it may not come now."""
        kind = type(said)
        following = FROM_CLIENT[self._phase].get(kind)
        if following is None:
            raise self._not_now(kind)
        self._enter(following)

    def send(self, event: ServerEvent) -> None:
        """Note that we send ``event``; raises ``LocalProtocolError`` if we may not now."""
        following = FROM_SERVER[self._phase].get(type(event))
        if following is None:
            raise LocalProtocolError(f"{event_name(type(event))} must not be sent while {self._phase.name}")
        self._enter(following)

    def close(self) -> None:
        """Note that the socket is closed, by either side."""
        self._enter(SocketPhase.CLOSED)

    def _not_now(self, kind: type) -> RemoteProtocolError:
        name = _name(kind)
        if self._phase is SocketPhase.CONNECTING:
            return RemoteProtocolError("handshake_expected", f"{name} came before connection_request")
        expected = ", ".join(_name(allowed) for allowed in FROM_CLIENT[self._phase]) or "nothing"
        message = f"{name} came while the session was {self._phase.value}, expected one of {expected}"
        return RemoteProtocolError("unexpected_event", message)

    def _enter(self, phase: SocketPhase) -> None:
        """Change the phase; the only place that does."""
        if phase is not self._phase:
            log.debug("%s -> %s", self._phase.name, phase.name)
            self._phase = phase


def resume_key(token: str) -> str:
    """Return the key under which a session is found by a resume token.

    Of the token only a digest is looked up, so that the time which that takes tells nothing about a token.
    """
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def may_come_back(phase: SocketPhase, close_code: int, *, is_from_peer: bool) -> bool:
    """Return whether the session is kept for a client whose socket closed like that.

    After ``bye`` it is not; an overrun is told before the close, so it counts in any phase.
    """
    if is_from_peer:
        return phase is SocketPhase.LIVE and close_code not in CLIENT_LEAVES
    is_kept = KEPT_AFTER_OUR_CLOSE.get(close_code, False)
    return is_kept and (phase is SocketPhase.LIVE or close_code == CloseCode.OVERRUN)


def _name(kind: type) -> str:
    return "audio" if kind is bytes else event_name(kind)
