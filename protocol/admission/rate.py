"""A sliding count of events; pure, time is an argument."""

from collections import deque

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
