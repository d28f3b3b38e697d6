"""What happened in a simulated run, line by line; two runs are the same if their digests are."""

import hashlib
from collections.abc import Sequence

import trio


class Trace:
    """A log on the virtual clock. Only what does not depend on the machine may be noted."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def __len__(self) -> int:
        return len(self._lines)

    def note(self, who: str, what: str) -> None:
        """Add a line."""
        self._lines.append(f"{trio.current_time():9.3f} {who:<12} {what}")

    def last(self, count: int) -> Sequence[str]:
        """Return the last lines."""
        return tuple(self._lines[-count:])

    def digest(self) -> str:
        """Return a hash of all lines."""
        return hashlib.sha256("\n".join(self._lines).encode()).hexdigest()[:16]
