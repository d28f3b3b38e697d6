"""Slots of sentences that are none of the grammar's, in the shipped files and in a user's own."""

from typing import Any

import pytest

from backends.commands.families import FAMILIES
from backends.commands.filling import hinted, spans
from backends.commands.grammar import HassilGrammar

MARATHON = {"value": 42, "from_unit": "kilometers", "to_unit": "miles"}
CONVERT_WHAT = "What shall I convert?"
OWN = """\
language: en
intents:
  Drink:
    tool: bar/order
    data:
      - sentences: ["order [a] [{size}] {drink}"]
  Dice:
    tool: dice/roll
    arguments: { count: "{number}" }
    data:
      - sentences: ["roll {number} dice"]
      - sentences: ["roll the die"]
        slots: { number: 1 }
  Say:
    tool: voice/say
    data:
      - sentences: ["say {text}"]
lists:
  drink: {values: [espresso, {in: "(white coffee|latte)", out: latte}]}
  size: {values: [small, large]}
"""


@pytest.fixture(scope="module")
def grammar() -> HassilGrammar:
    return HassilGrammar(programs=["calculator", "text editor"])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> HassilGrammar:
    folder = tmp_path_factory.mktemp("commands")
    (folder / "own.yaml").write_text(OWN)
    return HassilGrammar([folder])


@pytest.mark.parametrize(
    ("name", "text", "arguments", "question"),
    [
        ("get_time", "any idea how late it would be over in Sydney", {"place": "sydney"}, None),
        ("get_time", "would you know how late we are", {}, None),
        ("get_time", "what might the clock show in glenwood springs", {"place": "glenwood springs"}, None),
        ("set_timer", "put five and a half minutes on please", {"seconds": 330}, None),
        ("set_timer", "get a timer going", {}, "For how long?"),
        ("extend_timer", "the pizza could do with another five minutes", {"by_seconds": 300}, None),
        ("read_list", "what else do i have on my shopping list", {"list_name": "shopping"}, None),
        ("read_list", "anything to fetch at the store", {"list_name": "shopping"}, None),
        ("read_list", "which chores are left", {"list_name": "to do"}, None),
        ("add_to_list", "beer should get onto the shopping list", {"list_name": "shopping"}, "What shall I add?"),
        ("clear_list", "nothing should be left on my to-do list", {"item": "all", "list_name": "to do"}, None),
        ("calculate", "help me with algebra", {}, "What shall I calculate?"),
        ("convert_units", "a run of 42 kilometers how far is that in miles", MARATHON, None),
        ("convert_units", "how does one change inches to centimeters", {"to_unit": "centimeters"}, CONVERT_WHAT),
        ("system_info", "does the machine have enough memory", {"topic": "memory"}, None),
        ("system_info", "everything fine with the box", {"topic": "all"}, None),
        ("run_program", "i would like the text editor on screen", {"name": "text editor"}, None),
        ("run_program", "open something", {}, "Which program?"),
        ("add_note", "something to remember", {}, "What shall I note?"),
    ],
)  # fmt: skip
def test_slots_are_found_and_free_text_is_asked_for(
    grammar: HassilGrammar, name: str, text: str, arguments: dict[str, Any], question: str | None
) -> None:
    family = FAMILIES[name]
    filled = grammar.filled(family.intent, text, "en", hinted(family.hints, text))
    assert filled is not None
    assert dict(filled.match.arguments) == arguments
    assert (filled.match.question and filled.match.question.text) == question


@pytest.mark.parametrize(
    ("intent", "text", "arguments", "sentence"),
    [
        ("Drink", "could a large latte come my way", {"drink": "latte", "size": "large"}, "order a latte"),
        ("Drink", "some white coffee for me", {"drink": "latte"}, "order a white coffee"),
        ("Dice", "let five dice fly", {"count": 5}, "roll five dice"),
        ("Dice", "let the die fly", {"count": 1}, "roll the die"),
    ],
)
def test_a_users_own_commands_are_filled_as_the_built_in_ones(
    own: HassilGrammar, intent: str, text: str, arguments: dict[str, Any], sentence: str
) -> None:
    filled = own.filled(intent, text, "en", {})
    assert filled is not None
    assert dict(filled.match.arguments) == arguments
    assert filled.sentence == sentence


@pytest.mark.parametrize(("intent", "text"), [("Drink", "something warm please"), ("Say", "say hello"), ("None", "x")])
def test_a_sentence_that_misses_what_cannot_be_asked_for_is_nothing(own: HassilGrammar, intent: str, text: str) -> None:
    assert own.filled(intent, text, "en", {}) is None


@pytest.mark.parametrize("text", ["", "  ", "word " * 60])
def test_a_sentence_without_words_or_with_too_many_is_nothing(grammar: HassilGrammar, text: str) -> None:
    assert grammar.filled("GetTime", text, "en", {}) is None


def test_a_language_without_sentences_has_nothing_to_fill(grammar: HassilGrammar) -> None:
    assert grammar.filled("GetTime", "quelle heure est-il", "fr", {}) is None


def test_longer_spans_come_first_and_none_is_left_out() -> None:
    assert list(spans(3)) == [range(3), range(2), range(1, 3), range(1), range(1, 2), range(2, 3)]
    assert list(spans(0)) == []
