"""A bounded queue that is fair between groups and between the keys of a group: deficit round robin, pure, no waiting.

Source: M. Shreedhar and G. Varghese, "Efficient Fair Queueing using Deficit Round Robin", SIGCOMM 1995; equal quanta,
between groups and again within each. Costs are given by the caller (seconds of audio, say), so one key with long jobs
gets as much service as another with short ones.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from typing import Generic, Protocol, TypeVar

import attrs

T = TypeVar("T")


class _TakesTurns(Protocol):
    deficit: float

    def next_cost(self) -> float: ...


Turn = TypeVar("Turn", bound=_TakesTurns)


def _next_in_turn(lanes: OrderedDict[Hashable, Turn], quantum: float) -> tuple[Hashable, Turn]:
    """Return the lane or group that is next: give quanta in turn until one can pay for its next item."""
    while True:
        key, lane = next(iter(lanes.items()))
        if lane.deficit >= lane.next_cost():
            return key, lane
        lane.deficit += quantum
        lanes.move_to_end(key)


@attrs.define
class _Lane(Generic[T]):
    """The queue of one key."""

    items: deque[tuple[float, T]] = attrs.field(factory=deque)
    deficit: float = 0.0

    def next_cost(self) -> float:
        return self.items[0][0]


@attrs.define
class _Group(Generic[T]):
    """The keys that share a turn."""

    quantum: float
    lanes: OrderedDict[Hashable, _Lane[T]] = attrs.field(factory=OrderedDict)
    deficit: float = 0.0

    def next_cost(self) -> float:
        return _next_in_turn(self.lanes, self.quantum)[1].next_cost()

    def take(self) -> tuple[float, T]:
        key, lane = _next_in_turn(self.lanes, self.quantum)
        cost, item = lane.items.popleft()
        lane.deficit -= cost
        if not lane.items:
            del self.lanes[key]
        return cost, item

    def discard(self, key: Hashable, item: T) -> bool:
        lane = self.lanes.get(key, _Lane())
        for place, (_, queued) in enumerate(lane.items):
            if queued is item:
                del lane.items[place]
                if not lane.items:
                    del self.lanes[key]
                return True
        return False


class FairQueue(Generic[T]):
    """First in first out for each key, round robin between the keys of a group, and between groups.

    >>> queue = FairQueue[str](capacity=10)
    >>> for key, item in (("a", "a1"), ("a", "a2"), ("b", "b1")):
    ...     assert queue.put(key, item, cost=1.0)
    >>> queue.take(), queue.take(), queue.take()
    ('a1', 'b1', 'a2')
    """

    def __init__(self, capacity: int, quantum: float = 1.0) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be >= 1, not {capacity}")
        if quantum <= 0:
            raise ValueError(f"quantum must be > 0, not {quantum}")
        self._capacity = capacity
        self._quantum = quantum
        self._groups: OrderedDict[Hashable, _Group[T]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T]:
        """Yield the queued items, key by key."""
        return (item for group in self._groups.values() for lane in group.lanes.values() for _, item in lane.items)

    def __repr__(self) -> str:
        return f"<FairQueue {self._size}/{self._capacity} items of {len(self._groups)} groups>"

    @property
    def is_full(self) -> bool:
        """Whether ``put`` would refuse."""
        return self._size >= self._capacity

    def put(self, key: Hashable, item: T, cost: float = 1.0, group: Hashable = None) -> bool:
        """Queue ``item`` for ``key`` of ``group``; return ``False`` if the queue is full."""
        if self.is_full:
            return False
        lanes = self._groups.setdefault(group, _Group(self._quantum)).lanes
        lanes.setdefault(key, _Lane()).items.append((cost, item))
        self._size += 1
        return True

    def take(self) -> T | None:
        """Return the item whose turn it is, or ``None`` if there is none."""
        if not self._groups:
            return None
        name, group = _next_in_turn(self._groups, self._quantum)
        cost, item = group.take()
        group.deficit -= cost
        self._forget_if_empty(name)
        return item

    def discard(self, key: Hashable, item: T, group: Hashable = None) -> bool:
        """Remove one queued ``item`` of ``key`` (its asker has gone); return whether it was there."""
        if group not in self._groups or not self._groups[group].discard(key, item):
            return False
        self._forget_if_empty(group)
        return True

    def _forget_if_empty(self, group: Hashable) -> None:
        """Count one item less; an empty group loses its deficit."""
        self._size -= 1
        if not self._groups[group].lanes:
            del self._groups[group]
