"""A circuit breaker for a dependency that keeps failing; pure, so the time is an argument.

Source: Nygard, *Release It!*. After some failures in a row no request is sent for a while, then one
probe; if that fails too, the pause doubles.
"""

import enum

import attrs
from attrs.validators import ge, gt


class BreakerState(enum.Enum):
    """Whether requests may pass."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"  # one probe is in flight, the others wait for its result


@attrs.frozen(kw_only=True)
class BreakerPolicy:
    """The number of failures that opens the breaker, and the pauses in seconds."""

    failures: int = attrs.field(default=3, validator=ge(1))
    """Failures in a row; a good answer in between resets the count."""
    pause_s: float = attrs.field(default=1.0, validator=gt(0))
    max_pause_s: float = attrs.field(default=30.0, validator=gt(0))


@attrs.define
class Breaker:
    """Keeps the count for one dependency; times are seconds of any monotonic clock.

    >>> breaker = Breaker(BreakerPolicy(failures=1, pause_s=2.0))
    >>> breaker.fail(10.0)
    >>> breaker.retry_after_s(10.5), breaker.retry_after_s(12.0)  # then one probe may be sent
    (1.5, None)
    """

    policy: BreakerPolicy = attrs.field(factory=BreakerPolicy)
    state: BreakerState = attrs.field(default=BreakerState.CLOSED, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _pauses: int = attrs.field(default=0, init=False)
    _until_s: float = attrs.field(default=0.0, init=False)

    def retry_after_s(self, now_s: float) -> float | None:
        """Return ``None`` if a try may be made now, else in how many seconds it is worth asking again.

        A try that was allowed must end in ``succeed``, ``fail`` or ``abandon``.
        """
        if self.state is BreakerState.CLOSED:
            return None
        if self.state is BreakerState.PROBING:
            return self.policy.pause_s
        if now_s < self._until_s:
            return self._until_s - now_s
        self.state = BreakerState.PROBING
        return None

    def succeed(self) -> None:
        """Note a good answer."""
        self.state = BreakerState.CLOSED
        self._failures = self._pauses = 0

    def fail(self, now_s: float) -> None:
        """Note a failure."""
        self._failures += 1
        if self.state is BreakerState.PROBING or self._failures >= self.policy.failures:
            pause_s = min(self.policy.max_pause_s, self.policy.pause_s * 2 ** min(self._pauses, 30))
            self._pauses += 1
            self._until_s = now_s + pause_s
            self.state = BreakerState.OPEN

    def abandon(self, now_s: float) -> None:
        """Note that a try ended without a result, such as by its caller's cancellation."""
        if self.state is BreakerState.PROBING:
            self.state = BreakerState.OPEN
            self._until_s = now_s
