"""How the actors of a session send to its connection.

Rules kept here:

* A lost client misses nothing, and no actor fails because of it.
* A client that does not read in time loses its socket, not its session: the sender goes on, and what it sent
  is kept for the client's return.
"""

import logging
from typing import Final

import attrs
import trio

from protocol.dialects.attach import ConnectionMessage
from protocol.dialects.client_memory import ClientView
from protocol.messages.errors import CloseCode
from protocol.messages.inboxes import ClientMessage
from runtime import MailboxClosed, MailboxTimeout, Ref

UNREAD_S: Final = 5.0  # as long as a writer waits for a client that reads nothing (gateway.websocket.send_timeout_s)
UNREAD: Final = "what was sent was not read in time"

log = logging.getLogger("sayso.connection")


@attrs.frozen
class ToClient:
    """The way to one session's client."""

    connection: Ref[ConnectionMessage]
    client: ClientView

    async def tell(self, message: ClientMessage) -> None:
        """Send ``message`` to the connection in order; waits while the client reads too slowly."""
        try:
            if not await self._is_taken_in_time(message):
                self._cut_off()
                await self.connection.tell(message)  # no socket holds up the connection now
        except MailboxClosed:
            log.debug("no connection for %s", type(message).__name__, extra={"session_id": self.client.session_id})

    def signal(self, message: ClientMessage) -> None:
        """Send ``message`` to the connection, overtaking messages in order."""
        self.connection.signal(message)

    async def _is_taken_in_time(self, message: ClientMessage) -> bool:
        began_s = trio.current_time()
        try:
            await self.connection.tell(message, UNREAD_S)
        except MailboxTimeout:
            if trio.current_time() < began_s + UNREAD_S:  # the caller's own deadline is over
                await trio.lowlevel.checkpoint_if_cancelled()
            return False
        return True

    def _cut_off(self) -> None:
        socket = self.client.socket
        if socket is not None:
            log.warning("closing %s: %s", socket.identity.peer, UNREAD, extra={"session_id": self.client.session_id})
            socket.start_close(CloseCode.OVERRUN, UNREAD)
