"""The data lane of a mailbox: messages in order, bounded in number and bytes. Never waits, has no callbacks."""

import enum
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Never

import attrs
from attrs.validators import ge, optional

from runtime.messaging.envelope import Envelope
from runtime.messaging.errors import MessageTooLarge


class Overflow(enum.Enum):
    """What happens to a message for a full mailbox."""

    BLOCK = "block"  # the sender waits, up to its deadline
    REJECT = "reject"  # the sender is refused at once
    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"
    COALESCE = "coalesce"  # replaces the queued message of the same key; a new key is rejected


@attrs.frozen
class MailboxSpec:
    """Bounds of the data lane, and the policy when they are reached."""

    capacity: int = attrs.field(default=256, validator=ge(1))
    overflow: Overflow = Overflow.BLOCK
    max_bytes: int | None = attrs.field(default=None, validator=optional(ge(1)))
    size_of: Callable[[Never], int] | None = None
    """Returns the bytes of a message; needed with ``max_bytes``."""
    key: Callable[[Never], Hashable] | None = None
    """Returns the key of a message; equal keys replace each other. Needed with ``COALESCE``."""
    max_in_flight: int = attrs.field(default=256, validator=ge(1))
    """Data messages being answered in tasks of their own; the rest waits in the queue."""

    def __attrs_post_init__(self) -> None:
        if self.max_bytes is not None and self.size_of is None:
            raise ValueError(f"max_bytes={self.max_bytes} needs size_of")
        if (self.overflow is Overflow.COALESCE) != (self.key is not None):
            raise ValueError(f"key goes with overflow=coalesce, not with {self.overflow.value}")


class DataLane:
    """Holds envelopes; the mailbox decides what happens when ``has_room_for`` says no."""

    def __init__(self, name: str, spec: MailboxSpec) -> None:
        self.size_bytes = 0
        self._name = name
        self._spec = spec
        self._queue: OrderedDict[int, Envelope] = OrderedDict()
        self._places: dict[Hashable, int] = {}
        self._next_place = 0

    def __len__(self) -> int:
        return len(self._queue)

    def __iter__(self) -> Iterator[Envelope]:
        return iter(self._queue.values())

    def measure(self, envelope: Envelope) -> None:
        """Note the size of a message; raises ``MessageTooLarge`` if no waiting would make it fit."""
        if self._spec.size_of is None:
            return
        envelope.size_bytes = self._spec.size_of(envelope.message)
        if self._spec.max_bytes is not None and envelope.size_bytes > self._spec.max_bytes:
            raise MessageTooLarge(f"{envelope.size_bytes} bytes for {self._name}, at most {self._spec.max_bytes}")

    def has_room_for(self, envelope: Envelope) -> bool:
        """Whether one more keeps both bounds."""
        return len(self._queue) < self._spec.capacity and self._fits(self.size_bytes + envelope.size_bytes)

    def append(self, envelope: Envelope) -> None:
        """Put at the end."""
        self._next_place += 1
        envelope.place = self._next_place
        self._queue[envelope.place] = envelope
        self.size_bytes += envelope.size_bytes
        if self._spec.key is not None:
            self._places[self._spec.key(envelope.message)] = envelope.place

    def push_front(self, envelope: Envelope) -> bool:
        """Put back at the head, beyond the bounds if need be; ``False`` if a newer one of its key has come."""
        if self._spec.key is not None and self._spec.key(envelope.message) in self._places:
            return False
        self.append(envelope)
        self._queue.move_to_end(envelope.place, last=False)
        return True

    def replace(self, envelope: Envelope) -> Envelope | None:
        """Put in the place of the queued message of the same key and return that; ``None`` if there is none."""
        place = None if self._spec.key is None else self._places.get(self._spec.key(envelope.message))
        if place is None:
            return None
        old = self._queue[place]
        size_bytes = self.size_bytes - old.size_bytes + envelope.size_bytes
        if not self._fits(size_bytes):
            return None
        envelope.place = place
        self._queue[place] = envelope
        self.size_bytes = size_bytes
        return old

    def pop(self) -> Envelope:
        """Take the first."""
        _, envelope = self._queue.popitem(last=False)
        self._forget(envelope)
        return envelope

    def remove(self, envelope: Envelope) -> bool:
        """Take out an envelope from anywhere; return whether it was here."""
        if self._queue.get(envelope.place) is not envelope:
            return False
        del self._queue[envelope.place]
        self._forget(envelope)
        return True

    def _fits(self, size_bytes: int) -> bool:
        return self._spec.max_bytes is None or size_bytes <= self._spec.max_bytes

    def _forget(self, envelope: Envelope) -> None:
        self.size_bytes -= envelope.size_bytes
        if self._spec.key is not None:
            self._places.pop(self._spec.key(envelope.message), None)
