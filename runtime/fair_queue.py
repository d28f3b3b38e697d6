"""A bounded queue that is fair between keys: deficit round robin with equal quanta, pure, no waiting.

Source: M. Shreedhar and G. Varghese, "Efficient Fair Queueing using Deficit Round Robin", SIGCOMM 1995. Costs are
given by the caller (seconds of audio, say), so one key with long jobs gets as much service as another with short ones.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

import attrs

T = TypeVar("T")


@attrs.define
class _Lane(Generic[T]):
    items: deque[tuple[float, T]] = attrs.field(factory=deque)
    deficit: float = 0.0


class FairQueue(Generic[T]):
    """First in first out for each key, round robin between keys."""

    def __init__(self, capacity: int, quantum: float = 1.0) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be >= 1, not {capacity}")
        if quantum <= 0:
            raise ValueError(f"quantum must be > 0, not {quantum}")
        self._capacity = capacity
        self._quantum = quantum
        self._lanes: OrderedDict[Hashable, _Lane[T]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T]:
        """Yield what waits, key by key."""
        return (item for lane in self._lanes.values() for _, item in lane.items)

    def __repr__(self) -> str:
        return f"<FairQueue {self._size}/{self._capacity} items of {len(self._lanes)} keys>"

    @property
    def is_full(self) -> bool:
        """Whether ``put`` would refuse."""
        return self._size >= self._capacity

    def put(self, key: Hashable, item: T, cost: float = 1.0) -> bool:
        """Queue ``item`` for ``key``; return ``False`` if the queue is full."""
        if self.is_full:
            return False
        self._lanes.setdefault(key, _Lane()).items.append((cost, item))
        self._size += 1
        return True

    def take(self) -> T | None:
        """Return the item whose turn it is, or ``None`` if there is none."""
        while self._lanes:
            key, lane = next(iter(self._lanes.items()))
            cost, item = lane.items[0]
            if lane.deficit < cost:
                lane.deficit += self._quantum
                self._lanes.move_to_end(key)
                continue
            lane.deficit -= cost
            lane.items.popleft()
            self._size -= 1
            if not lane.items:
                del self._lanes[key]
            return item
        return None

    def discard(self, key: Hashable, item: T) -> bool:
        """Remove one queued ``item`` of ``key`` (its asker has gone); return whether it was there."""
        lane = self._lanes.get(key)
        if lane is None:
            return False
        for place, (_, queued) in enumerate(lane.items):
            if queued is item:
                del lane.items[place]
                self._size -= 1
                if not lane.items:
                    del self._lanes[key]
                return True
        return False
