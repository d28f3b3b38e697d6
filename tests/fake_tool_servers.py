"""MCP servers that answer from a script, behind the faces of ``backends/protocols.py``."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from backends.protocols import CallNotSent, ToolServerLost
from protocol.messages.understanding import CallTool, McpOffer, ToolAnnouncement, ToolOutcome, ToolSpec


@attrs.define(eq=False)
class FakeToolServer:
    """One connected MCP server; ``lose`` ends it."""

    name: str
    tools: tuple[ToolSpec, ...] = ()
    answer: Any = None
    calls: list[CallTool] = attrs.field(factory=list)
    offers: tuple[McpOffer, ...] = ()
    notes: tuple[str, ...] = ()
    listeners: list[Mapping[str, str]] = attrs.field(factory=list)
    told: list[tuple[int, ...]] = attrs.field(factory=list)
    takes_receipts: bool = True
    _lost: trio.Event = attrs.field(factory=trio.Event)
    _changed: trio.Event = attrs.field(factory=trio.Event)
    _why: str = ""

    def change(self, *tools: ToolSpec) -> None:
        """Have other tools from now on, and say so."""
        self.tools = tools
        self._changed.set()

    async def wait_changed(self) -> None:
        await self._changed.wait()
        self._changed = trio.Event()

    def lose(self, why: str) -> None:
        """Be gone."""
        self._why = why
        self._lost.set()

    async def list_tools(self) -> tuple[ToolSpec, ...]:
        return self.tools

    async def list_offers(self) -> tuple[McpOffer, ...]:
        return self.offers

    async def call(self, request: CallTool) -> ToolOutcome:
        if self._lost.is_set():
            raise CallNotSent(self._why)
        self.calls.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await self._lost.wait()
            raise ToolServerLost(self._why)
        outcome: ToolOutcome = self.answer
        return outcome

    async def set_listeners(self, sessions: Mapping[str, str]) -> None:
        if self._lost.is_set():
            raise CallNotSent(self._why)
        self.listeners.append(dict(sessions))

    async def confirm_told(self, receipts: Sequence[int]) -> bool:
        if self._lost.is_set():
            raise CallNotSent(self._why)
        self.told.append(tuple(receipts))
        return self.takes_receipts

    async def wait_lost(self) -> str:
        await self._lost.wait()
        return self._why


@attrs.define(eq=False)
class FakeConnector:
    """Opens tool servers: each attempt gets the next of ``attempts``, a server or the reason why there is none."""

    attempts: list[FakeToolServer | ToolServerLost]
    closing_s: float = 0.0
    opening_s: float = 0.0
    times_s: list[float] = attrs.field(factory=list)
    closed: list[str] = attrs.field(factory=list)
    on_announcement: Callable[[ToolAnnouncement], None] | None = None

    @asynccontextmanager
    async def __call__(
        self, name: str, *, on_announcement: Callable[[ToolAnnouncement], None]
    ) -> AsyncIterator[FakeToolServer]:
        self.times_s.append(trio.current_time())
        self.on_announcement = on_announcement
        await trio.sleep(self.opening_s)
        attempt = self.attempts.pop(0) if self.attempts else ToolServerLost("nothing there")
        if isinstance(attempt, ToolServerLost):
            raise attempt
        try:
            yield attempt
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(self.closing_s)
            self.closed.append(attempt.name)
