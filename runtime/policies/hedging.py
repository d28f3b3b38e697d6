"""When the same request is sent to a second address, because the first one is late; pure.

Source: Dean & Barroso, *The Tail at Scale* (2013): a second request after the 95th percentile of all answers costs some
5 % more work and takes the tail away. The budget is that of gRPC's retry throttling: a service that is slow because it
has too much to do must not get twice as much.
"""

from collections import deque
from typing import Final

import attrs
from attrs.validators import gt, le

REMEMBERED: Final = 100  # answers: the percentile follows a change within so many
LEAST_ANSWERS: Final = 20  # before them the 95th percentile is that of one answer
UNKNOWN_SHARE: Final = 0.25  # of the deadline, while the percentile is not known


@attrs.frozen(kw_only=True)
class HedgePolicy:
    """When a request is late, and how many may be sent twice."""

    percentile: float = attrs.field(default=0.95, validator=[gt(0), le(1)])
    share: float = attrs.field(default=0.1, validator=[gt(0), le(1)])
    """Of all requests that may be sent twice, in the long run."""
    burst: float = 10.0
    """How many may be sent twice one after the other."""


@attrs.define
class Hedging:
    """Remembers how long answers took; ``deadline_s`` is the time that a request has.

    >>> hedging = Hedging(4.0)
    >>> hedging.after_s  # nothing is known yet
    1.0
    >>> for took_s in range(1, 101):
    ...     hedging.note(took_s / 100)
    >>> hedging.after_s
    0.95
    """

    deadline_s: float = attrs.field(validator=gt(0))
    policy: HedgePolicy = attrs.field(factory=HedgePolicy)
    sent: int = attrs.field(default=0, init=False)
    """How many requests were sent twice."""
    _took_s: deque[float] = attrs.field(factory=lambda: deque(maxlen=REMEMBERED), init=False)
    _budget: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._budget = self.policy.burst

    def note(self, took_s: float) -> None:
        """Note how long an address took, or for how long it has not answered when another one had."""
        self._took_s.append(took_s)

    def begin(self) -> None:
        """Note a new request."""
        self._budget = min(self.policy.burst, self._budget + self.policy.share)

    def take(self) -> bool:
        """Return whether a late request may be sent to another address, and count it."""
        if self._budget < 1:
            return False
        self._budget -= 1
        self.sent += 1
        return True

    @property
    def after_s(self) -> float:
        """After how many seconds without an answer a request is late."""
        if len(self._took_s) < LEAST_ANSWERS:
            return self.deadline_s * UNKNOWN_SHARE
        ordered = sorted(self._took_s)
        found_s = ordered[min(len(ordered) - 1, int(self.policy.percentile * len(ordered)) - 1)]
        return min(found_s, self.deadline_s)
