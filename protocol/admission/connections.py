"""The open HTTP connections, and which one is closed for a new one: pure, so the time is an argument.

Rules kept here:

* No address takes all the places (``protocol/admission/fair_share.py``).
* A connection without a request in work is closed for a new one: of the new one's own address if that has its share,
  else of the address that has most of them; always the one that has waited longest.
* Further places are for health checks alone, two for each address. There the one that has waited longest is closed at
  once: else a few idle ones would keep out every health check for the grace. One with a request is
  closed after the grace, if none waits.
* Elsewhere a connection is closed only after the grace, in which an honest client sends its request.
"""

from collections import OrderedDict
from itertools import chain
from typing import Final

import attrs

from protocol.admission.fair_share import FairShare

RESERVED: Final = 32  # places for health checks: so many newcomers must come within a round trip to push one out
RESERVED_IF_SCARCE: Final = 4  # of them, while descriptors are scarce
RESERVED_PER_ADDRESS: Final = (
    2  # an orchestrator asks whether the server lives and whether it is ready at the same time
)
GRACE_S: Final = 0.5  # a client sends its request as soon as it is connected; a round trip across the world is 0.3 s


@attrs.frozen
class ConnectionGrant:
    """The place of a new connection."""

    number: int
    is_reserved: bool
    """Whether it may ask for health checks only."""
    leaver: int | None
    """The connection that must be closed for it; it is no longer counted."""


@attrs.define
class _Reserved:
    tenant: str
    since_s: float
    """When the connection or its request arrived."""
    is_waiting: bool = True


@attrs.define
class Connections:
    """The connections, each by a number."""

    places: FairShare
    _tenants: dict[int, str] = attrs.field(factory=dict, init=False)
    """The address of each connection with an ordinary place."""
    _waiting: dict[str, OrderedDict[int, float]] = attrs.field(factory=dict, init=False)
    """By address, since when each connection waits for a request; the longest wait first."""
    _reserved: dict[int, _Reserved] = attrs.field(factory=dict, init=False)
    _last: int = attrs.field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._tenants) + len(self._reserved)

    def enter(self, tenant: str, now_s: float, *, is_scarce: bool = False) -> ConnectionGrant | None:
        """Return the place of a new connection, which waits for its request; ``None`` if all are taken.

        While descriptors are scarce every new connection needs one to be closed.
        """
        leaver = None
        if is_scarce or not self.places.has_room_for(tenant):
            leaver = self._longest_waiting(tenant, now_s)
            if leaver is None:
                return self._enter_reserved(tenant, now_s, RESERVED_IF_SCARCE if is_scarce else RESERVED)
            self.leave(leaver)
        self._last += 1
        self._tenants[self._last] = tenant
        self.places.take(tenant)
        self.wait(self._last, now_s)
        return ConnectionGrant(self._last, is_reserved=False, leaver=leaver)

    def wait(self, number: int, now_s: float) -> None:
        """Note that a connection waits for a request from now on."""
        tenant = self._tenants.get(number)
        if tenant is not None:
            self._waiting.setdefault(tenant, OrderedDict())[number] = now_s

    def work(self, number: int, now_s: float) -> None:
        """Note that the whole head of a request has arrived."""
        reserved = self._reserved.get(number)
        if reserved is not None:
            reserved.since_s, reserved.is_waiting = now_s, False
        self._stop_waiting(number)

    def _stop_waiting(self, number: int) -> None:
        tenant = self._tenants.get(number)
        waiting = self._waiting.get(tenant, OrderedDict()) if tenant is not None else OrderedDict()
        waiting.pop(number, None)
        if tenant is not None and not waiting:
            self._waiting.pop(tenant, None)

    def leave(self, number: int) -> None:
        """Forget a connection, or one that is forgotten already."""
        self._stop_waiting(number)
        self._reserved.pop(number, None)
        tenant = self._tenants.pop(number, None)
        if tenant is not None:
            self.places.give_back(tenant)

    def _longest_waiting(self, tenant: str, now_s: float) -> int | None:
        if not self._waiting:
            return None
        if self.places.has_room_for(tenant, freed=1):
            waiting = max(self._waiting.values(), key=len)
        else:
            waiting = self._waiting.get(tenant, OrderedDict())
        for number, since_s in waiting.items():
            return number if since_s <= now_s - GRACE_S else None
        return None

    def _enter_reserved(self, tenant: str, now_s: float, most: int) -> ConnectionGrant | None:
        own = {number: one for number, one in self._reserved.items() if one.tenant == tenant}
        leaver = None
        if len(own) >= RESERVED_PER_ADDRESS or len(self._reserved) >= most:
            among = own if len(own) >= RESERVED_PER_ADDRESS else self._reserved
            waiting = (number for number, one in among.items() if one.is_waiting)
            late = (number for number, one in among.items() if one.since_s <= now_s - GRACE_S)
            leaver = next(chain(waiting, late), None)
            if leaver is None:
                return None
            del self._reserved[leaver]
        self._last += 1
        self._reserved[self._last] = _Reserved(tenant, now_s)
        return ConnectionGrant(self._last, is_reserved=True, leaver=leaver)
