"""The connection to one client, for its session: whole messages on any transport.

A WebSocket is one (``backends/ingress/websocket.py``); nothing here assumes that.
"""

from typing import Protocol

from protocol.messages.identity import Identity


class Socket(Protocol):
    """One accepted connection of a client. Its reader is the caller of ``receive``; one task of its own writes."""

    @property
    def identity(self) -> Identity:
        """The client, as it was admitted."""

    async def receive(self) -> str | bytes:
        """Return the next whole message; raises ``SocketClosed`` once the peer or we have closed."""

    async def send(self, frame: str | bytes) -> None:
        """Queue a message; waits while the bounded queue is full, raises ``SocketClosed``."""

    async def send_speech(self, frame: str | bytes) -> None:
        """Queue a message that ``drop_speech`` may take back; waits and raises as ``send`` does."""

    def drop_speech(self) -> int:
        """Drop the messages of speech that are still queued; return their size in bytes."""

    def start_close(self, code: int, reason: str, *, timeout_s: float | None = None) -> None:
        """Close behind what is queued, telling the client why if the transport can; never waits.

        ``code`` is one of ``CloseCode``. Further sends raise ``SocketClosed``. After ``timeout_s``, or the server's
        setting, the connection is cut.
        """

    async def wait_closed(self) -> int:
        """Wait until the socket is closed; return its close code."""


class SocketClosed(Exception):
    """The socket is closed; ``code`` is its close code (1006 without a close frame)."""

    def __init__(self, code: int, reason: str = "", *, is_from_peer: bool = False) -> None:
        """Remember why; ``is_from_peer`` says whether the code is in a close frame that the client sent first."""
        super().__init__(code, reason)
        self.code = code
        self.reason = reason
        self.is_from_peer = is_from_peer
