"""A message in a mailbox, with the slot for its answer.

Rules kept here:

* A slot is answered at most once; later answers are dropped, so a late answer can never reach a later ask.
* An attempt is counted before the handler runs, so that a message that crashes it is known.
"""

import itertools
import math
from typing import Any

import attrs
import trio

MAX_ATTEMPTS = 2  # an idempotent message that was in flight at a crash is tried once more

_ids = itertools.count(1)


@attrs.define(eq=False)
class PendingAsk:
    """The asker's side: its deadline, the actors that wait for it, and the slot for the answer."""

    deadline_s: float
    chain: tuple[object, ...] = ()
    """The actors that handle no message before this is answered."""
    is_linked: bool = False
    is_over: bool = False
    """Answered, or the asker has gone."""
    _value: object = None
    _error: Exception | None = None
    _done: trio.Event = attrs.field(factory=trio.Event)

    def reply(self, value: object) -> bool:
        """Answer; return ``False`` if it was too late."""
        if self.is_over:
            return False
        self._value = value
        self.is_over = True
        self._done.set()
        return True

    def fail(self, error: Exception) -> bool:
        """Answer with an exception; return ``False`` if it was too late."""
        if self.is_over:
            return False
        self._error = error
        return self.reply(None)

    async def wait(self) -> Any:
        """Return the answer or raise it."""
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value


@attrs.define(eq=False)
class Envelope:
    """One message in one mailbox."""

    message: Any
    queued_s: float
    ask: PendingAsk | None = None
    size_bytes: int = 0
    id: int = attrs.field(factory=lambda: next(_ids))
    attempt: int = 0
    begun_s: float = attrs.field(default=0.0, init=False)
    """When its handling began."""
    place: int = 0
    """Position in the mailbox; used by the mailbox only."""
    scope: trio.CancelScope | None = None
    """The scope that a linked asker cancels while the message is handled."""
    is_deferred: bool = False
    """Whether its answer comes from a task of its own."""
    has_crashed: bool = False

    @property
    def deadline_s(self) -> float:
        """When the asker stops waiting; infinite for a message sent by ``tell``."""
        return math.inf if self.ask is None else self.ask.deadline_s

    def is_expired(self, now_s: float) -> bool:
        """Whether its asker no longer waits."""
        return self.ask is not None and (self.ask.is_over or self.ask.deadline_s <= now_s)

    @property
    def has_steady_cost(self) -> bool:
        """Whether it is an ask, and its class says that one takes about as long as another."""
        return self.ask is not None and getattr(type(self.message), "has_steady_cost", False)

    @property
    def may_be_tried_again(self) -> bool:
        """Whether its class says ``idempotent = True`` and it has an attempt left."""
        return bool(getattr(type(self.message), "idempotent", False)) and self.attempt < MAX_ATTEMPTS
