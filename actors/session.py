"""A session's subtree: whatever ends it, its socket does not stay open without it."""

from collections.abc import Sequence

import trio

from backends.protocols import Socket
from protocol.errors import CloseCode
from runtime import AutoShutdown, Backoff, ChildSpec, Intensity, Strategy, Supervisor


class Session(Supervisor):
    """A session's subtree; when it ends, for whatever reason, its socket does not stay open without it."""

    def __init__(self, socket: Socket, children: Sequence[ChildSpec], intensity: Intensity) -> None:
        super().__init__(
            children, Strategy.REST_FOR_ONE, intensity, Backoff(), auto_shutdown=AutoShutdown.ANY_SIGNIFICANT
        )
        self._socket = socket

    async def on_start(self) -> None:
        """Start the children; whatever ends this supervisor, its socket goes with it."""
        self.context.nursery.start_soon(self._hold_socket)
        await super().on_start()

    async def _hold_socket(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._socket.start_close(CloseCode.INTERNAL_ERROR, "the session failed")

    async def on_stop(self) -> None:
        """Stop the children, then close what is still open."""
        code, reason = CloseCode.INTERNAL_ERROR, "the session failed"
        try:
            await super().on_stop()
            code, reason = CloseCode.SERVICE_RESTART, "the server is stopping"
        finally:
            self._socket.start_close(code, reason)
