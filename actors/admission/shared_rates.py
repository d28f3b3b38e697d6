"""How often senders have asked, over all replicas; where the shared store does not answer, of this one alone.

Rules kept here:

* What the store has admitted is noted here as well: when it fails, a sender that was refused is not free again.
* A store that does not answer costs its deadline once (``backends/shared/guarded.py``), and refuses nobody.
"""

import attrs
import trio

from backends.protocols import SharedStore, SharedUnavailable
from protocol.admission.sender_rates import SenderRates
from protocol.messages.identity import Identity


@attrs.frozen(eq=False)
class SharedRates:
    """What each sender has taken."""

    local: SenderRates = attrs.field(factory=SenderRates)
    store: SharedStore | None = None
    """``None`` if nothing is shared."""

    async def take(self, identity: Identity) -> float:
        """Count one request of this sender and return 0; or count nothing, and return the seconds to wait."""
        limits = () if self.store is None else self.local.shared_limits(identity)
        if self.store is None or not limits:
            return self.local.take(identity, trio.current_time())
        try:
            wait_s = await self.store.take(limits)
        except SharedUnavailable:
            return self.local.take(identity, trio.current_time())
        if wait_s == 0:
            self.local.note(identity, trio.current_time())
        return wait_s

    async def give_back(self, identity: Identity) -> None:
        """Count one less: what was taken turned out to be a session that was resumed."""
        self.local.give_back(identity)
        limits = () if self.store is None else self.local.shared_limits(identity)
        if self.store is not None and limits:
            try:
                await self.store.give_back(limits)
            except SharedUnavailable:
                return  # it counts for a minute
