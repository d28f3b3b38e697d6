"""Small models of the mailbox and of the supervisor: what they must be after each operation, without any waiting."""

from collections import Counter
from collections.abc import Iterable

import attrs

from runtime import ChildPresent, MailboxClosed, MailboxSpec, MessageTooLarge, NoSuchChild, Overflow, Restart, Strategy
from runtime.messaging.mailbox import OfferResult
from runtime.policies.strategy import affected


@attrs.frozen
class Item:
    """A message of the tests."""

    number: int
    size: int
    key: int


@attrs.define
class MailboxModel:
    """Lists of items where the mailbox has lanes of envelopes."""

    spec: MailboxSpec
    control: list[Item] = attrs.field(factory=list)
    data: list[Item] = attrs.field(factory=list)
    waiting: list[Item] = attrs.field(factory=list)
    in_flight: list[Item] = attrs.field(factory=list)
    accepted: int = 0
    processed: int = 0
    dropped: Counter[str] = attrs.field(factory=Counter)
    is_closed: bool = False

    def has_room_for(self, item: Item) -> bool:
        """Whether both bounds hold with one more."""
        return len(self.data) < self.spec.capacity and self.fits(item)

    def fits(self, item: Item, *, instead_of: Item | None = None) -> bool:
        """Whether the bytes fit, perhaps in the place of another."""
        total = sum(queued.size for queued in self.data if queued is not instead_of) + item.size
        return self.spec.max_bytes is None or total <= self.spec.max_bytes

    def offer(self, item: Item) -> OfferResult:
        """Take it, or do what the policy says."""
        if self.is_closed:
            raise MailboxClosed
        if self.spec.max_bytes is not None and item.size > self.spec.max_bytes:
            raise MessageTooLarge
        old = next((queued for queued in self.data if self.spec.key is not None and queued.key == item.key), None)
        if old is not None and self.fits(item, instead_of=old):
            self.accepted += 1
            self.data[self.data.index(old)] = item
            self.dropped["coalesced"] += 1
            return OfferResult.TAKEN
        if self.spec.overflow is Overflow.DROP_OLDEST:
            while not self.has_room_for(item):
                self.data.pop(0)
                self.dropped["overflow"] += 1
        if self.has_room_for(item) and not self.waiting:
            self.accepted += 1
            self.data.append(item)
            return OfferResult.TAKEN
        if self.spec.overflow is Overflow.DROP_NEWEST:
            self.accepted += 1
            self.dropped["overflow"] += 1
            return OfferResult.DROPPED
        return OfferResult.FULL

    def put_control(self, item: Item) -> None:
        """Put beside the data."""
        if self.is_closed:
            raise MailboxClosed
        self.accepted += 1
        self.control.append(item)

    def take(self) -> Item | None:
        """Control first, then data while not too much is in flight."""
        if self.control:
            item = self.control.pop(0)
        elif self.data and len(self.in_flight) < self.spec.max_in_flight:
            item = self.data.pop(0)
        else:
            return None
        self.in_flight.append(item)
        self.admit()
        return item

    def withdraw(self, item: Item) -> bool:
        """Take back what is queued on the data lane."""
        was_queued = item in self.data
        if was_queued:
            self.data.remove(item)
            self.dropped["withdrawn"] += 1
        self.admit()
        return was_queued

    def put_back(self, items: Iterable[Item]) -> None:
        """Return what was in flight to the head, in order."""
        for item in reversed(list(items)):
            self.in_flight.remove(item)
            if self.spec.key is not None and any(queued.key == item.key for queued in self.data):
                self.dropped["coalesced"] += 1
            else:
                self.data.insert(0, item)

    def admit(self) -> None:
        """Admit waiting senders, in order, as long as the first of them has room."""
        while self.waiting and self.has_room_for(self.waiting[0]):
            self.accepted += 1
            self.data.append(self.waiting.pop(0))

    def discard(self) -> None:
        """Drop all that is queued."""
        self.dropped["closed"] += len(self.control) + len(self.data)
        self.control.clear()
        self.data.clear()


@attrs.define
class ChildModel:
    """What must be true of one child."""

    restart: Restart
    is_alive: bool = True
    incarnation: int = 1


@attrs.define
class SupervisorModel:
    """Which children there are, which of them live, and how often each was started."""

    strategy: Strategy
    children: dict[str, ChildModel] = attrs.field(factory=dict)

    def end(self, child_id: str, *, is_crash: bool) -> None:
        """A child ends by itself."""
        child = self.children[child_id]
        if child.restart is Restart.TEMPORARY:
            del self.children[child_id]
        elif child.restart is Restart.TRANSIENT and not is_crash:
            child.is_alive = False
        else:
            self._restart_group(affected(self.strategy, tuple(self.children), child_id))

    def start(self, child_id: str, restart: Restart) -> None:
        """Start a new child at the end of the list."""
        if child_id in self.children:
            raise ChildPresent
        self.children[child_id] = ChildModel(restart)

    def terminate(self, child_id: str) -> None:
        """Stop a child for good."""
        child = self._find(child_id)
        child.is_alive = False
        if child.restart is Restart.TEMPORARY:
            del self.children[child_id]

    def restart(self, child_id: str) -> None:
        """Start a stopped child."""
        child = self._find(child_id)
        if child.is_alive:
            raise ChildPresent
        child.is_alive = True
        child.incarnation += 1

    def delete(self, child_id: str) -> None:
        """Forget a stopped child."""
        if self._find(child_id).is_alive:
            raise ChildPresent
        del self.children[child_id]

    def _find(self, child_id: str) -> ChildModel:
        if child_id not in self.children:
            raise NoSuchChild
        return self.children[child_id]

    def _restart_group(self, group: Iterable[str]) -> None:
        for child_id in group:
            child = self.children[child_id]
            if not child.is_alive:
                continue
            if child.restart is Restart.TEMPORARY:
                del self.children[child_id]
            else:
                child.incarnation += 1
