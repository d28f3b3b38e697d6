"""A toy house as an MCP server over stdio: lights, heating, blinds, a front door and sensors, all of it in memory.

Copy it to begin a server of your own. It shows what a voice needs of tools:

* Each answer is a sentence, in the language that sayso sends with the call (``_meta["sayso/language"]``).
* Annotations say which tools only read; sayso asks before a model uses any other.
* A place that is not there is refused in words. Only "all" means the whole house, never a place that was misheard.

Each change is written to stderr, which sayso has in its log; the resource ``home://state`` shows the house as JSON.
"""

import functools
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final, cast

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
CHANGES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
DANGEROUS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)

EVERYWHERE: Final = "all"
WARMEST: Final = 28
COLDEST: Final = 5
FULL: Final = 100
LANGUAGE: Final[ContextVar[str]] = ContextVar("LANGUAGE", default="en")

ROOMS: Final[Mapping[str, tuple[str, str, str]]] = {
    "kitchen": ("kitchen", "Küche", "in der Küche"),
    "living room": ("living room", "Wohnzimmer", "im Wohnzimmer"),
    "bedroom": ("bedroom", "Schlafzimmer", "im Schlafzimmer"),
    "hall": ("hall", "Flur", "im Flur"),
}
"""Room to its name in English, in German, and to "in the room" in German."""

Place = Annotated[
    str, Field(description='kitchen, living room, bedroom, hall, or "all" for every room.', max_length=100)
]


@dataclass
class Room:
    """One room; temperatures are in degrees Celsius."""

    brightness: int = 0
    """Of its light, in percent; 0 is off."""
    has_open_blinds: bool = True
    temperature: float = 20.0
    """As its sensor measures it."""
    wanted: float = 20.0
    """What the heating is set to."""
    has_open_window: bool = False


@dataclass
class Home:
    """The state of the house."""

    rooms: dict[str, Room] = field(
        default_factory=lambda: {
            "kitchen": Room(temperature=21.5),
            "living room": Room(temperature=22.0),
            "bedroom": Room(temperature=18.5, has_open_window=True),
            "hall": Room(temperature=19.0),
        }
    )
    is_door_locked: bool = True


class NotPossible(Exception):
    """What was asked for cannot be done; the message is a sentence for the user."""


class Unclear(NotPossible):
    """No place was said; the message asks for one, which is no failure."""


def told(english: str, german: str) -> str:
    """Return the one of two sentences that is in the language of the call."""
    return german if LANGUAGE.get().lower().startswith("de") else english


def named(room: str) -> str:
    """Return the name of a room."""
    english, german, _ = ROOMS[room]
    return told(english, german)


def in_room(room: str) -> str:
    """Return "in the kitchen"."""
    english, _, inside = ROOMS[room]
    return told(f"in the {english}", inside)


def listed(texts: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return told(" and ", " und ").join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def whole(number: float) -> str:
    """Return 21.0 as "21", and 21.5 as "21.5" or "21,5"."""
    return told(f"{number:g}", f"{number:g}".replace(".", ","))


class HomeTools:
    """The tools; each returns a sentence, or raises ``NotPossible`` with one."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def _rooms(self, where: str, english: str, german: str) -> Sequence[str]:
        """Return the rooms that are meant; ``english`` and ``german`` ask for a room where none was said."""
        place = where.strip().lower()
        if place == EVERYWHERE:
            return tuple(self.home.rooms)
        if place in self.home.rooms:
            return (place,)
        rooms = listed([named(room) for room in ROOMS])
        if not place:
            raise Unclear(told(f"{english} There are: {rooms}.", f"{german} Es gibt: {rooms}."))
        raise NotPossible(
            told(
                f"I know no {where} here. There are: {rooms}.",
                f"„{where}“ kenne ich hier nicht. Es gibt: {rooms}.",
            )
        )

    def _lights(self, where: str) -> Sequence[str]:
        return self._rooms(where, "Which light?", "Welches Licht?")

    # --- lights ----------------------------------------------------------------------------------

    async def turn_on_light(self, where: Place = "") -> str:
        """Turn on the light of a room, or of all rooms."""
        for room in self._lights(where):
            self._light(room, FULL)
        return self._light_text(where, told("on", "an"))

    async def turn_off_light(self, where: Place = "") -> str:
        """Turn off the light of a room, or of all rooms."""
        for room in self._lights(where):
            self._light(room, 0)
        return self._light_text(where, told("off", "aus"))

    async def set_brightness(
        self, percent: Annotated[float, Field(description="From 0, which is off, to 100.")], where: Place = ""
    ) -> str:
        """Set how bright the light of a room is."""
        rooms = self._lights(where)
        if not 0 <= percent <= FULL:
            raise NotPossible(
                told("Brightness goes from 0 to 100 percent.", "Die Helligkeit geht von 0 bis 100 Prozent.")
            )
        for room in rooms:
            self._light(room, round(percent))
        return self._light_text(where, told(f"at {percent:.0f} percent", f"auf {percent:.0f} Prozent"))

    async def get_light(self, where: Place = EVERYWHERE) -> str:
        """Tell whether the light of a room is on, or which lights are."""
        rooms = self._lights(where)
        if len(rooms) == 1:
            return self._light_text(where, self._light_state(self.home.rooms[rooms[0]].brightness))
        lit = [in_room(room) for room in rooms if self.home.rooms[room].brightness]
        if not lit:
            return told("No light is on.", "Es ist kein Licht an.")
        return told(f"The light is on {listed(lit)}.", f"Das Licht ist an {listed(lit)}.")

    def _light(self, room: str, percent: int) -> None:
        self.home.rooms[room].brightness = percent
        log(f"{room} light: {f'on at {percent} percent' if percent else 'off'}")

    def _light_state(self, percent: int) -> str:
        if percent in {0, FULL}:
            return told("on", "an") if percent else told("off", "aus")
        return told(f"on at {percent} percent", f"an mit {percent} Prozent")

    def _light_text(self, where: str, state: str) -> str:
        place = where.strip().lower()
        if place == EVERYWHERE:
            return told(f"All lights are {state}.", f"Alle Lichter sind {state}.")
        return told(f"The {named(place)} light is {state}.", f"Das Licht {in_room(place)} ist {state}.")

    # --- heating ---------------------------------------------------------------------------------

    async def set_temperature(
        self, degrees: Annotated[float, Field(description="Celsius, from 5 to 28.")], where: Place = EVERYWHERE
    ) -> str:
        """Set the heating of a room, or of the house."""
        rooms = self._rooms(where, "Which room?", "Welcher Raum?")
        if not COLDEST <= degrees <= WARMEST:
            raise NotPossible(
                told(
                    f"The heating goes from {COLDEST} to {WARMEST} degrees.",
                    f"Die Heizung geht von {COLDEST} bis {WARMEST} Grad.",
                )
            )
        for room in rooms:
            self.home.rooms[room].wanted = degrees
            log(f"{room} heating: {degrees:g} degrees")
        place = f" {in_room(rooms[0])}" if len(rooms) == 1 else ""
        return told(
            f"The heating{place} is set to {whole(degrees)} degrees.",
            f"Die Heizung{place} ist auf {whole(degrees)} Grad gestellt.",
        )

    async def get_temperature(self, where: Place = EVERYWHERE) -> str:
        """Tell how warm it is in a room, or in all rooms."""
        rooms = self._rooms(where, "In which room?", "In welchem Raum?")
        degrees = told("degrees", "Grad")
        warm = [f"{whole(self.home.rooms[room].temperature)} {degrees} {in_room(room)}" for room in rooms]
        return told(f"It is {listed(warm)}.", f"Es sind {listed(warm)}.")

    # --- blinds and windows ----------------------------------------------------------------------

    async def open_blinds(self, where: Place = "") -> str:
        """Open the blinds of a room, or all of them."""
        return self._blinds(where, is_open=True)

    async def close_blinds(self, where: Place = "") -> str:
        """Close the blinds of a room, or all of them."""
        return self._blinds(where, is_open=False)

    def _blinds(self, where: str, *, is_open: bool) -> str:
        rooms = self._rooms(where, "Which blinds?", "Welche Rollos?")
        state = told("open", "offen") if is_open else told("closed", "geschlossen")
        for room in rooms:
            self.home.rooms[room].has_open_blinds = is_open
            log(f"{room} blinds: {'open' if is_open else 'closed'}")
        if len(rooms) > 1:
            return told(f"All blinds are {state}.", f"Alle Rollos sind {state}.")
        return told(f"The {named(rooms[0])} blinds are {state}.", f"Die Rollos {in_room(rooms[0])} sind {state}.")

    async def get_openings(self, where: Place = EVERYWHERE) -> str:
        """Tell which windows and blinds are open."""
        rooms = self._rooms(where, "In which room?", "In welchem Raum?")
        windows = [in_room(room) for room in rooms if self.home.rooms[room].has_open_window]
        blinds = [in_room(room) for room in rooms if self.home.rooms[room].has_open_blinds]
        texts = [
            told(f"A window is open {listed(windows)}.", f"Ein Fenster ist offen {listed(windows)}.")
            if windows
            else told("The windows are closed.", "Die Fenster sind zu."),
            told(f"Blinds are open {listed(blinds)}.", f"Rollos sind offen {listed(blinds)}.")
            if blinds
            else told("The blinds are closed.", "Die Rollos sind geschlossen."),
        ]
        return " ".join(texts)

    # --- the front door --------------------------------------------------------------------------

    async def lock_door(self) -> str:
        """Lock the front door."""
        return self._lock(is_locked=True)

    async def unlock_door(self) -> str:
        """Unlock the front door."""
        return self._lock(is_locked=False)

    async def get_lock(self) -> str:
        """Tell whether the front door is locked."""
        return self._lock_text()

    def _lock(self, *, is_locked: bool) -> str:
        self.home.is_door_locked = is_locked
        log(f"front door: {'locked' if is_locked else 'unlocked'}")
        return self._lock_text()

    def _lock_text(self) -> str:
        if self.home.is_door_locked:
            return told("The front door is locked.", "Die Haustür ist abgeschlossen.")
        return told("The front door is unlocked.", "Die Haustür ist aufgeschlossen.")


def log(change: str) -> None:
    """Write a change to stderr: stdout is the protocol's."""
    print(change, file=sys.stderr, flush=True)


def in_words(tool: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[CallToolResult]]:
    """Return ``tool`` with what is not possible as a failed result that says so, without words of the SDK."""

    @functools.wraps(tool)
    async def answer(*args: Any, **kwargs: Any) -> CallToolResult:
        try:
            return CallToolResult(content=[TextContent(text=await tool(*args, **kwargs))], is_error=False)
        except NotPossible as sentence:
            return CallToolResult(content=[TextContent(text=str(sentence))], is_error=not isinstance(sentence, Unclear))

    return answer


async def speak_the_language(
    ctx: ServerRequestContext[Any, Any], call_next: Callable[[ServerRequestContext[Any, Any]], Awaitable[Any]]
) -> Any:
    """Answer in the language of the request (MCP middleware)."""
    meta = cast("Mapping[str, Any]", ctx.meta or {})
    LANGUAGE.set(str(meta.get("sayso/language", "en")))  # each request is handled in a task of its own
    return await call_next(ctx)


def make_server(home: Home) -> MCPServer[None]:
    """Return the server, not yet running."""
    tools = HomeTools(home)
    server: MCPServer[None] = MCPServer("home", log_level="WARNING", middleware=[speak_the_language])
    table: Sequence[tuple[ToolAnnotations, Sequence[Callable[..., Awaitable[str]]]]] = (
        (READS, (tools.get_light, tools.get_temperature, tools.get_openings, tools.get_lock)),
        (CHANGES, (tools.turn_on_light, tools.turn_off_light, tools.set_brightness, tools.set_temperature)),
        (CHANGES, (tools.open_blinds, tools.close_blinds, tools.lock_door)),
        (DANGEROUS, (tools.unlock_door,)),
    )
    for annotations, group in table:
        for tool in group:
            server.add_tool(in_words(tool), annotations=annotations, structured_output=False)

    @server.resource("home://state", name="state", mime_type="application/json")
    def state() -> str:
        """Show the whole house."""
        return json.dumps(asdict(home))

    return server


if __name__ == "__main__":
    make_server(Home()).run("stdio")
