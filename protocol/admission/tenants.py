"""Tenants: the group of each client, and the tenants that are active: pure, so the time is an argument.

Rules kept here:

* There are no accounts, so a tenant is the network that its clients come from. Only ``tenant_of`` knows that.
* The last few places are for tenants that hold none, so that one alone never has them all; where all clients are of one
  tenant, as behind a reverse proxy, a setting turns that off.
* A tenant that is quiet and holds nothing is forgotten, and the list is bounded, also against many addresses.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from typing import Final

import attrs

from protocol.admission.capacity import Demand

ACTIVE_S: Final = 10.0  # since it asked last: as long as a refused client waits
FRESH_S: Final = 0.5  # within which a new client begins to speak, if it came for that
KEPT_SHARE: Final = 0.2  # of the whole, for tenants that have less than their share
LAST_SHARE: Final = 0.1  # of the places, for tenants that hold none
LAST_MAX: Final = 8  # of them: as many new tenants find a place at once
REMEMBERED_MAX: Final = 1_024  # tenants that asked; the share of so many is less than one client's
NETWORK_BITS: Final = 64  # of an IPv6 address: what one customer has at least (RFC 6177)


def tenant_of(peer: str) -> str:
    """Return the tenant of ``peer``, written ``host:port``: the host, or of IPv6 its network."""
    host = peer.rpartition(":")[0] or peer
    if ":" not in host:
        return host
    try:
        address = IPv6Address(host.partition("%")[0])
    except AddressValueError:
        return host
    return str(address.ipv4_mapped or IPv6Network((int(address), NETWORK_BITS), strict=False))


def last_places(limit: int, max_share_per_address: float) -> int:
    """Return how many of the places are for tenants that hold none; a share of 1 keeps nothing back."""
    return 0 if max_share_per_address == 1 else min(LAST_MAX, int(LAST_SHARE * limit))


@attrs.frozen
class Kept:
    """The shares of the whole that a tenant with its own share must leave for others."""

    places: float = 0.0
    speech: float = 0.0


@attrs.define
class Tenants:
    """The tenants that asked recently at one listener, and the places that each holds.

    A tenant has its share if it holds one part of as many as there are tenants that speak or asked recently.
    """

    limit: int
    """Places."""
    max_share: float
    """The share of the recogniser that speaking sessions may need."""
    last: int = 0
    """Places that are for tenants that hold none."""
    _asked_s: OrderedDict[str, float] = attrs.field(factory=OrderedDict, init=False)
    """When each asked last, the longest ago first."""
    _places: Counter[str] = attrs.field(factory=Counter, init=False)
    _fresh: deque[tuple[float, str]] = attrs.field(factory=deque, init=False)
    """When the last ones were admitted."""

    def kept_from(self, tenant: str, demand: Demand | None, now_s: float) -> Kept:
        """Note that ``tenant`` asks; return the part that it must leave for others.

        Those are the last places while it has not got its share, and nothing while it holds none.
        """
        self._asked_s[tenant] = now_s
        self._asked_s.move_to_end(tenant)
        busy: Mapping[str, int] = {} if demand is None else demand.busy
        share = 1 / self.active(busy, now_s)
        last = self.last / self.limit if self._places[tenant] else 0.0
        if share == 1:
            return Kept(last)
        speech = 0.0
        if demand is not None:
            speaking = busy.get(tenant, 0) + sum(one == tenant for _, one in self._fresh)
            speech = KEPT_SHARE if speaking * demand.each >= share * self.max_share else 0.0
        return Kept(max(last, KEPT_SHARE) if self._places[tenant] >= share * self.limit else last, speech)

    def active(self, busy: Mapping[str, int], now_s: float) -> int:
        """Return how many tenants asked recently or are among the ``busy`` ones."""
        while self._fresh and self._fresh[0][0] < now_s - FRESH_S:
            self._fresh.popleft()
        asked_s = self._asked_s
        while asked_s and (len(asked_s) > REMEMBERED_MAX or next(iter(asked_s.values())) < now_s - ACTIVE_S):
            asked_s.popitem(last=False)
        return len(asked_s) + sum(tenant not in asked_s for tenant in busy)

    def enter(self, tenant: str, now_s: float) -> None:
        """Note that one of its clients has a place."""
        self._places[tenant] += 1
        self._fresh.append((now_s, tenant))

    def leave(self, tenant: str) -> None:
        """Note that the place is given back."""
        self._places[tenant] -= 1
        if not self._places[tenant]:
            del self._places[tenant]
