"""A dialect: translates a client's frames to the session's events, and events to frames; sans-IO.

Rules kept here:

* A session handles events (``protocol/messages/events.py``) and audio only; the dialect defines the wire.
* There is one dialect object per connection, made from the request that opened it, so it may have state.
* A frame is text or bytes. What carries frames, a WebSocket or anything else, is not the dialect's business.

docs/dialects.md shows how to write one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import attrs

from protocol.messages.events import ClientEvent, ConnectionRequest, ServerEvent
from protocol.messages.socket import Socket

Frame = str | bytes


@attrs.frozen
class OpeningRequest:
    """The request by which a client connected; empty where the transport has none."""

    path: str = "/"
    query: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    """Names in lower case."""
    repeated: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    """All values of query keys that were given several times."""

    @property
    def all_values(self) -> Mapping[str, Sequence[str]]:
        """The values of every query key, in the client's order."""
        return {name: (value,) for name, value in self.query.items()} | dict(self.repeated)

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """The subprotocols that the client offers, in its order of preference (RFC 6455, section 4.1)."""
        offered = self.headers.get("sec-websocket-protocol", "")
        return tuple(name.strip() for name in offered.split(",") if name.strip())


class HandshakeRefused(Exception):
    """A request that a dialect opens nothing for: the client gets an HTTP answer in its protocol's own form."""

    def __init__(self, status: int, body: Mapping[str, object], headers: Sequence[tuple[str, str]] = ()) -> None:
        """Take the answer; ``body`` is sent as JSON."""
        super().__init__(f"refused with {status}")
        self.status = status
        self.body = body
        self.headers = headers


class Dialect(Protocol):
    """The wire format of one client."""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the WebSocket handshake selects, if the client has offered it."""

    @property
    def may_resume(self) -> bool:
        """Whether a client that lost its connection can come back to its session; if so, events are kept for it."""

    @property
    def max_frame_bytes(self) -> int | None:
        """How large a client's frame may be; ``None`` for the setting ``gateway.websocket.max_message_bytes``."""

    def open(self) -> ConnectionRequest | None:
        """Return the options in the client's request; ``None`` if they are in its first frame.

        Raises ``RemoteProtocolError`` for a request that cannot be served: the client gets the error, and is closed.
        """

    def decode(self, frame: Frame) -> Sequence[ClientEvent | bytes]:
        """Return the event of a client's frame; bytes are audio in the session's format.

        Raises ``RemoteProtocolError`` for anything else.
        """

    def encode(self, event: ServerEvent, seq: int) -> Sequence[Frame]:
        """Return the frames for ``event``, the session's event number ``seq``; there may be none.

        ``ConnectionRefused`` is the answer to a client that gets no session; its number is 0.
        """

    def speech(self, audio: bytes) -> Sequence[Frame]:
        """Return the frames of more speech, in the format that the last ``SpeechAudioStart`` told."""


MakeDialect = Callable[[OpeningRequest], Dialect]
"""Raises ``HandshakeRefused`` for a request that is to be answered by HTTP."""


@attrs.frozen
class ClientLink:
    """A client's socket and its dialect."""

    socket: Socket
    dialect: Dialect

    async def send(self, event: ServerEvent, seq: int) -> None:
        """Queue an event as the client's dialect writes it; raises ``SocketClosed``."""
        for frame in self.dialect.encode(event, seq):
            await self.socket.send(frame)
