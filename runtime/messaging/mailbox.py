"""A bounded queue of two lanes. The mailbox belongs to the address, so it outlives the actor that reads it.

Rules kept here:

* Control overtakes data; each lane is first in, first out; blocked senders are served in the order they came.
* Nothing is lost without a trace: at any quiet moment
  ``accepted = processed + queued + in_flight + dropped + expired + quarantined``.
* Putting and taking are atomic: a cancelled sender has not enqueued, a cancelled reader has not taken.
"""

import enum
import itertools
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

import attrs
import trio

from runtime.messaging.envelope import Envelope
from runtime.messaging.errors import ControlLaneFull, MailboxClosed
from runtime.messaging.lane import DataLane, MailboxSpec, Overflow
from runtime.messaging.service_time import ServiceTimes

CONTROL_CAPACITY = 64  # stops, barge-ins and similar; a working actor reads them at once
LATENCY_WEIGHT = 0.1  # of the newest message in the running mean


class OfferResult(enum.Enum):
    """The result of an offer."""

    TAKEN = "taken"
    DROPPED = "dropped"
    FULL = "full"


@attrs.define
class Counters:
    """Counts of messages since the address was made, both lanes together."""

    accepted: int = 0
    processed: int = 0
    in_flight: int = 0
    expired: int = 0
    quarantined: int = 0
    rejected: int = 0
    late_replies: int = 0
    dropped: Counter[str] = attrs.field(factory=Counter)
    """By reason: ``overflow``, ``coalesced``, ``withdrawn``, ``closed``, ``actor_died``."""
    latency_s: float = 0.0
    """Running mean from arrival to answer."""

    @property
    def retry_after_s(self) -> float:
        """Seconds that a message takes at present, estimated."""
        return max(0.1, self.latency_s)

    def finish(self, latency_s: float) -> None:
        """Count a message that was handled."""
        self.in_flight -= 1
        self.processed += 1
        self.latency_s += LATENCY_WEIGHT * (latency_s - self.latency_s)


@attrs.frozen(kw_only=True)
class MailboxStatistics:
    """A snapshot of a mailbox.

    * ``queued``: how many messages wait
    * ``queued_bytes``: how large they are, where the mailbox counts that
    * ``waiting_senders``: how many tasks wait for room
    * ``head_age_s``: seconds that the oldest message has waited
    * ``counters``: a copy of what has been counted since the mailbox was made
    """

    queued: int
    queued_bytes: int
    waiting_senders: int
    head_age_s: float
    counters: Counters


class Mailbox:
    """The queue; ``on_drop(envelope, reason)`` is called for every accepted message that is dropped."""

    def __init__(self, name: str, spec: MailboxSpec, on_drop: Callable[[Envelope, str], None]) -> None:
        self.name = name
        self.spec = spec
        self.counters = Counters()
        self.service = ServiceTimes()
        self.is_closed = False
        self._on_drop = on_drop
        self._control: deque[Envelope] = deque()
        self._data = DataLane(name, spec)
        self._senders: OrderedDict[trio.lowlevel.Task, Envelope] = OrderedDict()
        self._reader: trio.lowlevel.Task | None = None

    def __len__(self) -> int:
        return len(self._control) + len(self._data)

    def __repr__(self) -> str:
        return f"<Mailbox of {self.name}: {len(self)}/{self.spec.capacity} {self.spec.overflow.value}>"

    # --- senders ---------------------------------------------------------------------------------

    def offer(self, envelope: Envelope) -> OfferResult:
        """Enqueue or apply the policy, without waiting; raises ``MailboxClosed`` or ``MessageTooLarge``."""
        self._check_open()
        self._data.measure(envelope)
        replaced = self._data.replace(envelope)
        if replaced is not None:
            self.counters.accepted += 1
            self.drop(replaced, "coalesced")
        elif not self._senders and self._data.has_room_for(envelope):
            self._accept(envelope)
        elif self.spec.overflow is Overflow.DROP_OLDEST:
            while not self._data.has_room_for(envelope):
                self.drop(self._data.pop(), "overflow")
            self._accept(envelope)
        elif self.spec.overflow is Overflow.DROP_NEWEST:
            self.counters.accepted += 1
            self.drop(envelope, "overflow")
            return OfferResult.DROPPED
        else:
            return OfferResult.FULL
        return OfferResult.TAKEN

    async def wait_for_room(self, envelope: Envelope) -> None:
        """Enqueue an envelope that was offered when full, after the senders that came before.

        Raises ``MailboxClosed`` if the actor ends meanwhile; when cancelled, nothing is enqueued.
        """
        task = trio.lowlevel.current_task()
        self._senders[task] = envelope

        def abort(_: object) -> trio.lowlevel.Abort:
            del self._senders[task]
            self._admit_senders()  # it may have been the one whose size held up the others
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if not envelope.place:
            raise MailboxClosed(f"{self.name} takes no more messages")

    def put_control(self, envelope: Envelope) -> None:
        """Enqueue on the control lane; raises ``ControlLaneFull``, which is a bug of the actor or the sender."""
        self._check_open()
        if len(self._control) >= CONTROL_CAPACITY:
            raise ControlLaneFull(f"{self.name} has {CONTROL_CAPACITY} control messages unread")
        self.counters.accepted += 1
        self._control.append(envelope)
        self.wake()

    def withdraw(self, envelope: Envelope) -> bool:
        """Remove a queued envelope whose asker has gone; return whether it was still queued."""
        was_queued = self._data.remove(envelope)
        self._admit_senders()
        return was_queued

    # --- the reader ------------------------------------------------------------------------------

    def take_nowait(self) -> Envelope | None:
        """Return the next message, control first; ``None`` if there is none that may be handled now."""
        if self._control:
            return self._control.popleft()
        if not self._data or self.counters.in_flight >= self.spec.max_in_flight:
            return None
        envelope = self._data.pop()
        self._admit_senders()
        return envelope

    async def wait(self) -> None:
        """Wait until ``take_nowait`` is worth another try."""
        self._reader = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._reader = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def wake(self) -> None:
        """Wake the reader."""
        if self._reader is not None:
            trio.lowlevel.reschedule(self._reader)
            self._reader = None

    def put_back(self, envelopes: list[Envelope]) -> None:
        """Return messages that were in flight to the head, in order: they were accepted once already."""
        for envelope in reversed(envelopes):
            if not self._data.push_front(envelope):
                self.drop(envelope, "coalesced")

    def drop(self, envelope: Envelope, reason: str) -> None:
        """Count an accepted message that will not be handled, and call ``on_drop``."""
        self.counters.dropped[reason] += 1
        self._on_drop(envelope, reason)

    # --- its life --------------------------------------------------------------------------------

    def close(self) -> None:
        """Refuse new messages and the senders that wait; what is queued can still be taken."""
        self.is_closed = True
        for task in self._senders:
            trio.lowlevel.reschedule(task)
        self._senders.clear()

    def discard(self) -> None:
        """Drop all that is queued in a closed mailbox."""
        while self._control:
            self.drop(self._control.popleft(), "closed")
        while self._data:
            self.drop(self._data.pop(), "closed")

    def statistics(self, now_s: float) -> MailboxStatistics:
        """Return a snapshot."""
        head = next(itertools.chain(self._control, self._data), None)
        return MailboxStatistics(
            queued=len(self),
            queued_bytes=self._data.size_bytes,
            waiting_senders=len(self._senders),
            head_age_s=0.0 if head is None else now_s - head.queued_s,
            counters=attrs.evolve(self.counters, dropped=self.counters.dropped.copy()),
        )

    # --- inside ----------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self.is_closed:
            raise MailboxClosed(f"{self.name} takes no more messages")

    def _accept(self, envelope: Envelope) -> None:
        self.counters.accepted += 1
        self._data.append(envelope)
        self.wake()

    def _admit_senders(self) -> None:
        while self._senders and self._data.has_room_for(next(iter(self._senders.values()))):
            task, envelope = self._senders.popitem(last=False)
            self._accept(envelope)
            trio.lowlevel.reschedule(task)
