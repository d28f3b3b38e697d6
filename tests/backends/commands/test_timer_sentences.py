"""The sentences about timers: how durations and names are said, and what is no name of a timer."""

import json

import jsonschema
import pytest
from mcp import Client

from backends.builtin.server import make_server
from backends.commands.grammar import HassilGrammar

ENGLISH = [
    ("set me a timer for 20 minutes", "set_timer", {"seconds": 1200}),
    ("put on a timer for 15 minutes", "set_timer", {"seconds": 900}),
    ("set a new timer for 5 minutes", "set_timer", {"seconds": 300}),
    ("set an egg timer for seven minutes", "set_timer", {"seconds": 420, "name": "egg"}),
    ("how much time is left on the pizza timer", "list_timers", {"name": "pizza"}),
    ("set a timer for an hour and a quarter", "set_timer", {"seconds": 4500}),
    ("set a timer for 1:30", "set_timer", {"seconds": 90}),
    ("set a timer for 2 1/2 minutes", "set_timer", {"seconds": 150}),
    ("set a timer 5 minutes", "set_timer", {"seconds": 300}),
    ("wake me up in 20 minutes", "set_timer", {"seconds": 1200}),
    ("set a timer", "set_timer", {}),
    ("pause the timer", "pause_timer", {}),
    ("ten minute timer called tea", "set_timer", {"seconds": 600, "name": "tea"}),
    ("is my timer still running", "list_timers", {}),
    ("add five more minutes to the timer", "extend_timer", {"by_seconds": 300}),
    ("never mind the timer", "cancel_timer", {}),
    ("set an egg timer for six and a half minutes", "set_timer", {"seconds": 390, "name": "egg"}),
    ("start a timer for two hours and fifteen minutes", "set_timer", {"seconds": 8100}),
    ("give the pizza another two minutes", "extend_timer", {"by_seconds": 120, "name": "pizza"}),
    ("get rid of all my timers", "cancel_timer", {"every": True}),
    ("put on a timer for half an hour please", "set_timer", {"seconds": 1800}),
    ("count down from ninety seconds", "set_timer", {"seconds": 90}),
    ("i need a timer for the pasta, eight minutes", "set_timer", {"seconds": 480, "name": "pasta"}),
    ("can you give me twenty minutes on the clock", "set_timer", {"seconds": 1200}),
    ("kill the timer i don't need it anymore", "cancel_timer", {}),
    ("timer three minutes", "set_timer", {"seconds": 180}),
    ("set up a timer for 3 minutes", "set_timer", {"seconds": 180}),
    ("set us a timer for 3 minutes", "set_timer", {"seconds": 180}),
    ("create for me a timer for 3 minutes", "set_timer", {"seconds": 180}),
    ("an additional timer for 10 minutes", "set_timer", {"seconds": 600}),
    ("half hour timer to check the oven", "set_timer", {"seconds": 1800, "name": "check the oven"}),
    ("set a half hour timer to check the oven", "set_timer", {"seconds": 1800, "name": "check the oven"}),
    ("set a ten-minute egg timer", "set_timer", {"seconds": 600, "name": "egg"}),
    ("cancel both timers", "cancel_timer", {"every": True}),
    ("what timers do i have", "list_timers", {}),
    ("give me a timer", "set_timer", {}),
    ("resume the pizza timer", "resume_timer", {"name": "pizza"}),
    ("give the timer five more minutes", "extend_timer", {"by_seconds": 300}),
    ("take two minutes off the pizza timer", "shorten_timer", {"by_seconds": 120, "name": "pizza"}),
    ("rename the timer to pasta", "rename_timer", {"new_name": "pasta"}),
    ("extend the pizza timer by 3 minutes", "extend_timer", {"by_seconds": 180, "name": "pizza"}),
    ("make the timer 2 minutes shorter", "shorten_timer", {"by_seconds": 120}),
    ("cancel the mac and cheese timer", "cancel_timer", {"name": "mac and cheese"}),
    ("cancel the ten minute timer", "cancel_timer", {"seconds": 600}),
    ("cancel the timer for the pasta", "cancel_timer", {"name": "pasta"}),
    ("how long is left on the ten minute timer", "list_timers", {"seconds": 600}),
    ("set a pizza timer 5 minutes", "set_timer", {"seconds": 300, "name": "pizza"}),
    ("set a timer for pizza for 5 minutes", "set_timer", {"seconds": 300, "name": "pizza"}),
    ("set timer 5 minutes", "set_timer", {"seconds": 300}),
    ("timer 10 minutes", "set_timer", {"seconds": 600}),
    ("cancel the timer for 5 minutes", "cancel_timer", {"seconds": 300}),
    ("set a second timer for 5 minutes", "set_timer", {"seconds": 300}),
    ("set another pizza timer for 10 minutes", "set_timer", {"seconds": 600, "name": "pizza"}),
    ("set a timer for a quarter of an hour", "set_timer", {"seconds": 900}),
    ("put twenty minutes on the clock", "set_timer", {"seconds": 1200}),
    ("check the pizza timer", "list_timers", {"name": "pizza"}),
    ("when does the pizza timer go off", "list_timers", {"name": "pizza"}),
    ("which timers are running", "list_timers", {}),
    ("do i have any timers running", "list_timers", {}),
    ("turn off the timer", "cancel_timer", {}),
    ("turn the timer off", "cancel_timer", {}),
    ("stop the pizza timer", "cancel_timer", {"name": "pizza"}),
    ("dismiss my timer", "cancel_timer", {}),
    ("i don't need the timer anymore", "cancel_timer", {}),
    ("hold the timer", "pause_timer", {}),
    ("put the timer on hold", "pause_timer", {}),
    ("continue the timer", "resume_timer", {}),
    ("unpause the ten minute timer", "resume_timer", {"seconds": 600}),
    ("add another minute to the pizza timer", "extend_timer", {"by_seconds": 60, "name": "pizza"}),
    ("give my timer another ten minutes", "extend_timer", {"by_seconds": 600}),
    ("make the timer three minutes longer", "extend_timer", {"by_seconds": 180}),
    ("shorten the timer by 30 seconds", "shorten_timer", {"by_seconds": 30}),
    ("subtract a minute from the timer", "shorten_timer", {"by_seconds": 60}),
    ("rename the pizza timer to calzone", "rename_timer", {"new_name": "calzone", "name": "pizza"}),
    ("set an alarm for eight minutes from now", "set_timer", {"seconds": 480}),
    ("let me know when twenty minutes are up", "set_timer", {"seconds": 1200}),
    ("set a timer that goes off in 12 minutes", "set_timer", {"seconds": 720}),
    ("I would like to set a timer for 3 minutes", "set_timer", {"seconds": 180}),
]
GERMAN = [
    ("Stell mir einen Timer auf 20 Minuten", "set_timer", {"seconds": 1200}),
    ("Stell einen neuen Timer auf fünf Minuten", "set_timer", {"seconds": 300}),
    ("Stell einen Timer auf eine Stunde und eine Viertelstunde", "set_timer", {"seconds": 4500}),
    ("Stell einen Timer auf 1:30", "set_timer", {"seconds": 90}),
    ("Stell einen Timer auf 2 1/2 Minuten", "set_timer", {"seconds": 150}),
    ("Stell einen Timer 5 Minuten", "set_timer", {"seconds": 300}),
    ("Stell einen Timer", "set_timer", {}),
    ("Stell einen Timer für die Pizza auf zehn Minuten", "set_timer", {"seconds": 600, "name": "Pizza"}),
    ("Stell einen Timer für Nudeln acht Minuten", "set_timer", {"seconds": 480, "name": "Nudeln"}),
    ("Stell einen Timer auf acht Minuten für die Nudeln", "set_timer", {"seconds": 480, "name": "Nudeln"}),
    ("Weck mich in 20 Minuten auf", "set_timer", {"seconds": 1200}),
    ("Wie viel Zeit bleibt noch auf dem Pizza Timer", "list_timers", {"name": "Pizza"}),
    ("Wie lange läuft der Pizza Timer noch", "list_timers", {"name": "Pizza"}),
    ("Läuft der Timer noch", "list_timers", {}),
    ("Pausiere den Timer", "pause_timer", {}),
    ("Halte den Timer an", "pause_timer", {}),
    ("Setz den Timer fort", "resume_timer", {}),
    ("Verlängere den Timer um fünf Minuten", "extend_timer", {"by_seconds": 300}),
    ("Gib der Pizza noch zwei Minuten", "extend_timer", {"by_seconds": 120, "name": "Pizza"}),
    ("Gib dem Timer noch fünf Minuten", "extend_timer", {"by_seconds": 300}),
    ("Verkürze den Pizza Timer um zwei Minuten", "shorten_timer", {"by_seconds": 120, "name": "Pizza"}),
    ("Benenne den Timer in Nudeln um", "rename_timer", {"new_name": "Nudeln"}),
    ("Lösche den Timer für die Pizza", "cancel_timer", {"name": "Pizza"}),
    ("Brich den Pizza Timer ab", "cancel_timer", {"name": "Pizza"}),
    ("Lösche beide Timer", "cancel_timer", {"every": True}),
    ("Stell einen Nudel Timer auf acht Minuten.", "set_timer", {"seconds": 480, "name": "Nudel"}),
]
NO_COMMANDS = [
    "set a timer for 5 minutes and a timer for 10 minutes",
    "set a tea timer for 5 minutes and an egg timer for 7 minutes",
    "set a timer for tea for 5 minutes and for eggs for 10 minutes",
    "set a timer for a few minutes",
    "Search at timer for 10 minutes",
    "cancel the first timer",
    "cancel the other timer",
    "cancel me a timer",
    "I'm boiling an egg, timer for 3 minutes",
    "make the timer for tea for for 2 hours",
    "the timer on the oven is broken",
    "my timer for the pasta was late",
    "it takes about twenty minutes to get there",
    "I need to buy a timer for my kitchen",
    "give the dog five minutes",
    "give me five minutes",
    "give it a rest",
    "add five minutes of cardio to my day",
    "take two minutes for yourself",
    "hold the door",
    "pause the music",
    "continue",
]
NO_GERMAN_COMMANDS = [
    "Stell einen Timer auf fünf Minuten und einen Timer auf zehn Minuten",
    "stoppe den ersten Timer",
    "gib dem Hund fünf Minuten",
    "halte die Tür auf",
]


@pytest.fixture(scope="module")
def grammar():
    return HassilGrammar()


@pytest.mark.parametrize(("text", "tool", "arguments"), ENGLISH)
def test_an_english_sentence_about_a_timer_is_understood_exactly(grammar, text, tool, arguments):
    match = grammar.match([text], "en")

    assert match is not None
    assert (match.tool, dict(match.arguments), match.confidence) == (tool, arguments, 1.0)


@pytest.mark.parametrize(("text", "tool", "arguments"), GERMAN)
def test_a_german_sentence_about_a_timer_is_understood(grammar, text, tool, arguments):
    match = grammar.match([text], "de")

    assert match is not None
    assert (match.tool, dict(match.arguments)) == (tool, arguments)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("cancel the pasta timer", "en"),
        ("cancel all timers", "en"),
        ("welche Timer laufen", "de"),
    ],
)
def test_a_sentence_that_is_whole_is_not_waited_for(grammar, text, language):
    match = grammar.match([text], language)

    assert match is not None
    assert not match.may_continue


@pytest.mark.parametrize(
    ("text", "language"), [(text, "en") for text in NO_COMMANDS] + [(text, "de") for text in NO_GERMAN_COMMANDS]
)
def test_what_no_timer_does_is_left_alone(grammar, text, language):
    assert grammar.match([text], language) is None


async def test_the_arguments_fit_the_tools(tmp_path):
    async with Client(make_server(tmp_path, {})) as client:
        schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}

    for _, tool, arguments in (*ENGLISH, *GERMAN):
        jsonschema.validate(json.loads(json.dumps(arguments)), schemas[tool])
