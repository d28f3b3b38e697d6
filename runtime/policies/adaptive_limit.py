"""The number of concurrent requests that a dependency can take, learnt from its answers; pure.

Additive increase, multiplicative decrease, as in Netflix's concurrency-limits (``AIMDLimit``): one more after an
answer while at least half of the limit was in use, a tenth less after a failure. Growing without requests would
learn nothing.
"""

import attrs
from attrs.validators import ge

DECREASE = 0.9


@attrs.define
class AdaptiveLimit:
    """A limit between ``floor`` and ``ceiling``; it starts at the ceiling, which is the operator's setting."""

    ceiling: int = attrs.field(validator=ge(1))
    floor: int = attrs.field(default=1, validator=ge(1))
    _limit: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.floor = min(self.floor, self.ceiling)
        self._limit = float(self.ceiling)

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return int(self._limit)

    def succeed(self, in_flight: int) -> None:
        """Note an answer; ``in_flight`` counts the answered one too."""
        if 2 * in_flight >= self.limit:
            self._limit = min(float(self.ceiling), self._limit + 1)

    def fail(self) -> None:
        """Note a failure or a timeout."""
        self._limit = max(float(self.floor), self._limit * DECREASE)
