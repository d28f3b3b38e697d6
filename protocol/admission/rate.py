"""Rates: a sliding count of events, and limits on how often a sender may ask; pure, time is an argument.

Rules kept here:

* A limit is the generic cell rate algorithm (ITU-T I.371, annex A): of each sender only the time is kept at which it
  would have used up what it has taken.
* Of several limits all or none are taken: a request that one of them refuses counts for none.
* A sender that has used nothing recently is forgotten; beyond the table's bound the one that asked longest ago is, too.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence

import attrs
from attrs.validators import ge, gt


@attrs.define
class SlidingCount:
    """Says when more than ``limit`` things happened within ``window_s``; memory is ``limit + 1`` times."""

    limit: int = attrs.field(validator=ge(0))
    window_s: float = attrs.field(validator=gt(0))
    _times: deque[float] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._times = deque(maxlen=self.limit + 1)

    def add(self, now_s: float) -> bool:
        """Note one more at ``now_s``, which never goes back; return whether that makes too many."""
        self._times.append(now_s)
        return len(self._times) > self.limit and self._times[0] > now_s - self.window_s


@attrs.frozen
class RateLimit:
    """One limit: ``count`` in ``window_s`` in the long run, and ``burst`` at once."""

    count: int = attrs.field(validator=ge(1))
    window_s: float = attrs.field(validator=gt(0))
    burst: int = attrs.field(validator=ge(1))

    @property
    def step_s(self) -> float:
        """The time after which one more may come."""
        return self.window_s / self.count

    @property
    def tolerance_s(self) -> float:
        """How far ahead of its time a request may come."""
        return (self.burst - 1) * self.step_s


@attrs.define
class RateTable:
    """What each sender has taken of some limits."""

    limits: Sequence[RateLimit]
    max_senders: int = attrs.field(validator=ge(1))
    _used_up_s: OrderedDict[str, tuple[float, ...]] = attrs.field(factory=OrderedDict, init=False)
    """Of each sender and limit, until when what was taken counts; who asked longest ago comes first."""

    def __len__(self) -> int:
        return len(self._used_up_s)

    def wait_s(self, sender: str, now_s: float) -> float:
        """Return the seconds until the sender may take one more, 0 if it may now; takes nothing."""
        used_up_s = self._used_up_s.get(sender)
        if used_up_s is None:
            return 0.0
        waits = (used_s - limit.tolerance_s - now_s for used_s, limit in zip(used_up_s, self.limits, strict=True))
        return max(0.0, *waits)

    def take(self, sender: str, now_s: float) -> None:
        """Count one more of the sender."""
        before = self._used_up_s.pop(sender, (now_s,) * len(self.limits))
        self._used_up_s[sender] = tuple(
            max(used_s, now_s) + limit.step_s for used_s, limit in zip(before, self.limits, strict=True)
        )
        self._forget(now_s)

    def give_back(self, sender: str) -> None:
        """Count one less of the sender, which was taken before."""
        used_up_s = self._used_up_s.get(sender)
        if used_up_s is not None:
            self._used_up_s[sender] = tuple(
                used_s - limit.step_s for used_s, limit in zip(used_up_s, self.limits, strict=True)
            )

    def _forget(self, now_s: float) -> None:
        """Forget those that count for nothing any more or are too many, the longest silent first."""
        while self._used_up_s:
            sender, used_up_s = next(iter(self._used_up_s.items()))
            if len(self._used_up_s) <= self.max_senders and max(used_up_s) > now_s:
                return
            del self._used_up_s[sender]
