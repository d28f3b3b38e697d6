"""The drain: its phase, and how long each may last; pure.

A first signal, or an operator, begins the drain: new clients are refused, turns in progress finish. A second signal
shortens it, a third ends the process: a person is waiting.
"""

import enum
from collections.abc import Callable
from typing import Final

import attrs

HURRY_S: Final = 5.0  # what a second signal leaves
LAST_RESORT_S: Final = 5.0  # after the last deadline, a thread ends the process even if the event loop hangs
COME_BACK_S: Final = (5.0, 30.0)  # between these, clients come back at random: a deploy takes as long
AT_ONCE_S: Final = (
    0.0,
    1.0,
)  # the same where another replica can have them: nobody waits, and they do not come together


def come_back_within_s(others: int) -> tuple[float, float]:
    """Return between which times clients may come back, where so many other replicas live."""
    return AT_ONCE_S if others else COME_BACK_S


class DrainPhase(enum.Enum):
    """The phases of the drain."""

    SERVING = "serving"
    DRAINING = "draining"  # old sessions finish, new clients are refused
    STOPPING = "stopping"  # the tree stops


@attrs.define
class Drain:
    """The state of the drain; times are seconds of one monotonic clock."""

    phase: DrainPhase = DrainPhase.SERVING
    reason: str = ""
    deadline_s: float = 0.0
    must_restart: bool = False
    """Whether the process ends as unhealthy, so that its service manager starts another."""

    def begin(self, reason: str, now_s: float, timeout_s: float, *, must_restart: bool = False) -> bool:
        """Begin; return ``False`` if that was done before. The first reason is kept, the earliest deadline counts."""
        if self.phase is not DrainPhase.SERVING:
            self.deadline_s = min(self.deadline_s, now_s + timeout_s)
            return False
        self.phase, self.reason, self.must_restart = DrainPhase.DRAINING, reason, must_restart
        self.deadline_s = now_s + timeout_s
        return True

    def stop(self) -> None:
        """Note that the tree stops now."""
        self.phase = DrainPhase.STOPPING

    def shown(self, clock: Callable[[], float]) -> dict[str, object]:
        """Return the state for the status page; ``clock`` is called only if there is a deadline."""
        if self.phase is DrainPhase.SERVING:
            return {"phase": self.phase.value}
        left_s = max(0.0, round(self.deadline_s - clock(), 1))
        return {"phase": self.phase.value, "reason": self.reason, "deadline_in_s": left_s}
