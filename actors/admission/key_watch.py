"""Looks after the keys of the sockets that are open: a key that is revoked or expires closes them.

Rules kept here:

* Keys are looked at every two seconds, so a change of them is noticed that soon; while nobody uses the server they are
  looked at for the next request (``backends/keys/key_ring.py``).
* A socket whose key is no longer good closes with 4001. Its client has its session again if it comes back
  with another key of the same user.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from backends.protocols import LiveKeys
from protocol.messages.errors import CloseCode
from protocol.messages.socket import Socket
from runtime.messaging.pace import SELDOM, Pace

log = logging.getLogger("sayso.gateway")

LOOK_EVERY_S: Final = 2.0


class KeyWatch:
    """The open sockets whose clients have a key."""

    def __init__(self, keys: LiveKeys) -> None:
        self._keys = keys
        self._sockets: set[Socket] = set()

    @contextmanager
    def watching(self, socket: Socket) -> Iterator[None]:
        """Look after one socket for the block, if its client has a key."""
        if socket.identity.grant is not None:
            self._sockets.add(socket)
        try:
            yield
        finally:
            self._sockets.discard(socket)

    async def run(self, pace: Pace) -> None:
        """Look again and again, until cancelled."""
        while True:
            await pace.wait(LOOK_EVERY_S, beats=SELDOM)
            await self._keys.refresh()
            self.close_expired()

    async def finish(self) -> None:
        """Look for the last time, at the server's end."""
        await self._keys.refresh()

    def close_expired(self) -> None:
        """Close the sockets whose keys are no longer good."""
        for socket in tuple(self._sockets):
            grant = socket.identity.grant
            if grant is not None and not self._keys.holds(grant):
                self._sockets.discard(socket)
                log.info("closed %s: its key %s has expired or was revoked", socket.identity.peer, grant.key_id)
                socket.start_close(CloseCode.AUTH_EXPIRED, "the key has expired or was revoked")
