"""Tells clients that a part of the service does not work, and those who were told that it works again.

Rules kept here:

* Nothing waits for a client; the end of a trouble goes to the sessions that were told of its beginning.
* What is remembered is bounded by the sessions there are: one that has ended is forgotten.
"""

from weakref import WeakSet

import attrs

from actors.connection.directory import SessionDirectory
from protocol.dialects.attach import ConnectionMessage
from protocol.messages.events import Degraded, Recovered
from protocol.messages.session import Send
from runtime import Ref


@attrs.define(eq=False)
class ClientNews:
    """What clients were told of the parts of the service."""

    directory: SessionDirectory
    _told: dict[str, WeakSet[Ref[ConnectionMessage]]] = attrs.field(factory=dict, init=False)
    """By a part that does not work: the connections that know it."""

    def tell(self, event: Degraded | Recovered) -> None:
        """Tell every client of a trouble, or of its end those who know it."""
        if isinstance(event, Recovered):
            known = self._told.pop(event.what, WeakSet())
            connections = [connection for connection in self._connections() if connection in known]
        else:
            connections = self._connections()
            self._told[event.what] = WeakSet(connections)
        for connection in connections:
            connection.tell_nowait(Send(event))

    def _connections(self) -> list[Ref[ConnectionMessage]]:
        """Return the connection of each session, once: a session has more than one token for a while."""
        resumable = self.directory.resumable
        found = (resumable.lookup(key) for key in resumable.names())
        return list(dict.fromkeys(connection for connection in found if connection is not None))
