"""Keeps a slow or dead shared store from slowing the server.

Rules kept here:

* Every request has a deadline of some 50 ms. After the first that fails nothing more is asked, and callers decide by
  themselves at once.
* A deadline that this process has overslept proves nothing: then the request is made once more. All requests but
  ``take_session`` may be made twice.
* Whether the store is well again is found by its heartbeat alone (``actors/shared.py``): no caller waits for a probe.
* Only who takes a session waits for longer: a record is taken once, so an answer that is not waited for is a
  conversation that is lost.
* Sessions are taken some time after the store is back: first the replicas that live write theirs again, which have
  changed meanwhile.
* Every failure is counted, and every request timed.
"""

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypeVar

import attrs
import trio

from backends.protocols import SharedStore, SharedUnavailable
from protocol.messages.records import Count, Observe
from protocol.messages.shared import SavedSession, SharedLimit

T = TypeVar("T")
TAKE_S: Final = 2.0  # for a session's record, and before that for a store that does not answer just now
LOOK_S: Final = 0.05
SETTLE_S: Final = 1.5  # replicas find within a second that the store is back, by their heartbeats, and write at once
SETTLE_LEAST_S: Final = 0.1  # after a trouble of a moment they find it as soon
OVERSLEPT_S: Final = 0.01
TAKE_SESSION: Final = "take_session"
log = logging.getLogger("sayso.shared")


@attrs.define(eq=False)
class GuardedShared:
    """A ``SharedStore`` with a deadline and a breaker."""

    store: SharedStore
    deadline_s: float
    report: Callable[[Count | Observe], None]
    """Takes the figures."""
    trouble: str | None = attrs.field(default="it is being connected for the first time", init=False)
    """Why the store is not asked; ``None`` while it is."""
    _has_answered: bool = attrs.field(default=False, init=False)
    _settled_s: float = attrs.field(default=-math.inf, init=False)
    """When all that live have written their sessions again, after a trouble."""
    _since_s: float = attrs.field(default=-math.inf, init=False)
    """When the trouble began."""
    _failed: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def take(self, limits: Sequence[SharedLimit]) -> float:
        """Count one request for all limits and return 0; or for none, and return the seconds to wait."""
        return await self._ask("take", lambda: self.store.take(limits))

    async def give_back(self, limits: Sequence[SharedLimit]) -> None:
        """Count one request less, which was taken before."""
        await self._ask("give_back", lambda: self.store.give_back(limits))

    async def find_answer(self, key: bytes) -> bytes | None:
        """Return an answer that a replica has kept."""
        return await self._ask("find_answer", lambda: self.store.find_answer(key))

    async def keep_answer(self, key: bytes, answer: bytes, ttl_s: float) -> None:
        """Keep an answer for all replicas."""
        await self._ask("keep_answer", lambda: self.store.keep_answer(key, answer, ttl_s))

    async def save_session(self, session: SavedSession) -> None:
        """Keep a session for its client; raises ``SessionTaken`` if it is another replica's by now."""
        await self._ask("save_session", lambda: self.store.save_session(session))

    async def take_session(self, token: str) -> bytes | None:
        """Return the record of the session with that resume token, once; its old owner is told.

        After a trouble of the store it may be out of date for a while, which is waited for.
        """
        with trio.move_on_after(TAKE_S):
            while self.trouble is not None:  # noqa: ASYNC110 - it ends with a heartbeat, which is no event of ours
                await trio.sleep(LOOK_S)
        await trio.sleep_until(max(self._settled_s, trio.current_time()))
        deadline_s = max(TAKE_S, self.deadline_s)
        return await self._ask(TAKE_SESSION, lambda: self.store.take_session(token), deadline_s)

    async def forget_session(self, owner: str, tokens: Sequence[str]) -> None:
        """Remove a session that has ended; does nothing to one that has another owner."""
        await self._ask("forget_session", lambda: self.store.forget_session(owner, tokens))

    # --- what ``actors/shared.py`` asks, whatever the trouble ---------------------------------------

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Connect for the block; raises ``SharedUnavailable``."""
        try:
            async with self.store.connected():
                yield
        except SharedUnavailable as error:
            self._fail("connect", str(error))
            raise

    async def beat(self, ttl_s: float, *, is_leaving: bool = False) -> int:
        """Tell that this replica lives, and ask the store again if that was answered; returns how many others live."""
        others = await self._timed("beat", lambda: self.store.beat(ttl_s, is_leaving=is_leaving), self.deadline_s)
        if self.trouble is not None and self._has_answered:
            now_s = trio.current_time()
            self._settled_s = now_s + min(SETTLE_S, SETTLE_LEAST_S + now_s - self._since_s)
        self.trouble, self._has_answered = None, True
        return others

    def wait_taken(self) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Return a block with the owners of sessions that other replicas take from now on."""
        return self.store.wait_taken()

    async def wait_failed(self) -> None:
        """Wait for the next request that fails."""
        await self._failed.wait()

    # --- one request -----------------------------------------------------------------------------

    async def _ask(self, what: str, call: Callable[[], Awaitable[T]], deadline_s: float | None = None) -> T:
        if self.trouble is not None:
            raise SharedUnavailable(self.trouble)
        return await self._timed(what, call, deadline_s or self.deadline_s)

    async def _timed(self, what: str, call: Callable[[], Awaitable[T]], deadline_s: float) -> T:
        for is_last in (what == TAKE_SESSION, True):
            begun_s = trio.current_time()
            try:
                with trio.move_on_after(deadline_s):
                    answer = await call()
                    self.report(Observe("shared_seconds", (), trio.current_time() - begun_s))
                    return answer
            except SharedUnavailable as error:
                self._fail(what, str(error))
                raise
            if is_last or trio.current_time() - begun_s < deadline_s + OVERSLEPT_S:
                break
        reason = f"no answer in {1_000 * deadline_s:g} ms"
        self._fail(what, reason)
        raise SharedUnavailable(reason)

    def _fail(self, what: str, reason: str) -> None:
        self.report(Count("shared_errors_total", (what,)))
        if self.trouble is None:
            self._since_s = trio.current_time()
        self.trouble = reason
        self._failed.set()
        self._failed = trio.Event()
