"""How often each address and each key may ask: pure, time is an argument.

Rules kept here:

* A request counts for its sender's address, and for its key where it has one; it is taken of both or of neither.
* Counted are requests to HTTP, WebSockets that are opened, and turns; never audio, health checks or a resumed session.
* Programs on this machine are not limited, unless the settings say so.
"""

import ipaddress
from typing import Final

import attrs

from protocol.admission.rate import RateLimit, RateTable
from protocol.admission.tenants import tenant_of
from protocol.messages.identity import Identity
from protocol.messages.shared import SharedLimit

SENDERS_MAX: Final = 20_000  # some 5 MB; an address that has asked for nothing lately takes no place
MINUTE_S: Final = 60.0
HOUR_S: Final = 3_600.0


def guide_limits(per_minute: int, per_hour: int, burst: int) -> tuple[RateLimit, RateLimit]:
    """Return the performance guide's two limits: a burst within the minute's, none within the hour's."""
    return RateLimit(per_minute, MINUTE_S, burst), RateLimit(per_hour, HOUR_S, per_hour)


@attrs.define
class SenderRates:
    """What each sender has taken; without limits everyone may always ask."""

    limits: tuple[RateLimit, ...] = ()
    counts_loopback: bool = False
    """Whether programs on this machine are limited as well."""
    _table: RateTable = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._table = RateTable(self.limits, SENDERS_MAX)

    def __len__(self) -> int:
        """Return how many senders are remembered."""
        return len(self._table)

    def take(self, identity: Identity, now_s: float) -> float:
        """Count one request of this sender and return 0; or count nothing, and return the seconds to wait."""
        senders = self._senders(identity)
        wait_s = max((self._table.wait_s(sender, now_s) for sender in senders), default=0.0)
        if wait_s == 0:
            for sender in senders:
                self._table.take(sender, now_s)
        return wait_s

    def note(self, identity: Identity, now_s: float) -> None:
        """Count one request that another has admitted."""
        for sender in self._senders(identity):
            self._table.take(sender, now_s)

    def shared_limits(self, identity: Identity) -> tuple[SharedLimit, ...]:
        """Return the limits that a request of this sender counts for; none if it is not limited."""
        return tuple(
            SharedLimit(sender, limit.count, limit.window_s, limit.burst)
            for sender in self._senders(identity)
            for limit in self.limits
        )

    def give_back(self, identity: Identity) -> None:
        """Count one less: what was taken turned out to be a session that was resumed."""
        for sender in self._senders(identity):
            self._table.give_back(sender)

    def _senders(self, identity: Identity) -> tuple[str, ...]:
        if not self.limits or (not self.counts_loopback and is_loopback_address(identity.address)):
            return ()
        address = f"address {tenant_of(identity.peer)}"
        return (address,) if identity.grant is None else (address, f"key {identity.grant.key_id}")


def is_loopback_address(address: str) -> bool:
    """Return whether an address as it is written in a ``peer`` is of this machine."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def rate_message(wait_s: float) -> str:
    """Return the refusal in words."""
    return f"too many requests: try again in {wait_s:.1f} s"
