"""Keeps one session in the shared store, so that it can go on at another replica.

Rules kept here:

* What must not happen twice is written before it happens: a call before it is sent, a turn's end before it is told.
* Another replica takes a session once. From then on nothing is written by this one, and its half ends.
* A store that fails holds nothing up for longer than its deadline: then the session can go on here only, and is written
  again when the store is back.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import trio

from backends.protocols import SessionTaken, SharedStore, SharedUnavailable
from protocol.messages.hearing import INTERNAL_RATE_HZ
from protocol.messages.records import Count
from protocol.messages.shared import SavedSession
from protocol.turns.moving import packed, recorded
from protocol.turns.session_memory import SessionMemory

log = logging.getLogger("sayso.connection")

REFRESH_S: Final = 10.0  # between two writes of a session in which nothing happens
HELD_BACK_S: Final = 20.0  # audio that is acknowledged although it may be needed again: clients keep 30 s


@attrs.define(eq=False)
class Checkpoint:
    """One session's record in the shared store."""

    store: SharedStore
    memory: SessionMemory
    owner: str
    """A random id of this half of the session."""
    window_s: float
    """How long a session waits for its client."""
    count: Callable[[Count], object]
    is_taken: bool = attrs.field(default=False, init=False)
    """Whether another replica has the session."""
    taken: trio.Event = attrs.field(factory=trio.Event, init=False)
    saved_s: float = attrs.field(default=0.0, init=False)
    """When it was written last."""
    is_late: bool = attrs.field(default=False, init=False)
    """Whether the last write has failed."""
    _version: int = attrs.field(default=0, init=False)
    _tokens: Sequence[str] = attrs.field(default=(), init=False)
    _safe_samples: int = attrs.field(init=False)
    """Up to where the client's audio is not needed again, by the last record, at the client's rate."""
    _writing: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._safe_samples = self.memory.client.arrived_samples

    async def save(self) -> bool:
        """Write the session as it stands; return ``False`` if another replica has it."""
        async with self._writing:
            return await self._save()

    async def _save(self) -> bool:
        recording = None if self.is_taken else recorded(self.memory, trio.current_time())
        if recording is None:
            return not self.is_taken
        self._version += 1
        former = tuple(set(self._tokens) - set(recording.tokens))
        session = SavedSession(
            self.owner, self._version, recording.tokens, packed(recording), former, self.window_s + 2 * REFRESH_S
        )
        try:
            await self.store.save_session(session)
        except SessionTaken:
            self.let_go()
            return False
        except SharedUnavailable as error:
            log.debug("a session is not kept: %s", error, extra={"session_id": recording.session_id})
            self.is_late = True
            return True
        self._tokens, self._safe_samples = recording.tokens, recording.arrived_samples
        self.saved_s, self.is_late = trio.current_time(), False
        return True

    async def refresh(self) -> None:
        """Write again what was not written, or would be forgotten soon."""
        if self.is_late or trio.current_time() - self.saved_s >= REFRESH_S:
            await self.save()

    async def forget(self) -> None:
        """Remove the record: the session has ended."""
        if self.is_taken or not self._tokens:
            return
        try:
            await self.store.forget_session(self.owner, self._tokens)
        except SharedUnavailable as error:
            log.debug("the record of a session that has ended is kept for a while: %s", error)

    def let_go(self) -> None:
        """Note that another replica has the session."""
        if not self.is_taken:
            self.is_taken = True
            self.taken.set()

    def acknowledged(self, samples: int) -> int:
        """Return how many of the samples that have come the client may forget."""
        options = self.memory.client.options
        rate_hz = INTERNAL_RATE_HZ if options is None else options.audio.sample_rate
        return min(samples, max(self._safe_samples, samples - round(HELD_BACK_S * rate_hz)))
