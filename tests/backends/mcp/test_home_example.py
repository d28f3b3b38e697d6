"""The tool server of the example home, in this process."""

import json
from collections.abc import Awaitable, Callable

import pytest

from backends.commands.grammar import HassilGrammar
from backends.mcp.client import McpServers, McpSettings
from config.examples import examples
from examples.home.server import ROOMS, Home, make_server
from protocol.messages.understanding import CallTool, ToolOutcome

SETTINGS = McpSettings(connect_timeout_s=5.0, result_max_chars=2_000)
Say = Callable[..., Awaitable[ToolOutcome]]


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture
async def connection(home: Home):
    async with McpServers({"home": make_server(home)}, SETTINGS)("home", on_announcement=lambda *_: None) as server:
        yield server


@pytest.fixture(scope="module")
def grammar() -> HassilGrammar:
    return HassilGrammar([examples()["home"].folder / "commands"])


@pytest.fixture
def say(connection, grammar: HassilGrammar) -> Say:
    """Return what makes the call that a sentence stands for."""

    async def call(text: str, language: str = "en") -> ToolOutcome:
        match = grammar.match([text], language)
        assert match is not None, text
        assert match.server == "home"
        request = CallTool("s1", "c1", "home", match.tool, match.arguments, language=language)
        outcome: ToolOutcome = await connection.call(request)
        return outcome

    return call


@pytest.mark.parametrize(
    ("language", "text", "answer"),
    [
        ("en", "turn on the kitchen light", "The kitchen light is on."),
        ("de", "mach das Küchenlicht an", "Das Licht in der Küche ist an."),
        ("en", "turn off all the lights", "All lights are off."),
        ("de", "mach alle Lichter aus", "Alle Lichter sind aus."),
        ("en", "dim the hall light to 30 percent", "The hall light is at 30 percent."),
        ("de", "dimme das Licht im Flur auf 30 Prozent", "Das Licht im Flur ist auf 30 Prozent."),
        ("en", "is the kitchen light on", "The kitchen light is off."),
        ("en", "which lights are on", "No light is on."),
        ("de", "welche Lichter sind an", "Es ist kein Licht an."),
        ("en", "what is the temperature in the bedroom", "It is 18.5 degrees in the bedroom."),
        ("de", "wie warm ist es im Schlafzimmer", "Es sind 18,5 Grad im Schlafzimmer."),
        ("en", "set the temperature to 21 degrees", "The heating is set to 21 degrees."),
        ("de", "stelle die Heizung im Flur auf 21 Grad", "Die Heizung im Flur ist auf 21 Grad gestellt."),
        ("en", "close the blinds in the bedroom", "The bedroom blinds are closed."),
        ("de", "schließe alle Rollos", "Alle Rollos sind geschlossen."),
        ("en", "is a window open in the bedroom", "A window is open in the bedroom. Blinds are open in the bedroom."),
        ("en", "is the front door locked", "The front door is locked."),
        ("de", "schließe die Haustür auf", "Die Haustür ist aufgeschlossen."),
    ],
)
async def test_every_answer_is_a_sentence_in_the_language_of_the_call(
    say: Say, language: str, text: str, answer: str
) -> None:
    outcome = await say(text, language)
    assert (outcome.ok, outcome.content) == (True, answer)


async def test_a_light_is_seen_on_and_off_by_later_questions(say: Say, home: Home) -> None:
    await say("turn on the kitchen light")
    await say("dim the hall light to 40 percent")
    assert (home.rooms["kitchen"].brightness, home.rooms["hall"].brightness) == (100, 40)
    assert (await say("which lights are on")).content == "The light is on in the kitchen and in the hall."
    assert (await say("is the hall light on")).content == "The hall light is on at 40 percent."
    await say("turn off the kitchen light")
    assert (await say("is the kitchen light on")).content == "The kitchen light is off."


@pytest.mark.parametrize(
    ("language", "text", "why"),
    [
        (
            "en",
            "turn off the lights in the garage",
            "I know no garage here. There are: kitchen, living room, bedroom and hall.",
        ),
        (
            "de",
            "mach das Licht im Bad aus",
            "„Bad“ kenne ich hier nicht. Es gibt: Küche, Wohnzimmer, Schlafzimmer und Flur.",
        ),
        ("en", "dim the hall light to 150 percent", "Brightness goes from 0 to 100 percent."),
        ("de", "stelle die Heizung auf 50 Grad", "Die Heizung geht von 5 bis 28 Grad."),
    ],
)
async def test_what_is_not_there_or_too_much_is_refused_in_words_and_changes_nothing(
    say: Say, home: Home, language: str, text: str, why: str
) -> None:
    for room in home.rooms.values():
        room.brightness = 60
    outcome = await say(text, language)
    assert (outcome.ok, outcome.error) == (False, why)
    assert [room.brightness for room in home.rooms.values()] == [60] * 4
    assert [room.wanted for room in home.rooms.values()] == [20.0] * 4


async def test_a_light_of_no_place_is_asked_for_and_none_is_switched(say: Say, home: Home) -> None:
    outcome = await say("turn on the light")
    assert outcome.ok
    assert outcome.content == "Which light? There are: kitchen, living room, bedroom and hall."
    assert not any(room.brightness for room in home.rooms.values())


async def test_the_tools_say_what_they_do_to_the_house(connection) -> None:
    tools = {tool.name: tool for tool in await connection.list_tools()}
    reading = {name for name, tool in tools.items() if tool.read_only}
    assert reading == {"get_light", "get_temperature", "get_openings", "get_lock"}
    assert {name for name, tool in tools.items() if tool.destructive and not tool.read_only} == {"unlock_door"}


async def test_every_tool_has_sentences_in_both_languages(connection, grammar: HassilGrammar) -> None:
    names = {tool.name for tool in await connection.list_tools()}
    for code in ("en", "de"):
        text = (examples()["home"].folder / "commands" / f"{code}.yaml").read_text(encoding="utf-8")
        assert {name for name in names if f"tool: home/{name}\n" in text} == names
    assert set(examples()["home"].policy) <= names


async def test_the_state_can_be_read_as_a_resource_and_in_the_log(
    say: Say, home: Home, connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await say("turn on the kitchen light")
    await say("unlock the door")
    assert capsys.readouterr().err.splitlines() == ["kitchen light: on at 100 percent", "front door: unlocked"]
    (offer,) = await connection.list_offers()
    assert (offer.kind, offer.uri) == ("resource", "home://state")
    (content,) = await make_server(home).read_resource("home://state")
    state = json.loads(content.content)
    assert set(state["rooms"]) == set(ROOMS)
    assert state["rooms"]["kitchen"]["brightness"] == 100
    assert state["is_door_locked"] is False
