"""A session's subtree, which closes its socket at its end."""

from collections.abc import Sequence
from typing import Never

import trio

from protocol.dialects.client_memory import ClientView
from protocol.messages.errors import CloseCode
from runtime import AutoShutdown, Backoff, ChildSpec, Intensity, Strategy, Supervisor


class Session(Supervisor):
    """A session's subtree; at its end, in order or not, its socket is closed."""

    def __init__(self, client: ClientView, children: Sequence[ChildSpec[Never]], intensity: Intensity) -> None:
        super().__init__(
            children, Strategy.REST_FOR_ONE, intensity, Backoff(), auto_shutdown=AutoShutdown.ANY_SIGNIFICANT
        )
        self._client = client

    async def on_start(self) -> None:
        """Start the children, and a task that closes the socket at the end."""
        self.context.nursery.start_soon(self._hold_socket)
        await super().on_start()

    async def _hold_socket(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._close(CloseCode.INTERNAL_ERROR, "the session failed")

    async def on_stop(self) -> None:
        """Stop the children, then close the socket if it is open."""
        code, reason = CloseCode.INTERNAL_ERROR, "the session failed"
        try:
            await super().on_stop()
            code, reason = CloseCode.SERVICE_RESTART, "the server is stopping"
        finally:
            self._close(code, reason)

    def _close(self, code: CloseCode, reason: str) -> None:
        if self._client.socket is not None:  # it may be lost, or belong to another session by now
            self._client.socket.start_close(code, reason)
