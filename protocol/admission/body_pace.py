"""How long the body of a request may take to arrive: pure, so the time is an argument.

Only the time counts in which the server waits for the client; a client is never given up for the server's own slowness.
"""

import math

import attrs


@attrs.frozen
class BodyBounds:
    """The bounds of a request's body: size, time and rate."""

    timeout_s: float
    """Seconds for the whole body."""
    grace_s: float = math.inf
    """Seconds after which the average rate must be kept."""
    min_bytes_per_s: float = 0.0

    @property
    def expectation(self) -> str:
        """The error text for a client that was too slow."""
        if self.grace_s >= self.timeout_s or not self.min_bytes_per_s:
            return f"the request's body must arrive within {self.timeout_s:g} s"
        return (
            f"the request's body must arrive within {self.timeout_s:g} s, "
            f"and at {self.min_bytes_per_s:g} bytes/s or more after the first {self.grace_s:g} s"
        )


@attrs.define
class BodyPace:
    """The progress of one body."""

    bounds: BodyBounds
    _waited_s: float = attrs.field(default=0.0, init=False)
    _received_bytes: int = attrs.field(default=0, init=False)

    def left_s(self) -> float:
        """Return the seconds to wait for the next bytes, 0 or more."""
        bounds = self.bounds
        allowed_s = bounds.timeout_s
        if bounds.min_bytes_per_s:
            allowed_s = min(allowed_s, bounds.grace_s + self._received_bytes / bounds.min_bytes_per_s)
        return max(0.0, allowed_s - self._waited_s)

    def note(self, waited_s: float, received_bytes: int) -> None:
        """Count one wait and the bytes received."""
        self._waited_s += waited_s
        self._received_bytes += received_bytes
