"""The connection to one MCP server: connected, watched, connected again.

Rules kept here:

* The server is a foreign program: that it is missing, dies or hangs is no crash of ours. The actor stays, answers
  that the tool is unavailable, and tries again with backoff.
* The actor is ready before it is connected: a program that hangs delays only its own start.
* A call that was not sent waits within its own time for a server that has been there and is being connected again, as
  a turn waits for the next Whisper process. One that has never been there is not waited for.
* A call that may have reached the server is never repeated here.
"""

import logging
import math
import random
from collections.abc import Mapping, Sequence

import attrs
import trio

from actors.turn.announcing import AnnouncementDelivery
from backends.protocols import (
    CallNotSent,
    ToolConnection,
    ToolConnectionFactory,
    ToolServerLost,
    ToolServerRefused,
    ToolsNotListed,
)
from config.settings import ToolsSettings
from protocol.messages.inboxes import DialogueMessage, ToolServerMessage
from protocol.messages.understanding import (
    OUTCOME_WITHIN_S,
    AnnouncementTold,
    AwaitFirstTry,
    CallTool,
    ListTools,
    ToolList,
    ToolOutcome,
)
from protocol.turns.listeners import Listeners
from runtime import Actor, Backoff, DomainError, Registry
from runtime.policies.restart import backoff_delay_s

log = logging.getLogger("sayso.tools")

NOT_LISTED_S = 300.0  # after a list that did not come: reading 50 MB of one takes seconds of a processor
REFUSED_S = 300.0  # after credentials were not accepted: servers ban an address that goes on trying
PAUSES_S: Mapping[type[ToolServerLost], float] = {ToolsNotListed: NOT_LISTED_S, ToolServerRefused: REFUSED_S}
RELIST_PAUSE_S = 5.0  # between two lists of a server that says again and again that its tools are others
CONNECTING = "it is being connected for the first time"


class ToolUnavailable(DomainError):
    """The tool's server is down; it is being connected again."""


@attrs.frozen(kw_only=True)
class ToolServerStatistics:
    """A moment's view of one MCP server.

    * ``is_up``: whether it is connected
    * ``tools``: how many tools it offers
    * ``notes``: what was wrong with its list of tools
    * ``trouble``: why it is not connected; ``None`` if it is
    """

    is_up: bool
    tools: int
    notes: Sequence[str]
    trouble: str | None


class ToolServer(Actor[ToolServerMessage]):
    """Holds the connection to one server and makes its calls."""

    def __init__(
        self,
        name: str,
        settings: ToolsSettings,
        open_server: ToolConnectionFactory,
        sessions: Registry[DialogueMessage],
        listeners: Listeners,
        *,
        backoff: Backoff,
        rng: random.Random,
    ) -> None:
        self._name = name
        self._settings = settings
        self._open_server = open_server
        self._delivery = AnnouncementDelivery(name, sessions, listeners)
        self._backoff = backoff
        self._rng = rng
        self._server: ToolConnection | None = None
        self._listed = ToolList()
        self._listed_s = -math.inf
        self._trouble = f"{name}: {CONNECTING}"
        self._failures = 0
        self._first_try = trio.Event()
        self._was_up = False
        self._next_try_s = 0.0
        self._changed = trio.Event()  # set, and made anew, when a server is up or an attempt has failed

    async def on_start(self) -> None:
        """Begin to connect."""
        self.context.nursery.start_soon(self._stay_connected)

    async def handle(self, message: ToolServerMessage) -> ToolList | None:
        """Answer ``ListTools``, ``CallTool`` (with ``ToolOutcome``) and ``AwaitFirstTry``; note what was said.

        Raises ``ToolUnavailable`` to the asker.
        """
        match message:
            case ListTools():
                if self._server is None:
                    raise ToolUnavailable(self._told_down())
                return self._listed
            case CallTool():
                self.context.reply_in_task(self._call, message)
            case AnnouncementTold():
                self._delivery.note_said(message)
            case AwaitFirstTry():
                self.context.reply_in_task(self._first_try.wait)
            case _:
                self.unhandled(message)
        return None

    def statistics(self) -> ToolServerStatistics:
        """Return whether the server is up, and the reason if not."""
        is_up = self._server is not None
        return ToolServerStatistics(
            is_up=is_up,
            tools=len(self._listed.tools),
            notes=self._listed.notes,
            trouble=None if is_up else self._trouble,
        )

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._connect_once()
                least_s = 0.0
            except ToolServerLost as error:
                self._trouble = str(error)
                least_s = next((pause_s for kind, pause_s in PAUSES_S.items() if isinstance(error, kind)), 0.0)
            self._failures += 1
            delay_s = max(least_s, backoff_delay_s(self._failures, self._backoff, self._rng))
            self._next_try_s = trio.current_time() + delay_s
            self._tried()
            log.warning("tool server %s is down: %s; again in %.1f s", self._name, self._trouble, delay_s)
            await trio.sleep(delay_s)

    def _tried(self) -> None:
        """Wake the calls that wait for the server."""
        self._first_try.set()
        self._changed.set()
        self._changed = trio.Event()

    async def _connect_once(self) -> None:
        try:
            async with self._open_server(self._name, on_announcement=self._delivery.give) as server:
                self._listed = await listed(server)
                self._server = server
                self._failures = 0
                self._was_up = True
                self._tried()
                log.info("tool server %s is up with %d tools", self._name, len(self._listed.tools))
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._keep_listed, server)
                    nursery.start_soon(self._delivery.keep_told, server, self.context.shared.pace)
                    self._forget(await server.wait_lost())  # before the block is left: ending a program takes seconds
                    nursery.cancel_scope.cancel()
        finally:
            self._server = None
            self._listed = ToolList()

    async def _keep_listed(self, server: ToolConnection) -> None:
        """List the tools again when they have changed; ``wait_lost`` notices a server that cannot."""
        while True:
            await server.wait_changed()
            await trio.sleep(max(0.0, self._listed_s + RELIST_PAUSE_S - trio.current_time()))
            self._listed_s = trio.current_time()
            try:
                found = await listed(server)
            except ToolServerLost as error:
                log.warning("tool server %s changed its tools and did not list them: %s", self._name, error)
                continue
            if self._server is server:
                self._listed = found
                log.info("tool server %s has %d tools now", self._name, len(found.tools))

    def _forget(self, trouble: str) -> None:
        """Hide the tools of a lost server at once."""
        self._trouble = trouble
        self._server = None
        self._listed = ToolList()
        self._next_try_s = trio.current_time()

    async def _call(self, message: CallTool) -> ToolOutcome:
        """Make a call once; one that was not sent may wait for another connection.

        Give up a little before the asker does, so that the asker gets the outcome.
        """
        started_s = trio.current_time()
        deadline_s = self.context.deadline_s - OUTCOME_WITHIN_S
        while True:
            server = await self._wait_up(deadline_s)
            try:
                with trio.CancelScope(deadline=deadline_s):
                    return await self._call_once(server, message, started_s)
                too_slow = f"{message.tool} took longer than {deadline_s - started_s:.3g} s and was cancelled"
                return failed(too_slow, started_s)
            except CallNotSent as error:
                if self._server is server:
                    self._forget(str(error))

    async def _wait_up(self, deadline_s: float) -> ToolConnection:
        """Return the server, at once or when it is connected again; raises ``ToolUnavailable``."""
        with trio.CancelScope(deadline=deadline_s):
            while self._server is None and self._may_come(deadline_s):
                await self._changed.wait()
        if self._server is None:
            raise ToolUnavailable(self._told_down())
        return self._server

    def _told_down(self) -> str:
        """Return that the server is down and why, for a person: its name once."""
        return f"{self._name} is down: {self._trouble.removeprefix(f'{self._name}: ')}"

    def _may_come(self, deadline_s: float) -> bool:
        """Return whether the server may be there in time: it was before, or is tried for the first time."""
        return (self._was_up or not self._first_try.is_set()) and self._next_try_s < deadline_s

    async def _call_once(self, server: ToolConnection, message: CallTool, started_s: float) -> ToolOutcome:
        try:
            return await server.call(message)
        except CallNotSent:
            raise
        except ToolServerLost as error:
            if self._server is server:  # this call saw it first
                self._forget(str(error))
            return failed(f"{self._name} was lost during the call: {error}", started_s)


async def listed(server: ToolConnection) -> ToolList:
    """Ask a server for its tools, resources and prompts; raises ``ToolServerLost``."""
    tools = await server.list_tools()
    return ToolList(tools, offers=await server.list_offers(), notes=server.notes)


def failed(why: str, started_s: float) -> ToolOutcome:
    """Return the outcome of a call that failed now."""
    return ToolOutcome(ok=False, content="", duration_s=trio.current_time() - started_s, error=why)
