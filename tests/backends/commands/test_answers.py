import pytest

from backends.commands.answers import MAX_ANSWER_VOCABULARY
from backends.commands.grammar import HassilGrammar

USER = """\
language: en
intents:
  OrderDrink:
    tool: coffee/order
    asks: {drink: "What would you like?", size: "Which size?"}
    data:
      - sentences: ["order [a] [{size}] {drink}", "order (something|a drink)"]
lists:
  drink: {values: [espresso, {in: "(white coffee|latte)", out: latte}]}
  size: {values: [small, large]}
"""


@pytest.fixture(scope="module")
def grammar():
    return HassilGrammar()


@pytest.mark.parametrize(
    ("language", "sentence", "question", "answer", "arguments"),
    [
        ("en", "set a timer", "For how long?", "ten minutes", {"seconds": 600}),
        ("en", "set a timer", "For how long?", "for ten minutes please", {"seconds": 600}),
        ("en", "set a timer", "For how long?", "ten", {"seconds": 600}),
        ("en", "set a timer", "For how long?", "make it an hour and a half", {"seconds": 5_400}),
        ("en", "set a timer", "For how long?", "1:30", {"seconds": 90}),
        ("en", "set a pasta timer", "For how long?", "eight minutes", {"seconds": 480, "name": "pasta"}),
        ("en", "extend the pasta timer", "By how much?", "by two minutes", {"by_seconds": 120, "name": "pasta"}),
        ("en", "extend my timer", "By how much?", "five", {"by_seconds": 300}),
        ("en", "take a note", "What shall I note?", "Buy a present.", {"text": "Buy a present"}),
        ("en", "add something to the list", "What shall I add?", "milk", {"item": "milk", "list_name": ""}),
        ("en", "add to my shopping list", "What shall I add?", "add milk", {"item": "milk", "list_name": "shopping"}),
        ("en", "remove something from the list", "What shall I take off?", "milk", {"item": "milk", "list_name": ""}),
        (
            "en",
            "convert five miles",
            "To which unit?",
            "to kilometers",
            {"value": 5, "from_unit": "miles", "to_unit": "kilometers"},
        ),
        ("de", "stell einen Timer", "Wie lange?", "auf zehn Minuten", {"seconds": 600}),
        ("de", "stell einen Timer", "Wie lange?", "zehn", {"seconds": 600}),
        ("de", "mach eine Notiz", "Was soll ich notieren?", "Anna anrufen", {"text": "Anna anrufen"}),
        ("de", "verlängere den Timer", "Um wie viel?", "um fünf Minuten", {"by_seconds": 300}),
        (
            "de",
            "setze etwas auf die Einkaufsliste",
            "Was soll ich hinzufügen?",
            "Milch",
            {"item": "Milch", "list_name": "shopping"},
        ),
    ],
)
def test_what_a_sentence_leaves_out_is_asked_for_and_answered(
    grammar, *, language, sentence, question, answer, arguments
):
    asked = grammar.match([sentence], language)

    assert asked.question.text == question
    found = grammar.answer(asked, [answer], language)
    assert (found.arguments, found.question) == (arguments, None)


@pytest.mark.parametrize("words", ["what time is it", "banana", "cancel", "ten bananas", ""])
def test_what_is_no_duration_does_not_answer_how_long(grammar, words):
    assert grammar.answer(grammar.match(["set a timer"], "en"), [words], "en") is None


def test_a_sentence_that_says_everything_asks_nothing(grammar):
    assert grammar.match(["set a timer for ten minutes"], "en").question is None
    assert grammar.match(["what time is it"], "en").question is None


def test_an_answer_is_found_among_the_other_hypotheses_and_is_less_sure(grammar):
    asked = grammar.match(["set a timer"], "en")

    found = grammar.answer(asked, ["tent minutes", "ten minutes"], "en")
    assert found.arguments == {"seconds": 600}
    assert found.confidence < 1.0


def test_the_words_of_an_answer_are_expected_first(grammar):
    asked = grammar.match(["set a timer"], "en")

    expected = grammar.vocabulary("en", asked)
    assert {"ten", "minutes", "half", "hour"} <= set(expected[:MAX_ANSWER_VOCABULARY])
    assert len(expected) == len(set(expected)) <= 60
    assert not {"half", "hour"} <= set(grammar.vocabulary("en"))


def test_a_users_file_may_ask_for_one_slot_after_the_other(tmp_path):
    (tmp_path / "coffee.yaml").write_text(USER)
    grammar = HassilGrammar([tmp_path])

    first = grammar.match(["order something"], "en")
    assert first is not None
    assert first.question is not None
    assert (first.question.text, first.question.is_free_text) == ("What would you like?", False)
    second = grammar.answer(first, ["white coffee"], "en")
    assert second is not None
    assert second.question is not None
    assert second.question.text == "Which size?"
    whole = grammar.answer(second, ["large"], "en")
    assert whole is not None
    assert (whole.arguments, whole.question) == ({"drink": "latte", "size": "large"}, None)
    assert grammar.match(["order an espresso"], "en") is None
    assert "espresso" in grammar.vocabulary("en", first)[:3]


def test_a_question_of_a_command_that_is_gone_is_not_answered(tmp_path, grammar):
    (tmp_path / "coffee.yaml").write_text(USER)
    asked = HassilGrammar([tmp_path]).match(["order something"], "en")

    assert asked is not None
    assert grammar.answer(asked, ["espresso"], "en") is None
