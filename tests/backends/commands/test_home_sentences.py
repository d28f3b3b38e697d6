"""The sentences of the example home, in both languages."""

from pathlib import Path

import pytest

from backends.commands.grammar import HassilGrammar
from config.examples import examples

ENGLISH = {
    "turn on the kitchen light": ("turn_on_light", {"where": "kitchen"}),
    "Please turn on the kitchen light.": ("turn_on_light", {"where": "kitchen"}),
    "could you switch the hallway lamp on": ("turn_on_light", {"where": "hall"}),
    "turn off the reading lamp": ("turn_off_light", {"where": "bedroom"}),
    "turn off the lights in the lounge": ("turn_off_light", {"where": "living room"}),
    "turn on all the lights": ("turn_on_light", {"where": "all"}),
    "turn off all lights in the kitchen": ("turn_off_light", {"where": "kitchen"}),
    "turn off the lights everywhere": ("turn_off_light", {"where": "all"}),
    "turn on the light": ("turn_on_light", {}),
    "dim the kitchen light to thirty percent": ("set_brightness", {"where": "kitchen", "percent": 30}),
    "set the lights in the hall to 50%": ("set_brightness", {"where": "hall", "percent": 50}),
    "is the kitchen light on": ("get_light", {"where": "kitchen"}),
    "are the lights in the bedroom off": ("get_light", {"where": "bedroom"}),
    "which lights are on": ("get_light", {"where": "all"}),
    "what is the temperature in the bedroom": ("get_temperature", {"where": "bedroom"}),
    "what's the temperature": ("get_temperature", {"where": "all"}),
    "set the temperature to 21 degrees": ("set_temperature", {"where": "all", "degrees": 21}),
    "set the heating in the living room to 21.5": ("set_temperature", {"where": "living room", "degrees": 21.5}),
    "open the blinds in the living room": ("open_blinds", {"where": "living room"}),
    "close all the blinds": ("close_blinds", {"where": "all"}),
    "is a window open in the bedroom": ("get_openings", {"where": "bedroom"}),
    "lock the front door": ("lock_door", {}),
    "unlock the door": ("unlock_door", {}),
    "is the front door locked": ("get_lock", {}),
}
GERMAN = {
    "schalte das Licht in der Küche ein": ("turn_on_light", {"where": "kitchen"}),
    "mach das Küchenlicht an": ("turn_on_light", {"where": "kitchen"}),
    "schalte die Leselampe aus": ("turn_off_light", {"where": "bedroom"}),
    "mach alle Lichter aus": ("turn_off_light", {"where": "all"}),
    "mach das Licht an": ("turn_on_light", {}),
    "dimme das Licht im Wohnzimmer auf dreißig Prozent": ("set_brightness", {"where": "living room", "percent": 30}),
    "ist das Licht in der Küche an": ("get_light", {"where": "kitchen"}),
    "brennt das Licht im Flur": ("get_light", {"where": "hall"}),
    "wie warm ist es im Schlafzimmer": ("get_temperature", {"where": "bedroom"}),
    "stelle die Heizung auf 21 Grad": ("set_temperature", {"where": "all", "degrees": 21}),
    "stelle die Heizung im Wohnzimmer auf 21,5 Grad": ("set_temperature", {"where": "living room", "degrees": 21.5}),
    "öffne die Rollos im Wohnzimmer": ("open_blinds", {"where": "living room"}),
    "schließe alle Rollos": ("close_blinds", {"where": "all"}),
    "welche Fenster sind offen": ("get_openings", {"where": "all"}),
    "schließe die Tür ab": ("lock_door", {}),
    "schließe die Haustür auf": ("unlock_door", {}),
    "ist die Haustür abgeschlossen": ("get_lock", {}),
}
UNKNOWN = {
    "en": {
        "turn on the bathroom light": "bathroom",
        "turn off the lights in the garage": "garage",
        "turn on all the lights in the attic": "attic",
        "dim the lights in the cellar to 20 percent": "cellar",
        "is the garage light on": "garage",
        "turn the bathroom light off": "bathroom",
        "how warm is it in the bathroom": "bathroom",
        "heat the attic to 20 degrees": "attic",
        "is the bathroom window open": "bathroom",
        "is a window open in the bathroom": "bathroom",
        "set the heating in the attic to 20": "attic",
        "what is the temperature in the bathroom": "bathroom",
        "close the blinds in the bathroom": "bathroom",
        "turn on the light in the kitchen and the garage": "kitchen and the garage",
    },
    "de": {
        "mach das Licht im Bad an": "Bad",
        "schalte das Licht in der Garage aus": "Garage",
        "schalte alle Lichter im Keller aus": "Keller",
        "dimme das Licht im Keller auf 20 Prozent": "Keller",
        "ist das Licht im Bad an": "Bad",
        "brennt das Licht im Bad": "Bad",
        "was ist die Temperatur im Bad": "Bad",
        "heize im Bad auf 20 Grad": "Bad",
        "ist das Fenster im Bad offen": "Bad",
        "öffne die Rollos im Bad": "Bad",
        "schließe die Rollos im Bad": "Bad",
        "stelle die Heizung im Keller auf 20 Grad": "Keller",
        "wie warm ist es im Bad": "Bad",
        "mach die Rollos im Bad zu": "Bad",
    },
}
NOT_TAKEN = {
    "en": (
        "open the garage",
        "close the window in the bedroom",
        "turn on the lights and the radio",
        "how warm is it outside",
    ),
    "de": ("öffne die Garage", "schließe das Fenster im Schlafzimmer", "mach das Radio an", "wie warm ist es draußen"),
}


@pytest.fixture(scope="module")
def grammar() -> HassilGrammar:
    return HassilGrammar([Path(examples()["home"].folder / "commands")])


@pytest.mark.parametrize(
    ("language", "text"), [*(("en", text) for text in ENGLISH), *(("de", text) for text in GERMAN)]
)
def test_a_sentence_calls_its_tool(grammar: HassilGrammar, language: str, text: str) -> None:
    match = grammar.match([text], language)
    assert match is not None
    tool, arguments = (ENGLISH if language == "en" else GERMAN)[text]
    assert (match.server, match.tool, match.arguments, match.confidence) == ("home", tool, arguments, 1.0)


@pytest.mark.parametrize(
    ("language", "text", "place"), [(code, *entry) for code, entries in UNKNOWN.items() for entry in entries.items()]
)
def test_a_place_that_is_not_there_is_told_to_the_house_and_never_left_out(
    grammar: HassilGrammar, language: str, text: str, place: str
) -> None:
    match = grammar.match([text], language)
    assert match is not None
    assert match.arguments["where"] == place


@pytest.mark.parametrize(("language", "text"), [(code, text) for code, texts in NOT_TAKEN.items() for text in texts])
def test_what_the_house_cannot_do_is_no_sentence_of_it(grammar: HassilGrammar, language: str, text: str) -> None:
    assert grammar.match([text], language) is None


def test_the_built_in_sentences_stay(grammar: HassilGrammar) -> None:
    for text, language in (("set a timer for ten minutes", "en"), ("wie spät ist es", "de")):
        match = grammar.match([text], language)
        assert match is not None
        assert match.server == "sayso-tools"
