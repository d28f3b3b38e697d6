from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio

from backends.home_assistant.sentences import load_sentences
from backends.home_assistant.tools import HomeConnection, HomeToolServers, plain_names, real_tool, same_named
from backends.home_assistant.wording import Wording
from config.home_assistant import OPEN, SERVER, UNLOCK
from protocol.messages.home import HomeEntity, HomeNames
from protocol.messages.understanding import CallTool, Choice, McpOffer, ToolAnnouncement, ToolOutcome, ToolSpec
from tests.fake_home_assistant import TOOLS, FakeHome, small_home

WORDING = Wording({"en": load_sentences("en")})
NAMES = HomeNames((
    HomeEntity("light.kitchen", ("Kitchen Light", "cooking lamp"), "Kitchen"),
    HomeEntity("light.bed_lamp", ("Lamp",), "Bedroom"),
    HomeEntity("light.desk_lamp", ("Lamp",), "Kitchen"),
    HomeEntity("switch.radio", ("Radio",)),
    HomeEntity("switch.radio_2", ("Radio",), "Kitchen"),
    HomeEntity("lock.front", ("Front Door",)),
    HomeEntity("cover.garage", ("Garage",)),
))  # fmt: skip


@attrs.define(eq=False)
class Inner:
    """A connection to the MCP server of a fake home."""

    home: FakeHome
    name: str = SERVER
    notes: tuple[str, ...] = ("a note",)
    listeners: Mapping[str, str] = attrs.field(factory=dict)

    async def list_tools(self) -> tuple[ToolSpec, ...]:
        await trio.lowlevel.checkpoint()
        prefix = self.home.tool_prefix
        return tuple(
            ToolSpec(SERVER, prefix + name, "", {"type": "object", "properties": slots})
            for name, slots in TOOLS.items()
        )

    async def list_offers(self) -> tuple[McpOffer, ...]:
        await trio.lowlevel.checkpoint()
        return (McpOffer(SERVER, "prompt", "p", ""),)

    async def call(self, request: CallTool) -> ToolOutcome:
        await trio.lowlevel.checkpoint()
        assert request.tool.startswith(self.home.tool_prefix)
        result = self.home.call(request.tool.removeprefix(self.home.tool_prefix), request.arguments)
        text, failed = result["content"][0]["text"], result["isError"]
        return ToolOutcome(not failed, text, 0.01, text if failed else None)

    async def set_listeners(self, sessions: Mapping[str, str]) -> None:
        await trio.lowlevel.checkpoint()
        self.listeners = dict(sessions)

    async def confirm_told(self, receipts: Sequence[int]) -> bool:
        await trio.lowlevel.checkpoint()
        return list(receipts) == [7]

    async def wait_changed(self) -> None:
        await trio.lowlevel.checkpoint()

    async def wait_lost(self) -> str:
        await trio.lowlevel.checkpoint()
        return "gone"


@pytest.fixture
def home() -> FakeHome:
    return small_home()


async def connected(home: FakeHome) -> HomeConnection:
    connection = HomeConnection(Inner(home), lambda: NAMES, WORDING)
    await connection.list_tools()
    return connection


def call(tool: str, language: str = "en", **arguments: object) -> CallTool:
    return CallTool("session", "call", SERVER, tool, arguments, language=language)


@pytest.mark.parametrize("prefix", ["", "intent__", "assist__", "homeassistant__sub__"])
async def test_tools_have_plain_names_whatever_the_version_calls_them(home: FakeHome, prefix: str) -> None:
    home.tool_prefix = prefix
    connection = await connected(home)
    assert {tool.name for tool in await connection.list_tools()} == set(TOOLS)
    outcome = await connection.call(call("HassTurnOn", name="Kitchen Light"))
    assert (outcome.ok, outcome.content) == (True, "Turned on the light.")


def test_of_two_tools_of_one_plain_name_the_later_keeps_its_whole_name() -> None:
    tools = [ToolSpec("s", name, "", {}) for name in ("a__Hass", "b__Hass", "c__", "plain")]
    assert {name: tool.name for name, tool in plain_names(tools).items()} == {
        "Hass": "a__Hass",
        "b__Hass": "b__Hass",
        "c__": "c__",
        "plain": "plain",
    }


async def test_one_value_is_sent_as_a_list_where_the_tool_takes_a_list(home: FakeHome) -> None:
    outcome = await (await connected(home)).call(call("HassTurnOn", area="Kitchen", domain="light"))
    assert home.calls == [("HassTurnOn", {"area": "Kitchen", "domain": ["light"]})]
    assert outcome.content == "Turned on the lights."


async def test_a_slot_that_the_tool_does_not_take_stops_the_call(home: FakeHome) -> None:
    outcome = await (await connected(home)).call(call("HassVacuumStart", area="Kitchen"))
    assert home.calls == []
    assert (outcome.ok, outcome.error) == (False, "HassVacuumStart takes no area")
    assert outcome.told == "Sorry, Home Assistant cannot do that."


async def test_a_tool_that_is_not_there_is_told(home: FakeHome) -> None:
    outcome = await (await connected(home)).call(call("HassLawnMowerDock", "de"))
    assert (outcome.ok, outcome.told) == (False, "Entschuldigung, das kann Home Assistant nicht.")


async def test_several_of_one_name_are_asked_for_by_their_areas(home: FakeHome) -> None:
    connection = await connected(home)
    outcome = await connection.call(call("HassTurnOn", name="lamp"))
    assert home.calls == []
    assert (outcome.ok, outcome.content) == (True, "There are several called lamp: Bedroom, Kitchen. Which one?")
    assert outcome.choices == (Choice("Bedroom", {"area": "Bedroom"}), Choice("Kitchen", {"area": "Kitchen"}))
    outcome = await connection.call(call("HassTurnOn", name="lamp", **outcome.choices[1].arguments))
    assert home.calls == [("HassTurnOn", {"name": "lamp", "area": "Kitchen"})]
    assert outcome.content == "Turned on the light."


async def test_several_that_no_area_tells_apart_are_told(home: FakeHome) -> None:
    outcome = await (await connected(home)).call(call("HassTurnOn", name="Radio"))
    assert home.calls == []
    assert (outcome.ok, outcome.told) == (False, "Sorry, there are multiple devices called Radio.")


async def test_an_unknown_device_is_told_in_words(home: FakeHome) -> None:
    outcome = await (await connected(home)).call(call("HassTurnOn", name="Sauna"))
    assert outcome.told == "Sorry, I am not aware of any device called Sauna."
    assert "MatchFailedReason.NAME" in (outcome.error or "")


@pytest.mark.parametrize(
    ("tool", "arguments", "sent"),
    [
        (UNLOCK, {"name": "Front Door"}, "HassTurnOff"),
        (OPEN, {"name": "Garage"}, "HassTurnOn"),
        (OPEN, {"name": "Garage", "position": 50}, "HassSetPosition"),
        ("HassTurnOn", {"name": "Garage"}, "HassTurnOn"),
    ],
)
def test_what_lets_somebody_in_is_a_tool_of_home_assistant(tool: str, arguments: Mapping[str, Any], sent: str) -> None:
    assert real_tool(tool, arguments) == sent


async def test_unlocking_is_done_by_turning_off(home: FakeHome) -> None:
    outcome = await (await connected(home)).call(call(UNLOCK, name="Front Door"))
    assert home.calls == [("HassTurnOff", {"name": "Front Door"})]
    assert outcome.content == "Unlocking."


async def test_a_tool_that_is_no_intent_answers_as_it_does(home: FakeHome) -> None:
    home.tool_prefix = "homeassistant__"
    outcome = await (await connected(home)).call(call("GetLiveContext"))
    assert outcome.content == "Live Context: nothing."


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ({"name": "LAMP"}, 2),
        ({"name": "Lamp", "area": "kitchen"}, 1),
        ({"name": "Lamp", "domain": ["switch"]}, 0),
        ({"name": "cooking lamp"}, 1),
        ({"area": "Kitchen"}, 0),
    ],
)
def test_the_devices_of_a_name_are_found(arguments: Mapping[str, Any], count: int) -> None:
    assert len(same_named(NAMES.entities, arguments)) == count


async def test_what_the_connection_tells_is_passed_on(home: FakeHome) -> None:
    connection = await connected(home)
    assert connection.notes == ("a note",)
    assert (await connection.list_offers())[0].name == "p"
    assert await connection.wait_lost() == "gone"
    await connection.wait_changed()


async def test_listeners_and_receipts_are_passed_on(home: FakeHome) -> None:
    inner = Inner(home)
    connection = HomeConnection(inner, lambda: NAMES, WORDING)
    await connection.set_listeners({"kitchen": "ada"})
    assert inner.listeners == {"kitchen": "ada"}
    assert [await connection.confirm_told(receipts) for receipts in ((7,), (8,))] == [True, False]


async def test_other_servers_are_opened_as_they_are(home: FakeHome) -> None:
    @asynccontextmanager
    async def block(name: str) -> AsyncIterator[Inner]:
        await trio.lowlevel.checkpoint()
        yield Inner(home, name)

    def inner(name: str, *, on_announcement: Callable[[ToolAnnouncement], None]):
        return block(name)

    servers = HomeToolServers(inner, lambda: NAMES, WORDING)
    async with servers(SERVER, on_announcement=print) as connection:
        assert isinstance(connection, HomeConnection)
    async with servers("other", on_announcement=print) as connection:
        assert isinstance(connection, Inner)
