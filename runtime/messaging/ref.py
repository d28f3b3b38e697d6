"""The stable address of an actor, which others hold instead of the actor.

A reference survives restarts, and so does its mailbox: what is queued at a crash is handled by the next incarnation.

Its type says what may be sent: ``Ref[ListTools | CallTool]`` takes these two. A message that is asked names its answer
(``class ListTools(Ask[ToolList])``, ``protocol/messages/ask.py``), so ``await tools.ask(ListTools())`` is a
``ToolList`` to a type checker. A ``Ref[Never]`` is an address whose messages are not known.
"""

import logging
import math
from typing import Generic, Protocol, TypeVar

import trio

from runtime.messaging import handling
from runtime.messaging.deadletters import DeadLetter, DeadLetters
from runtime.messaging.envelope import Envelope, PendingAsk
from runtime.messaging.errors import (
    ActorDied,
    ActorUnavailable,
    AskCycle,
    AskTimeout,
    MailboxClosed,
    MailboxDeadlock,
    MailboxError,
    MailboxFull,
    MailboxTimeout,
    NoSuchActor,
)
from runtime.messaging.exits import Exit
from runtime.messaging.lane import MailboxSpec, Overflow
from runtime.messaging.mailbox import Mailbox, MailboxStatistics, OfferResult

log = logging.getLogger("sayso.runtime")

DEFAULT_WAIT_S = 5.0  # if nothing else bounds a wait; OTP's default for a call

Message_co = TypeVar("Message_co", covariant=True)
Message_contra = TypeVar("Message_contra", contravariant=True)
Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)


class Asked(Protocol[Message_co, Answer_co]):
    """A message of type ``Message_co`` that is answered with an ``Answer_co``; for type checkers only."""

    def asks_for(self) -> tuple[Message_co, Answer_co]:
        """Return the message itself and its answer; it is declared and never called."""


class Ref(Generic[Message_contra]):
    """Address and mailbox of one actor that takes ``Message_contra``.

    ``next_start_s`` is infinite or set while the actor is in backoff.
    """

    def __init__(self, name: str, mailbox: MailboxSpec | None = None) -> None:
        self.name = name
        self.mailbox = Mailbox(name, mailbox or MailboxSpec(), self._on_drop)
        self.next_start_s = 0.0
        self.dead_letters: DeadLetters | None = None
        self._last_exit: Exit | None = None

    def __repr__(self) -> str:
        return f"<Ref {self.name}: {len(self.mailbox)} queued>"

    # --- senders ---------------------------------------------------------------------------------

    async def tell(self, message: Message_contra, timeout_s: float | None = None) -> None:
        """Send on the data lane, by the mailbox's policy.

        Waits only under ``BLOCK``, until ``timeout_s`` or the enclosing cancel scope's deadline (5 s if there is
        neither). Raises ``MailboxTimeout``, ``MailboxFull`` (``REJECT``, ``COALESCE``), ``MailboxClosed``,
        ``MailboxDeadlock``, ``MessageTooLarge``; after any of them the message was not enqueued.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        now_s = trio.current_time()
        envelope = Envelope(message, now_s)
        if self._offered(envelope):
            return
        deadline_s = wait_until_s(now_s, timeout_s, trio.current_effective_deadline())
        with trio.CancelScope(deadline=deadline_s) as scope:
            await self.mailbox.wait_for_room(envelope)
        if scope.cancelled_caught:
            raise MailboxTimeout(f"no room in the mailbox of {self.name} for {deadline_s - now_s:.1f} s")

    def tell_nowait(self, message: Message_contra) -> bool:
        """Send on the data lane without waiting; return whether it was accepted (if not, that is counted)."""
        try:
            offer = self.mailbox.offer(Envelope(message, trio.current_time()))
        except MailboxError:
            offer = OfferResult.FULL
        if offer is OfferResult.FULL:
            self.mailbox.counters.rejected += 1
        return offer is OfferResult.TAKEN

    def signal(self, message: Message_contra) -> None:
        """Send on the control lane, overtaking data; nothing happens if the actor is gone.

        Raises ``ControlLaneFull``, which is a bug: let it crash.
        """
        try:
            self.mailbox.put_control(Envelope(message, trio.current_time()))
        except MailboxClosed:
            self.mailbox.counters.rejected += 1

    async def ask(
        self, message: Asked[Message_contra, Answer], timeout_s: float | None = None, *, linked: bool = False
    ) -> Answer:
        """Send on the data lane and wait for the one answer.

        The deadline is the earliest of ``timeout_s``, the enclosing cancel scope's and that of the message being
        handled; 5 s if there is none. If the caller is cancelled, a queued message is taken back; one being handled
        goes on, unless ``linked``, then its handler is cancelled too.

        Raises ``DomainError``, ``AskTimeout``, ``ActorDied``, ``PoisonMessage``, ``ActorUnavailable``,
        ``NoSuchActor``, ``AskCycle``, ``MailboxFull``, ``MessageTooLarge``. Example::

            try:
                listed: ToolList = await tools.ask(ListTools(), timeout_s=2.0)
            except (AskError, MailboxError) as error:
                log.warning("no list of tools: %s", error)
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        now_s = trio.current_time()
        envelope, ask = self._asking(message, now_s, timeout_s, linked=linked)
        try:
            with trio.CancelScope(deadline=ask.deadline_s):
                await self._deliver_ask(envelope)
                answer: Answer = await ask.wait()
                return answer
        finally:
            self._hang_up(envelope, ask)
        raise AskTimeout(f"{self.name} did not answer {type(message).__name__} in {ask.deadline_s - now_s:.1f} s")

    def statistics(self) -> MailboxStatistics:
        """Return a snapshot of the mailbox."""
        return self.mailbox.statistics(trio.current_time())

    # --- the runtime's side ----------------------------------------------------------------------

    def open(self, dead_letters: DeadLetters) -> None:
        """An incarnation is about to start."""
        self.dead_letters = dead_letters
        self.next_start_s = 0.0
        self._last_exit = None
        self.mailbox.is_closed = False

    def close(self, last_exit: Exit | None) -> None:
        """No incarnation follows: refuse messages, drop those queued and fail their askers."""
        self._last_exit = last_exit
        self.mailbox.close()
        self.mailbox.discard()

    def dead_letter(self, envelope: Envelope, reason: str) -> None:
        """Record a dead letter."""
        if self.dead_letters is None:
            return
        now_s = trio.current_time()
        kind = type(envelope.message).__name__
        letter = DeadLetter(self.name, envelope.id, kind, envelope.size_bytes, reason, now_s - envelope.queued_s)
        self.dead_letters.add(letter, now_s)

    # --- inside ----------------------------------------------------------------------------------

    def _offered(self, envelope: Envelope) -> bool:
        """Return ``False`` if the sender has to wait for room; raises if it may not."""
        offer = self.mailbox.offer(envelope)
        if offer is not OfferResult.FULL:
            return True
        if self.mailbox.spec.overflow is not Overflow.BLOCK:
            self.mailbox.counters.rejected += 1
            raise self._full()
        inbound = handling.current()
        if inbound is not None and inbound.is_blocking and inbound.ref is self:
            raise MailboxDeadlock(f"{self.name} would wait for room in its own mailbox")
        return False

    def _asking(
        self, message: object, now_s: float, timeout_s: float | None, *, linked: bool
    ) -> tuple[Envelope, PendingAsk]:
        inbound = handling.current()
        chain = () if inbound is None else inbound.chain
        if self in chain:
            raise AskCycle(f"{self.name} waits for this answer itself")
        inherited_s = math.inf if inbound is None else inbound.envelope.deadline_s
        deadline_s = wait_until_s(now_s, timeout_s, min(inherited_s, trio.current_effective_deadline()))
        if self.next_start_s > deadline_s:
            raise ActorUnavailable(self.name, self.next_start_s - now_s)
        ask = PendingAsk(deadline_s, chain, linked)
        return Envelope(message, now_s, ask), ask

    async def _deliver_ask(self, envelope: Envelope) -> None:
        try:
            if not self._offered(envelope):
                await self.mailbox.wait_for_room(envelope)
        except MailboxClosed:
            raise NoSuchActor(self.name) from None

    def _hang_up(self, envelope: Envelope, ask: PendingAsk) -> None:
        if ask.is_over:
            return
        ask.is_over = True
        if self.mailbox.withdraw(envelope):
            if ask.deadline_s <= trio.current_time():
                self.mailbox.counters.expired += 1
                self.dead_letter(envelope, "expired")
            else:
                self.mailbox.drop(envelope, "withdrawn")
        elif ask.is_linked and envelope.scope is not None:
            envelope.scope.cancel()

    def _full(self) -> MailboxFull:
        return MailboxFull(self.name, len(self.mailbox), self.mailbox.counters.retry_after_s)

    def _on_drop(self, envelope: Envelope, reason: str) -> None:
        if reason != "coalesced":  # replaced by a newer one of its key, as intended
            self.dead_letter(envelope, reason)
        if envelope.ask is not None:
            gone = NoSuchActor(self.name) if self._last_exit is None else ActorDied(self.name, self._last_exit)
            envelope.ask.fail(gone if reason == "closed" else self._full())


def wait_until_s(now_s: float, timeout_s: float | None, inherited_s: float) -> float:
    """Return the deadline of a wait: the earlier of both bounds, or 5 s from now if there is none."""
    own_s = math.inf if timeout_s is None else now_s + timeout_s
    deadline_s = min(own_s, inherited_s)
    return now_s + DEFAULT_WAIT_S if math.isinf(deadline_s) else deadline_s
