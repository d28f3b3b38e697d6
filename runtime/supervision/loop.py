"""The message loop of one incarnation.

Rules kept here:

* One message at a time, save for answers that the actor gives from tasks of their own.
* Messages in flight are recorded, so that none is lost when the incarnation ends.
* Messages are drained in batches: a checkpoint for each would cost more than most handlers, none would let one busy
  actor hold up all others.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Never, TypeVarTuple

import trio

from runtime.messaging.envelope import Envelope
from runtime.messaging.errors import ActorDied, AskTimeout, DomainError, PoisonMessage
from runtime.messaging.exits import ORDERLY, Exit, Stuck, classify
from runtime.messaging.handling import Handling, WorkingOn, current
from runtime.messaging.ref import Ref

log = logging.getLogger("sayso.runtime")

Arguments = TypeVarTuple("Arguments")

BATCH = 64  # messages between checkpoints: below 1 ms for handlers that do not wait


class MessageLoop:
    """Takes messages from the mailbox of ``ref`` and gives them to ``handle``."""

    def __init__(
        self,
        ref: Ref[Never],
        handle: Callable[[Never], Awaitable[object]],
        nursery: trio.Nursery,
        max_handler_s: float | None = None,
    ) -> None:
        self._ref = ref
        self._mailbox = ref.mailbox
        self._handle = handle
        self._nursery = nursery
        self._max_handler_s = max_handler_s
        self._in_flight: dict[int, Envelope] = {}
        self._is_stopping = False
        self.ended = trio.Event()
        self.handled = 0
        self.last_message_id: int | None = None

    async def run(self) -> None:
        """Handle messages until told to stop."""
        while not self._is_stopping:
            if not await self._handle_batch():
                await self._mailbox.wait()
        self.ended.set()

    def stop(self) -> None:
        """Handle nothing after the current message."""
        self._is_stopping = True
        self._mailbox.wake()

    async def drain(self) -> None:
        """Handle the messages queued at the end, and wait for answers from tasks of their own."""
        self._mailbox.close()
        while len(self._mailbox) or self._in_flight:
            envelope = self._mailbox.take_nowait()
            if envelope is None:
                await self._mailbox.wait()
            else:
                await self._dispatch(envelope)

    def defer(self, fn: Callable[[*Arguments], Awaitable[object]], args: tuple[*Arguments]) -> None:
        """Let a task answer the message being handled."""
        handling = current()
        if handling is None or handling.ref is not self._ref or not handling.is_blocking:
            raise RuntimeError("reply_in_task belongs into handle()")
        handling.envelope.is_deferred = True
        self._nursery.start_soon(self._answer, handling.envelope, fn, args)

    def settle(self, ended: Exit) -> bool:
        """Decide about the messages in flight at the end; return whether one of them was poison."""
        left, self._in_flight = self._in_flight, {}
        self._mailbox.counters.in_flight -= len(left)
        again = [envelope for envelope in left.values() if envelope.may_be_tried_again]
        has_poison = False
        for envelope in left.values():
            if envelope.may_be_tried_again:
                envelope.is_deferred = envelope.has_crashed = False
            elif envelope.has_crashed:
                has_poison = True
                self._mailbox.counters.quarantined += 1
                self._ref.dead_letter(envelope, "poison")
                _tell_asker(envelope, PoisonMessage(self._ref.name, ended))
            else:
                _tell_asker(envelope, ActorDied(self._ref.name, ended))
                self._mailbox.drop(envelope, "actor_died")
        self._mailbox.put_back(again)
        return has_poison

    # --- one message -----------------------------------------------------------------------------

    async def _handle_batch(self) -> bool:
        """Handle the queued messages, at most a batch; return whether there may be more."""
        for _ in range(BATCH):
            envelope = None if self._is_stopping else self._mailbox.take_nowait()
            if envelope is None:
                return self._is_stopping
            await self._dispatch(envelope)
        await trio.lowlevel.checkpoint()
        return True

    async def _dispatch(self, envelope: Envelope) -> None:
        now_s = trio.current_time()
        if envelope.ask is not None and self._is_too_late(envelope, now_s):
            self._expire(envelope)
            return
        envelope.attempt += 1
        envelope.begun_s = now_s
        self._in_flight[envelope.id] = envelope
        self._mailbox.counters.in_flight += 1
        self.last_message_id = envelope.id
        if self._max_handler_s is None:
            await self._work(envelope, self._handle, (envelope.message,), is_blocking=True)
        else:
            await self._work(envelope, self._handle_in_time, (envelope, self._max_handler_s), is_blocking=True)

    def _is_too_late(self, envelope: Envelope, now_s: float) -> bool:
        return envelope.is_expired(now_s) or (envelope.has_steady_cost and self._is_hopeless(envelope, now_s))

    def _is_hopeless(self, envelope: Envelope, now_s: float) -> bool:
        return self._mailbox.service.would_be_late(type(envelope.message), envelope.deadline_s - now_s)

    async def _handle_in_time(self, envelope: Envelope, limit_s: float) -> object:
        """Handle within the limit; raises ``Stuck`` past it."""
        begun_s = trio.current_time()
        with trio.CancelScope(deadline=begun_s + limit_s) as scope:
            value = await self._handle(envelope.message)
            took_s = trio.current_time() - begun_s
            if took_s > limit_s / 2:
                name = type(envelope.message).__name__
                log.warning("%s took %.1f s for %s, of %g s at most", self._ref.name, took_s, name, limit_s)
            return value
        if scope.cancelled_caught:
            raise Stuck(f"{type(envelope.message).__name__} took longer than {limit_s:g} s")
        raise AssertionError("a handler left its scope without a value")

    async def _answer(
        self, envelope: Envelope, fn: Callable[[*Arguments], Awaitable[object]], args: tuple[*Arguments]
    ) -> None:
        await self._work(envelope, fn, args, is_blocking=False)

    async def _work(
        self,
        envelope: Envelope,
        fn: Callable[[*Arguments], Awaitable[object]],
        args: tuple[*Arguments],
        *,
        is_blocking: bool,
    ) -> None:
        """Await ``fn(*args)`` for ``envelope`` and give its result to the asker, or crash."""
        task = trio.lowlevel.current_task()
        handling = Handling(self._ref, envelope, task, self._nursery, is_blocking)
        try:
            with WorkingOn(handling):
                value = await self._linked(envelope, fn, args)
        except DomainError as error:
            self._finish(envelope, error=error)
        except AskTimeout as error:  # of an inner ask: not our fault if the deadline was our asker's
            if not envelope.is_expired(trio.current_time()):
                envelope.has_crashed = True
                raise
            self._finish(envelope, error=error)
        except BaseException as error:
            envelope.has_crashed = classify(error) not in ORDERLY
            raise
        else:
            if not (is_blocking and envelope.is_deferred):
                self._finish(envelope, value)

    async def _linked(
        self, envelope: Envelope, fn: Callable[[*Arguments], Awaitable[object]], args: tuple[*Arguments]
    ) -> object:
        """Run ``fn`` so that a linked asker can cancel it."""
        if envelope.ask is None or not envelope.ask.is_linked:
            return await fn(*args)
        with trio.CancelScope() as envelope.scope:
            if not envelope.ask.is_over:
                return await fn(*args)
        return None

    def _finish(self, envelope: Envelope, value: object = None, error: Exception | None = None) -> None:
        if self._in_flight.pop(envelope.id, None) is None:
            self._mailbox.counters.late_replies += 1  # given up as a zombie, but it has ended after all
            return
        self.handled += 1
        now_s = trio.current_time()
        self._mailbox.counters.finish(now_s - envelope.queued_s)
        if envelope.has_steady_cost:
            self._mailbox.service.add(type(envelope.message), now_s - envelope.begun_s)
        self._mailbox.wake()
        if envelope.ask is None:
            if error is not None:
                log.warning("%s refused %s: %s", self._ref.name, type(envelope.message).__name__, error)
        elif not (envelope.ask.reply(value) if error is None else envelope.ask.fail(error)):
            self._mailbox.counters.late_replies += 1

    def _expire(self, envelope: Envelope) -> None:
        self._mailbox.counters.expired += 1
        self._ref.dead_letter(envelope, "expired")
        _tell_asker(envelope, AskTimeout(f"{self._ref.name} did not come to it in time"))


def _tell_asker(envelope: Envelope, error: Exception) -> None:
    if envelope.ask is not None:
        envelope.ask.fail(error)
