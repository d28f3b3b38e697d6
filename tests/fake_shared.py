"""A shared store in memory, for several replicas in one process; it can be slow, dead, or lose what it holds."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import attrs
import trio

from backends.protocols import SessionTaken, SharedUnavailable
from protocol.admission.rate import RateLimit, RateTable
from protocol.messages.shared import SavedSession, SharedLimit

SENDERS = 1_000
OWNERS = 1_000


@attrs.define(eq=False)
class SharedMemory:
    """What all replicas see."""

    tables: dict[SharedLimit, RateTable] = attrs.field(factory=dict, init=False)
    answers: dict[bytes, tuple[float, bytes]] = attrs.field(factory=dict, init=False)
    replicas: dict[str, float] = attrs.field(factory=dict, init=False)
    sessions: dict[str, tuple[float, SavedSession]] = attrs.field(factory=dict, init=False)
    """By token: until when it is kept, and the session."""
    lost: set[str] = attrs.field(factory=set, init=False)
    listeners: list[trio.MemorySendChannel[str]] = attrs.field(factory=list, init=False)
    trouble: str = ""
    """``dead``, ``frozen`` or ``slow``; empty while all is well."""
    delay_s: float = 0.0
    """What each request takes."""

    def forget_all(self) -> None:
        """Start again with nothing, as a Redis that keeps no file."""
        for kept in (self.tables, self.answers, self.replicas, self.sessions):
            kept.clear()
        self.lost.clear()


@attrs.define(eq=False)
class FakeShared:
    """One replica's way to it; a ``SharedStore``."""

    memory: SharedMemory
    replica: str = "here"
    asked: Counter[str] = attrs.field(factory=Counter, init=False)
    is_cut: bool = False
    """Whether this replica alone cannot reach it."""

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        yield

    async def take(self, limits: Sequence[SharedLimit]) -> float:
        await self._reach("take")
        now_s = trio.current_time()
        wait_s = max(self._table(limit).wait_s(limit.sender, now_s) for limit in limits)
        if wait_s == 0:
            for limit in limits:
                self._table(limit).take(limit.sender, now_s)
        return wait_s

    async def give_back(self, limits: Sequence[SharedLimit]) -> None:
        await self._reach("give_back")
        for limit in limits:
            self._table(limit).give_back(limit.sender)

    async def find_answer(self, key: bytes) -> bytes | None:
        await self._reach("find_answer")
        until_s, answer = self.memory.answers.get(key, (0.0, b""))
        return answer if until_s > trio.current_time() else None

    async def keep_answer(self, key: bytes, answer: bytes, ttl_s: float) -> None:
        await self._reach("keep_answer")
        self.memory.answers[key] = (trio.current_time() + ttl_s, answer)

    async def beat(self, ttl_s: float, *, is_leaving: bool = False) -> int:
        await self._reach("beat")
        now_s = trio.current_time()
        alive = {name for name, until_s in self.memory.replicas.items() if until_s > now_s} - {self.replica}
        self.memory.replicas[self.replica] = 0.0 if is_leaving else now_s + ttl_s
        return len(alive)

    async def save_session(self, session: SavedSession) -> None:
        await self._reach("save_session")
        if session.owner in self.memory.lost:
            raise SessionTaken("taken")
        for token in session.tokens:
            found = self._session(token)
            if found is not None and found.owner != session.owner:
                raise SessionTaken("taken")
            if found is not None and found.version >= session.version:
                return
        for token in session.former_tokens:
            self.memory.sessions.pop(token, None)
        for token in session.tokens:
            self.memory.sessions[token] = (trio.current_time() + session.ttl_s, session)

    async def take_session(self, token: str) -> bytes | None:
        await self._reach("take_session")
        found = self._session(token)
        if found is None:
            return None
        for name in found.tokens:
            self.memory.sessions.pop(name, None)
        self.memory.lost.add(found.owner)
        for listener in self.memory.listeners:
            listener.send_nowait(found.owner)
        return found.record

    async def forget_session(self, owner: str, tokens: Sequence[str]) -> None:
        await self._reach("forget_session")
        for token in tokens:
            found = self._session(token)
            if found is not None and found.owner == owner:
                del self.memory.sessions[token]

    @asynccontextmanager
    async def wait_taken(self) -> AsyncIterator[AsyncIterator[str]]:
        sender, receiver = trio.open_memory_channel[str](OWNERS)
        self.memory.listeners.append(sender)
        try:
            yield receiver
        finally:
            self.memory.listeners.remove(sender)

    async def _reach(self, what: str) -> None:
        self.asked[what] += 1
        trouble = "dead" if self.is_cut else self.memory.trouble
        if trouble == "dead":
            raise SharedUnavailable("connection refused")
        if trouble == "frozen":
            await trio.sleep_forever()
        await trio.sleep(10.0 if trouble == "slow" else self.memory.delay_s)
        if self.is_cut:
            raise SharedUnavailable("connection reset")

    def _table(self, limit: SharedLimit) -> RateTable:
        bounds = (RateLimit(limit.count, limit.window_s, limit.burst),)
        return self.memory.tables.setdefault(limit, RateTable(bounds, SENDERS))

    def _session(self, token: str) -> SavedSession | None:
        until_s, found = self.memory.sessions.get(token, (0.0, None))
        return found if until_s > trio.current_time() else None
