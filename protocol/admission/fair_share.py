"""How many of some places one client address may hold: pure.

Rules kept here:

* An address takes one more place only while it holds less than a certain share of its own and the free places together.
  So one address alone never takes them all, several that want everything get the same, and a few are left for the next.
  These are the dynamic thresholds of shared packet buffers (Choudhury and Hahne, IEEE/ACM Transactions on Networking
  6 (2), 1998).
* A share of 1 turns that off, for servers behind a reverse proxy, where all clients have one address.
"""

from collections import Counter

import attrs


@attrs.define
class FairShare:
    """Counts each tenant's part of ``limit`` places."""

    limit: int
    max_share: float
    """The share of all places that one address may hold alone, above 0 and at most 1."""
    _held: Counter[str] = attrs.field(factory=Counter, init=False)
    _total: int = attrs.field(default=0, init=False)

    def __len__(self) -> int:
        return self._total

    @property
    def free(self) -> int:
        """How many places are free."""
        return max(0, self.limit - self._total)

    def has_room_for(self, tenant: str, *, freed: int = 0) -> bool:
        """Return whether ``tenant`` may take a place, once others have given back ``freed``."""
        free, held = self.free + freed, self._held[tenant]
        return free > 0 and held / (held + free) < self.max_share

    def take(self, tenant: str) -> None:
        """Count one place more."""
        self._held[tenant] += 1
        self._total += 1

    def give_back(self, tenant: str) -> None:
        """Count one place less."""
        self._total -= 1
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]
