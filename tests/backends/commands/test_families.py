import pytest

from backends.commands.families import FAMILIES, question_for
from backends.commands.grammar import HassilGrammar
from backends.understanding.head import load_head
from protocol.turns.meaning import CANNOT

LATER = {"SetAlarm", "ListAlarms", "CancelAlarm", "SetReminder", "ListReminders", "CancelReminder"}


def test_every_family_is_a_class_of_the_head() -> None:
    assert set(FAMILIES) <= set(load_head().classes)
    assert set(CANNOT) <= set(load_head().classes)


def test_every_family_stands_for_an_intent_of_the_shipped_files_or_is_named_as_missing() -> None:
    known = {command.intent for command in HassilGrammar(programs=["calculator"]).samples()}
    for name, family in FAMILIES.items():
        assert family.intent in known or name in CANNOT, name
        assert family.intent in known | LATER


@pytest.mark.parametrize(
    ("name", "said", "question"),
    [
        ("set_timer", {"seconds": "ten minutes"}, "Shall I set a timer for ten minutes?"),
        ("cancel_timer", {}, "Shall I cancel the timer?"),
        ("cancel_timer", {"duration": "ten minute"}, "Shall I cancel the ten minute timer?"),
        ("clear_list", {}, "Shall I clear the list?"),
        ("clear_list", {"list_name": "shopping list"}, "Shall I clear the shopping list?"),
        ("get_time", {"place": "Tokyo"}, "Do you want to know the time in Tokyo?"),
    ],
)
def test_questions_have_the_words_that_were_said(name: str, said: dict[str, str], question: str) -> None:
    assert question_for(FAMILIES[name], said) == question


@pytest.mark.parametrize("name", FAMILIES)
def test_no_question_names_a_tool(name: str) -> None:
    question = question_for(FAMILIES[name], {})
    assert question.endswith("?")
    assert "_" not in question
