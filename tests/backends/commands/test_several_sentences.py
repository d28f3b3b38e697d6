"""Sentences of several commands, by the grammar that is shipped and the example home's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backends.commands.grammar import HassilGrammar
from config.examples import examples
from protocol.turns.several import Parts, parts_of


@pytest.fixture(scope="module")
def grammar() -> HassilGrammar:
    return HassilGrammar([Path(examples()["home"].folder / "commands")])


def understood(grammar: HassilGrammar, text: str, language: str = "en") -> list[tuple[str, Mapping[str, Any]]]:
    """Return the calls of a sentence; those of a whole one, too."""
    search = parts_of(text, language)
    asked = next(search)
    try:
        while True:
            asked = search.send(grammar.match_exactly(asked, language))
    except StopIteration as end:
        parts: Parts = end.value
    matches = [parts.whole] if parts.whole else [part.match for part in parts.several]
    return [(match.tool, match.arguments) for match in matches if match is not None]


ENGLISH = {
    "turn on the kitchen light and set a timer for ten minutes": [
        ("turn_on_light", {"where": "kitchen"}),
        ("set_timer", {"seconds": 600}),
    ],
    "Turn off the kitchen light, then what time is it?": [("turn_off_light", {"where": "kitchen"}), ("get_time", {})],
    "set a timer for five minutes and another for ten": [
        ("set_timer", {"seconds": 300}),
        ("set_timer", {"seconds": 600}),
    ],
    "turn on the kitchen light and the bedroom light": [
        ("turn_on_light", {"where": "kitchen"}),
        ("turn_on_light", {"where": "bedroom"}),
    ],
    "what time is it in Tokyo and in Berlin": [("get_time", {"place": "tokyo"}), ("get_time", {"place": "berlin"})],
    "add eggs to the shopping list and milk to the to do list": [
        ("add_to_list", {"item": "eggs", "list_name": "shopping"}),
        ("add_to_list", {"item": "milk", "list_name": "to do"}),
    ],
    "add eggs to my shopping list and remove cheese": [
        ("add_to_list", {"item": "eggs", "list_name": "shopping"}),
        ("remove_from_list", {"item": "cheese", "list_name": "shopping"}),
    ],
    "Cross out bananas from my shopping list and put papayas on it, please.": [
        ("remove_from_list", {"item": "bananas", "list_name": "shopping"}),
        ("add_to_list", {"item": "papayas", "list_name": "shopping"}),
    ],
    "please go ahead and add beer to my shopping list": [("add_to_list", {"item": "beer", "list_name": "shopping"})],
    "add eggs to my shopping list and order cheese": [],
    "add milk and eggs to my shopping list": [("add_to_list", {"item": "milk and eggs", "list_name": "shopping"})],
    "set a timer for an hour and thirty minutes": [("set_timer", {"seconds": 5400})],
    "take a note buy milk and eggs": [("add_note", {"text": "buy milk and eggs"})],
    "what is three and four": [],
    "order a pizza and set a timer for ten minutes": [],
}
GERMAN = {
    "Schalte das Licht in der Küche an und stelle einen Timer auf zehn Minuten": [
        ("turn_on_light", {"where": "kitchen"}),
        ("set_timer", {"seconds": 600}),
    ],
    "Stelle einen Timer auf fünf Minuten und noch einen auf zehn": [
        ("set_timer", {"seconds": 300}),
        ("set_timer", {"seconds": 600}),
    ],
    "Setze Milch und Eier auf die Einkaufsliste": [
        ("add_to_list", {"item": "Milch und Eier", "list_name": "shopping"})
    ],
}


@pytest.mark.parametrize(("text", "calls"), ENGLISH.items())
def test_english_sentences(grammar: HassilGrammar, text: str, calls: list[Any]) -> None:
    assert understood(grammar, text) == calls


@pytest.mark.parametrize(("text", "calls"), GERMAN.items())
def test_german_sentences(grammar: HassilGrammar, text: str, calls: list[Any]) -> None:
    assert understood(grammar, text, "de") == calls


def test_an_exact_match_exchanges_no_words(grammar: HassilGrammar) -> None:
    assert grammar.match(["sat a timer for ten minutes"], "en") is not None
    assert grammar.match_exactly("sat a timer for ten minutes", "en") is None
    assert grammar.match_exactly("Please set a um timer for ten minutes!", "en") is not None
    assert grammar.match_exactly("", "en") is None
    assert grammar.match_exactly("what time is it", "fr") is None
