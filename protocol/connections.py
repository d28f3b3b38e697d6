"""Which HTTP connections are open, and who gets a place when they are many: pure, so the time is an argument.

Rules kept here:

* No address takes all the places (``protocol/fair_share.py``).
* A connection on which no request is in work leaves for a new one: of the new one's own address if that has its share,
  else of the address that has most of them; always the one that has waited longest.
* A few further places are for health checks alone, two for each address. An older connection there leaves for a newer
  one, so that nobody keeps a health check out by connecting and waiting.
* A connection leaves for another only after a grace, in which an honest client sends its request.
"""

from collections import OrderedDict
from typing import Final

import attrs

from protocol.fair_share import FairShare

RESERVED: Final = 8  # places for health checks: each is in use for milliseconds, unless somebody connects and waits
RESERVED_PER_ADDRESS: Final = (
    2  # an orchestrator asks whether the server lives and whether it is ready at the same time
)
GRACE_S: Final = 0.5  # a client sends its request as soon as it is connected; a round trip across the world is 0.3 s


@attrs.frozen
class Entry:
    """What a new connection gets."""

    number: int
    is_reserved: bool
    """Whether it may ask for health checks only."""
    leaver: int | None
    """The connection that is to be closed for it; it counts no more."""


@attrs.define
class Connections:
    """Knows every connection by a number."""

    places: FairShare
    _tenants: dict[int, str] = attrs.field(factory=dict, init=False)
    """Whose each connection with an ordinary place is."""
    _waiting: dict[str, OrderedDict[int, float]] = attrs.field(factory=dict, init=False)
    """By address, since when each has waited for a request; the longest first."""
    _reserved: OrderedDict[int, tuple[str, float]] = attrs.field(factory=OrderedDict, init=False)
    _last: int = attrs.field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._tenants) + len(self._reserved)

    def enter(self, tenant: str, now_s: float, *, is_scarce: bool = False) -> Entry | None:
        """Return the place of a new connection, which waits for its request; ``None`` if there is none.

        While descriptors are scarce every new connection needs one that leaves.
        """
        leaver = None
        if is_scarce or not self.places.has_room_for(tenant):
            leaver = self._longest_waiting(tenant, now_s)
            if leaver is None:
                return self._enter_reserved(tenant, now_s)
            self.leave(leaver)
        self._last += 1
        self._tenants[self._last] = tenant
        self.places.take(tenant)
        self.wait(self._last, now_s)
        return Entry(self._last, is_reserved=False, leaver=leaver)

    def wait(self, number: int, now_s: float) -> None:
        """Note that a connection waits for a request from now on."""
        tenant = self._tenants.get(number)
        if tenant is not None:
            self._waiting.setdefault(tenant, OrderedDict())[number] = now_s

    def work(self, number: int) -> None:
        """Note that the whole head of a request has come."""
        tenant = self._tenants.get(number)
        waiting = self._waiting.get(tenant, OrderedDict()) if tenant is not None else OrderedDict()
        waiting.pop(number, None)
        if tenant is not None and not waiting:
            self._waiting.pop(tenant, None)

    def leave(self, number: int) -> None:
        """Forget a connection, or one that is forgotten already."""
        self.work(number)
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

    def _enter_reserved(self, tenant: str, now_s: float) -> Entry | None:
        own = [number for number, (owner, _) in self._reserved.items() if owner == tenant]
        leaver = None
        if len(own) >= RESERVED_PER_ADDRESS or len(self._reserved) >= RESERVED:
            leaver = own[0] if own else next(iter(self._reserved))
            if self._reserved[leaver][1] > now_s - GRACE_S:
                return None
            del self._reserved[leaver]
        self._last += 1
        self._reserved[self._last] = tenant, now_s
        return Entry(self._last, is_reserved=True, leaver=leaver)
