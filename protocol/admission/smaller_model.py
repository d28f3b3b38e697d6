"""When a smaller speech model does the work of the usual one, because memory is short; pure, time is an argument.

Rules kept here:

* The smaller one is taken at once from level 2 of memory pressure on: at level 3 new sessions would be refused.
* The usual one comes back after a minute without any memory pressure. If it brings that back within ten minutes,
  the next wait is twice as long, an hour at most.
* A change that failed is tried again after the same wait.
"""

from typing import Final

import attrs

from protocol.admission.load import Level

TAKEN_AT: Final = Level.NO_SHEDDABLE
CALM_S: Final = 60.0
CALM_MAX_S: Final = 3_600.0
AGAIN_WITHIN_S: Final = 600.0


@attrs.define
class SmallerModelChoice:
    """Decides which of two models should do the work."""

    is_smaller: bool = False
    """Whether it is the smaller one."""
    _calm_s: float = CALM_S
    _calm_since_s: float | None = None
    _back_s: float | None = None
    """When the usual one came back last."""
    _wait_until_s: float | None = None
    """After a change that failed."""

    def look(self, memory_level: int, now_s: float) -> bool:
        """Return whether the smaller one should do the work, at this level of memory pressure."""
        if self._wait_until_s is not None and now_s < self._wait_until_s:
            return self.is_smaller
        if memory_level > 0:
            self._calm_since_s = None
        elif self._calm_since_s is None:
            self._calm_since_s = now_s
        if not self.is_smaller and memory_level >= TAKEN_AT:
            is_again = self._back_s is not None and now_s - self._back_s < AGAIN_WITHIN_S
            self._calm_s = min(CALM_MAX_S, 2 * self._calm_s) if is_again else CALM_S
            self.is_smaller = True
        elif self.is_smaller and self._calm_since_s is not None and now_s - self._calm_since_s >= self._calm_s:
            self.is_smaller, self._back_s = False, now_s
        return self.is_smaller

    def note_failure(self, now_s: float) -> None:
        """Take back the last decision: it could not be carried out."""
        self.is_smaller = not self.is_smaller
        self._wait_until_s = now_s + self._calm_s
