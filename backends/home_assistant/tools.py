"""Home Assistant's MCP server as a tool server whose results can be spoken (``ToolConnectionFactory``).

Rules kept here:

* A tool has the plain name of its intent: Home Assistant called it ``HassTurnOn``, and calls it ``intent__HassTurnOn``
  or ``assist__HassTurnOn`` in other versions.
* What was heard is never left out: Home Assistant ignores arguments that a tool does not take, and a call without its
  area would mean every room. Such a call is not made.
* Several devices of one name are told apart by their areas, by asking, before anything is done.
* Results and errors are put into words (``backends/home_assistant/wording.py``).
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import attrs

from backends.home_assistant.wording import Wording
from backends.protocols import ToolConnection, ToolConnectionFactory
from config.home_assistant import OPEN, SERVER, UNLOCK
from protocol.language.phrases import HOME_WHICH, phrase
from protocol.messages.home import HomeEntity, HomeNames
from protocol.messages.understanding import CallTool, Choice, McpOffer, ToolAnnouncement, ToolOutcome, ToolSpec

SEPARATOR: Final = "__"  # between the name of a group of tools and that of a tool
INTENTS: Final = "Hass"
"""What the names of tools begin with that answer as an intent does."""
MAX_CHOICES: Final = 5  # areas that are read aloud


class HomeToolServers:
    """Opens tool servers; Home Assistant's gets the rules above, others are as they are."""

    def __init__(self, inner: ToolConnectionFactory, names: Callable[[], HomeNames], wording: Wording) -> None:
        self._inner = inner
        self._names = names
        self._wording = wording

    def __call__(
        self, name: str, *, on_announcement: Callable[[ToolAnnouncement], None]
    ) -> AbstractAsyncContextManager[ToolConnection]:
        """Return the block that connects; entering raises ``ToolServerLost``."""
        block = self._inner(name, on_announcement=on_announcement)
        return self._home(block) if name == SERVER else block

    @asynccontextmanager
    async def _home(self, block: AbstractAsyncContextManager[ToolConnection]) -> AsyncIterator[ToolConnection]:
        async with block as connection:
            yield HomeConnection(connection, self._names, self._wording)


class HomeConnection:
    """One connection to Home Assistant's MCP server (``ToolConnection``)."""

    def __init__(self, inner: ToolConnection, names: Callable[[], HomeNames], wording: Wording) -> None:
        self.name = inner.name
        self.notes = inner.notes
        self._inner = inner
        self._names = names
        self._wording = wording
        self._tools: dict[str, ToolSpec] = {}

    async def list_tools(self) -> tuple[ToolSpec, ...]:
        """Return the tools by their plain names; raises ``ToolServerLost``."""
        self._tools = dict(plain_names(await self._inner.list_tools()))
        self.notes = self._inner.notes
        return tuple(attrs.evolve(tool, name=name) for name, tool in self._tools.items())

    async def list_offers(self) -> tuple[McpOffer, ...]:
        """Return the resources and prompts."""
        return await self._inner.list_offers()

    async def set_listeners(self, sessions: Mapping[str, str]) -> None:
        """Tell the server which sessions there are, if it cares."""
        await self._inner.set_listeners(sessions)

    async def confirm_told(self, receipts: Sequence[int]) -> bool:
        """Tell the server that announcements were said; return whether it knows."""
        return await self._inner.confirm_told(receipts)

    async def wait_changed(self) -> None:
        """Wait until the list of tools has changed."""
        await self._inner.wait_changed()

    async def wait_lost(self) -> str:
        """Wait until the server is gone; return why."""
        return await self._inner.wait_lost()

    async def call(self, request: CallTool) -> ToolOutcome:
        """Make a call, if it can be made as it was meant; raises ``ToolServerLost``."""
        name = real_tool(request.tool, request.arguments)
        tool = self._tools.get(name)
        if tool is None:
            return self._not_made(f"Home Assistant has no tool {name}", request)
        if not name.startswith(INTENTS):
            return await self._inner.call(attrs.evolve(request, tool=tool.name))
        lacking = sorted(request.arguments.keys() - _properties(tool).keys())
        if lacking:
            return self._not_made(f"{tool.name} takes no {', '.join(lacking)}", request)
        same = same_named(self._names().entities, request.arguments)
        if len(same) > 1:
            return self._which(same, request)
        fitted = {slot: _fitted(value, _properties(tool)[slot]) for slot, value in request.arguments.items()}
        outcome = await self._inner.call(attrs.evolve(request, tool=tool.name, arguments=fitted))
        return self._worded(outcome, name, request)

    def _worded(self, outcome: ToolOutcome, name: str, request: CallTool) -> ToolOutcome:
        if outcome.ok:
            told = self._wording.success(name, request.arguments, outcome.content, request.language)
            if told is not None:
                return attrs.evolve(outcome, content=told)
        error = outcome.error or outcome.content
        told = self._wording.failure(request.arguments, error, request.language)
        return attrs.evolve(outcome, ok=False, content="", error=error, told=told)

    def _which(self, same: Sequence[HomeEntity], request: CallTool) -> ToolOutcome:
        """Return the question which one is meant, or a failure if the areas do not tell."""
        spoken, language = str(request.arguments["name"]), request.language
        areas = [entity.area for entity in same if entity.area is not None]
        if len(set(areas)) < len(same) or len(same) > MAX_CHOICES:
            told = self._wording.duplicates(spoken, language)
            return ToolOutcome(ok=False, content="", duration_s=0.0, error=f"{len(same)} have that name", told=told)
        question = phrase(HOME_WHICH, language, name=spoken, areas=", ".join(areas))
        choices = tuple(Choice(area, {"area": area}) for area in areas)
        return ToolOutcome(ok=True, content=question, duration_s=0.0, choices=choices)

    def _not_made(self, error: str, request: CallTool) -> ToolOutcome:
        told = self._wording.cannot(request.language)
        return ToolOutcome(ok=False, content="", duration_s=0.0, error=error, told=told)


def plain_names(tools: Sequence[ToolSpec]) -> Mapping[str, ToolSpec]:
    """Return the tools by the part of their names behind the last ``__``; of two that share it the later whole."""
    found: dict[str, ToolSpec] = {}
    for tool in tools:
        plain = tool.name.rpartition(SEPARATOR)[2]
        found[plain if plain and plain not in found else tool.name] = tool
    return found


def real_tool(name: str, arguments: Mapping[str, Any]) -> str:
    """Return the tool that makes a call: the calls that are confirmed have names that Home Assistant does not know."""
    if name == UNLOCK:
        return "HassTurnOff"
    if name == OPEN:
        return "HassSetPosition" if "position" in arguments else "HassTurnOn"
    return name


def same_named(entities: Sequence[HomeEntity], arguments: Mapping[str, Any]) -> Sequence[HomeEntity]:
    """Return the entities that a call may mean by its name, and its place and kind if it says them."""
    name = str(arguments.get("name", "")).strip().casefold()
    wanted = {slot: str(arguments[slot]).casefold() for slot in ("area", "floor") if arguments.get(slot)}
    domains = arguments.get("domain")
    kinds = [domains] if isinstance(domains, str) else domains or ()
    return [
        entity
        for entity in entities
        if name
        and any(name == each.casefold() for each in entity.names)
        and all((getattr(entity, slot) or "").casefold() == value for slot, value in wanted.items())
        and (not kinds or entity.domain in kinds)
    ]


def _properties(tool: ToolSpec) -> Mapping[str, Any]:
    found = tool.input_schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _fitted(value: Any, schema: Any) -> Any:
    """Return a value in a list if the tool takes a list of such."""
    takes_list = isinstance(schema, Mapping) and schema.get("type") == "array"
    return [value] if takes_list and not isinstance(value, list) else value
