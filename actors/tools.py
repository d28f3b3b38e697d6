"""The router of tool calls: collects the servers' lists of tools and passes calls on.

Servers that are down list no tools, so a model is never offered what cannot be called. All are asked at once: one
that is slow costs its own tools only.
"""

import logging
from collections.abc import Mapping, Sequence

import attrs
import trio

from config.settings import ToolsSettings
from protocol.messages.inboxes import ToolServerMessage, ToolsMessage
from protocol.messages.understanding import AnnouncementTold, AwaitFirstTry, CallTool, ListTools, ToolList, ToolOutcome
from runtime import (
    Actor,
    ActorDied,
    ActorUnavailable,
    AskError,
    DomainError,
    MailboxError,
    MailboxFull,
    Ref,
)

log = logging.getLogger("sayso.tools")

START_GRACE_S = 2.0  # for all servers together: those that start in time have their tools in the first turn
LIST_WITHIN_S = 1.0  # a server's actor has the list at hand; a turn waits for all of them


class NoSuchServer(DomainError):
    """No server of that name is configured."""


class ToolFailed(DomainError):
    """The server's actor could not take the call, or ended over it."""


@attrs.frozen(kw_only=True)
class ToolsStatistics:
    """A moment's view of the router of tool calls.

    * ``servers``: the names of the MCP servers
    * ``calls``: how many calls have come
    """

    servers: Sequence[str]
    calls: int


class Tools(Actor[ToolsMessage]):
    """Answers ``ListTools`` with ``ToolList`` and ``CallTool`` with ``ToolOutcome``."""

    def __init__(self, settings: ToolsSettings, servers: Mapping[str, Ref[ToolServerMessage]]) -> None:
        self._settings = settings
        self._servers = dict(servers)
        self._calls = 0

    async def on_start(self) -> None:
        """Wait a moment for the servers' first attempts to connect; slower ones go on connecting."""

        async def wait_for(name: str) -> None:
            try:
                await self._servers[name].ask(AwaitFirstTry(), timeout_s=START_GRACE_S)
            except (AskError, MailboxError) as error:
                log.warning("tool server %s is still being connected; its tools come later (%s)", name, error)

        async with trio.open_nursery() as nursery:
            for name in self._servers:
                nursery.start_soon(wait_for, name)

    async def handle(self, message: ToolsMessage) -> None:
        """Pass on a call, or collect the lists of all servers."""
        match message:
            case ListTools():
                self.context.reply_in_task(self._list)
            case CallTool():
                self._calls += 1
                self.context.reply_in_task(self._call, message)
            case AnnouncementTold(server):
                if server in self._servers:
                    self._servers[server].tell_nowait(message)
            case _:
                self.unhandled(message)

    def statistics(self) -> ToolsStatistics:
        """Return the servers and the number of calls."""
        return ToolsStatistics(servers=sorted(self._servers), calls=self._calls)

    async def _list(self) -> ToolList:
        found: dict[str, ToolList] = {}

        async def ask(name: str) -> None:
            try:
                found[name] = await self._servers[name].ask(ListTools(), timeout_s=LIST_WITHIN_S)
            except (AskError, MailboxError) as error:  # its next incarnation lists the tools again
                log.debug("no tools of %s: %s", name, error)

        async with trio.open_nursery() as nursery:
            for name in self._servers:
                nursery.start_soon(ask, name)
        up = [found[name] for name in self._servers if name in found]
        return ToolList(
            tools=tuple(tool for listed in up for tool in listed.tools),
            missing=tuple(name for name in self._servers if name not in found),
            offers=tuple(offer for listed in up for offer in listed.offers),
            notes=tuple(note for listed in up for note in listed.notes),
        )

    async def _call(self, message: CallTool) -> ToolOutcome:
        server = self._servers.get(message.server)
        if server is None:
            known = ", ".join(sorted(self._servers)) or "none"
            raise NoSuchServer(f"no tool server {message.server!r} is configured; there are: {known}")
        try:
            outcome = await server.ask(message, linked=True)  # within the asker's deadline
        except (ActorDied, ActorUnavailable, MailboxFull) as error:
            raise ToolFailed(str(error)) from error
        limit = self._settings.result_max_chars
        if len(outcome.content) <= limit:
            return outcome
        return attrs.evolve(outcome, content=outcome.content[:limit] + " …")
