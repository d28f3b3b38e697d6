"""Which WebSockets have not sent a ``connection_request`` yet, and which close for others; pure, time is an argument.

Rules kept here:

* When a place is needed, the longest silent socket is closed, of the address that has most such sockets.
* None closes within a grace in which an honest client sends its request. The grace begins when the server reads the
  socket: a client is never given up for the server's own slowness.
* While more than half of the places are held by silent sockets, each has two seconds for its request. One address may
  hold a quarter of the places with sockets that are silent beyond the grace.
* This applies when a place is asked for. Otherwise only ``session.handshake_timeout_s`` counts.
"""

import math
from typing import Final, Generic, TypeVar

import attrs

GRACE_S: Final = 1.0  # clients send the request with the first round trip, which is 0.3 s across the world
SHORT_S: Final = 2.0  # for a slow line, where the usual ten seconds would keep others out
CROWDED_SHARE: Final = 0.5  # of the places, held by silent sockets
ADDRESS_SHARE: Final = 0.25  # of the places, for the silent sockets of one address
ADDRESS_MIN: Final = 2  # where a quarter is less

S = TypeVar("S")


@attrs.define
class Handshakes(Generic[S]):
    """The sockets that have a place, from their opening to their end."""

    _silent: dict[str, dict[S, float]] = attrs.field(factory=dict, init=False)
    """By address, since when each is read; those opened first come first."""
    _tenants: dict[S, str] = attrs.field(factory=dict, init=False)
    """The address of each silent socket."""
    _closing: set[S] = attrs.field(factory=set, init=False)

    def __len__(self) -> int:
        return len(self._tenants)

    @property
    def closing(self) -> int:
        """How many were asked to close and still hold a place."""
        return len(self._closing)

    def begin(self, socket: S, tenant: str) -> None:
        """Note that a socket is open."""
        self._tenants[socket] = tenant
        self._silent.setdefault(tenant, {})[socket] = math.inf

    def listen(self, socket: S, now_s: float) -> None:
        """Note that the server reads a socket from now on."""
        tenant = self._tenants.get(socket)
        if tenant is not None:
            self._silent[tenant][socket] = now_s

    def complete(self, socket: S) -> None:
        """Note that the request has arrived."""
        tenant = self._tenants.pop(socket, None)
        if tenant is not None:
            del self._silent[tenant][socket]
            if not self._silent[tenant]:
                del self._silent[tenant]

    def close(self, socket: S) -> None:
        """Note that a silent socket is being closed for another: its place may be given away."""
        if socket in self._tenants:
            self.complete(socket)
            self._closing.add(socket)

    def end(self, socket: S) -> None:
        """Forget a socket."""
        self.complete(socket)
        self._closing.discard(socket)

    def overdue(self, limit: int, now_s: float) -> list[S]:
        """Return the sockets that have been silent for too long for ``limit`` places."""
        most = max(ADDRESS_MIN, int(ADDRESS_SHARE * limit))
        is_crowded = len(self) > CROWDED_SHARE * limit
        found: list[S] = []
        for sockets in self._silent.values():
            silent = [socket for socket, since_s in sockets.items() if since_s <= now_s - GRACE_S]
            late = sum(sockets[socket] <= now_s - SHORT_S for socket in silent) if is_crowded else 0
            found += silent[: max(late, len(silent) - most)]
        return found

    def oldest(self, now_s: float) -> S | None:
        """Return the socket that closes when a place is needed, if there is one."""
        if not self._silent:
            return None
        sockets = max(self._silent.values(), key=len)
        return next((socket for socket, since_s in sockets.items() if since_s <= now_s - GRACE_S), None)
