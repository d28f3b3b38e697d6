"""What a ``Socket`` has that is no WebSocket: it closes once, and nothing of it is queued."""

import trio

from protocol.messages.identity import Identity
from protocol.messages.socket import SocketClosed

NORMAL, ABNORMAL = 1000, 1006  # RFC 6455, section 7.4.1


class ClosableSocket:
    """The common part of such sockets; ``release`` and ``send`` are their own."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._closed = trio.Event()
        self._code = ABNORMAL
        self._is_from_peer = False

    @property
    def identity(self) -> Identity:
        """The client, as it was admitted."""
        return self._identity

    async def send(self, frame: str | bytes) -> None:
        """Send a frame; raises ``SocketClosed``."""
        raise NotImplementedError

    async def send_speech(self, frame: str | bytes) -> None:
        """Send a frame of speech, as any other."""
        await self.send(frame)

    def drop_speech(self) -> int:
        """Drop nothing: nothing is queued."""
        return 0

    def start_close(self, code: int, _reason: str, *, timeout_s: float | None = None) -> None:  # noqa: ARG002
        """Close: what was sent is on its way already."""
        self._close(code)

    async def wait_closed(self) -> int:
        """Wait until the socket is closed; return its close code."""
        await self._closed.wait()
        return self._code

    def release(self) -> None:
        """Let go of what the socket holds; called once, when it closes."""
        raise NotImplementedError

    def _close(self, code: int, *, is_from_peer: bool = False) -> None:
        if not self._closed.is_set():
            self._code, self._is_from_peer = code, is_from_peer
            self._closed.set()
            self.release()

    def _closed_now(self) -> SocketClosed:
        return SocketClosed(self._code, is_from_peer=self._is_from_peer)
