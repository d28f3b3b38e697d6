import pytest

from backends.commands.grammar import HassilGrammar
from backends.commands.meant import MAX_OF_INTENT
from protocol.messages.meaning import Certainty, Meaning, OwnSentence

SURE = Certainty.SURE
OWN = """\
language: en
intents:
  Drink:
    tool: bar/order
    data:
      - sentences: ["<order> [a] {drink}", "i am thirsty for {drink}"]
lists:
  drink: {values: [espresso, latte]}
expansion_rules:
  order: "(order|bring me)"
"""
GERMAN = "language: de\nintents:\n  Trinken: {tool: bar/order, data: [{sentences: [bring mir Kaffee]}]}\n"


@pytest.fixture(scope="module")
def grammar(tmp_path_factory: pytest.TempPathFactory) -> HassilGrammar:
    folder = tmp_path_factory.mktemp("commands")
    (folder / "own.yaml").write_text(OWN)
    (folder / "german.yaml").write_text(GERMAN)
    return HassilGrammar([folder])


def test_the_examples_are_the_users_own_english_sentences_with_values_of_their_lists(grammar: HassilGrammar) -> None:
    assert set(grammar.own_sentences()) == {
        OwnSentence("Drink", "order a espresso"),
        OwnSentence("Drink", "order a latte"),
        OwnSentence("Drink", "i am thirsty for espresso"),
        OwnSentence("Drink", "i am thirsty for latte"),
    }
    assert grammar.own_sentences() is grammar.own_sentences()


def test_an_intent_has_a_bounded_number_of_examples(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("many")
    sentences = ", ".join(f"sentence with word{number}" for number in range(100))
    (folder / "own.yaml").write_text(
        f"language: en\nintents:\n  A: {{tool: a/b, data: [{{sentences: [{sentences}]}}]}}\n"
    )
    assert len(HassilGrammar([folder]).own_sentences()) == MAX_OF_INTENT


def test_a_meaning_of_the_users_own_is_asked_about_in_the_users_own_words(grammar: HassilGrammar) -> None:
    match = grammar.meant(Meaning("Drink", 0.8, SURE, is_own=True), ["a latte would be lovely"], "en")
    assert match is not None
    assert (match.server, match.tool, dict(match.arguments)) == ("bar", "order", {"drink": "latte"})
    assert match.guess is not None
    assert match.guess.question == "Did you mean: order a latte?"


def test_a_class_stands_for_its_intent(grammar: HassilGrammar) -> None:
    match = grammar.meant(Meaning("set_timer", 0.8, SURE), ["i could use ten minutes on a timer"], "en")
    assert match is not None
    assert (match.intent, dict(match.arguments)) == ("SetTimer", {"seconds": 600})
    assert match.guess is not None
    assert match.guess.question == "Shall I set a timer for ten minutes?"


@pytest.mark.parametrize(
    ("name", "text", "arguments", "question"),
    [
        (
            "add_to_list",
            "would milk fit onto my shopping list, get milk on the list",
            {"item": "milk", "list_name": "shopping"},
            "Shall I add milk to the shopping list?",
        ),
        (
            "set_reminder",
            "tonight at eight i want to be reminded to lock up",
            {"text": "lock up", "when": "tonight at eight"},
            "Shall I set a reminder: lock up, tonight at eight?",
        ),
        (
            "convert_units",
            "is there an easy way from feet into inches",
            {"value": 1, "from_unit": "feet", "to_unit": "inches"},
            "Shall I convert feet to inches?",
        ),
    ],
)
def test_what_is_said_plainly_stands_in_the_question(
    grammar: HassilGrammar, name: str, text: str, arguments: dict[str, object], question: str
) -> None:
    match = grammar.meant(Meaning(name, 0.8, SURE), [text], "en")
    assert match is not None
    assert dict(match.arguments) == arguments
    assert match.question is None
    assert match.guess is not None
    assert match.guess.question == question


def test_a_number_that_is_no_amount_keeps_the_question_what_to_convert(grammar: HassilGrammar) -> None:
    match = grammar.meant(Meaning("convert_units", 0.8, SURE), ["take item 20 from feet into inches"], "en")
    assert match is not None
    assert match.question is not None


OTHERS = [Meaning("order", 0.9, SURE), Meaning("talk", 0.9, SURE), Meaning("Drink", 0.9, SURE, is_own=True)]


@pytest.mark.parametrize("meaning", OTHERS)
def test_what_stands_for_no_call_is_none(grammar: HassilGrammar, meaning: Meaning) -> None:
    assert grammar.meant(meaning, ["what a day"], "en") is None
