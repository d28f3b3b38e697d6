import pytest

from backends.builtin.planned import PlanError
from backends.builtin.reminders import MAX_REMINDERS, MAX_SPOKEN, Reminders
from backends.builtin.things import SeveralMeant
from tests.backends.builtin.plans_fixtures import BERLIN, answer, desk_in


@pytest.fixture
def desk(tmp_path):
    return desk_in(tmp_path)


@pytest.fixture
def reminders(desk):
    return Reminders(desk.store, desk, desk.changed, BERLIN)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("in ten minutes", "I will remind you in ten minutes: call mom."),
        ("at 5", "I will remind you at 5 this afternoon: call mom."),
        ("tomorrow at nine", "I will remind you at 9 tomorrow morning: call mom."),
        ("tomorrow", "I will remind you at 9 tomorrow morning: call mom."),
        ("this evening", "I will remind you at 6 this evening: call mom."),
        ("every monday at noon", "I will remind you at noon every Monday: call mom."),
    ],
)
def test_a_reminder_is_set_and_told(reminders, desk, when, said):
    assert answer(reminders.set_reminder("call mom.", when)) == said
    assert desk.changes == 1


@pytest.mark.parametrize(
    ("text", "when", "question"),
    [
        (None, "at 5", "What shall I remind you of?"),
        (" . ", "at 5", "What shall I remind you of?"),
        ("call mom", None, "When shall I remind you?"),
    ],
)
def test_what_is_missing_is_asked_for(reminders, text, when, question):
    assert answer(reminders.set_reminder(text, when)) == question


def test_reminders_are_told_the_next_one_first(reminders):
    assert answer(reminders.list_reminders()) == "There are no reminders."
    answer(reminders.set_reminder("call the bank", "tomorrow at 9"))
    answer(reminders.set_reminder("check the oven", "at noon"))

    told = "Two reminders: check the oven, at noon today; call the bank, at 9 tomorrow morning."
    assert answer(reminders.list_reminders()) == told
    assert answer(reminders.list_reminders("bank")) == "One reminder: call the bank, at 9 tomorrow morning."
    assert answer(reminders.list_reminders(when="tomorrow")) == "One reminder: call the bank, at 9 tomorrow morning."
    assert answer(reminders.list_reminders("milk")) == "There is no such reminder."


def test_only_the_first_of_many_are_told(reminders):
    for number in range(MAX_SPOKEN + 1):
        answer(reminders.set_reminder(f"thing {number}", "at noon"))
    assert answer(reminders.list_reminders()).count("thing") == MAX_SPOKEN


def test_the_reminder_that_is_meant_is_cancelled(reminders):
    for text, when in (("call mom", "at noon"), ("call the bank", "at 3"), ("check the oven", "in 5 minutes")):
        answer(reminders.set_reminder(text, when))

    with pytest.raises(
        SeveralMeant, match=r"There are two reminders: call mom and call the bank\. Which reminder"
    ) as asked:
        answer(reminders.cancel_reminder("call"))
    assert answer(reminders.cancel_reminder(**asked.value.things[1].arguments)) == (
        "The reminder is cancelled: call the bank."
    )
    assert answer(reminders.cancel_reminder(when="noon")) == "The reminder is cancelled: call mom."
    with pytest.raises(PlanError, match="no such reminder"):
        answer(reminders.cancel_reminder("milk"))
    assert answer(reminders.cancel_reminder()) == "The reminder is cancelled: check the oven."
    with pytest.raises(PlanError, match="no reminders"):
        answer(reminders.cancel_reminder())


def test_all_reminders_are_cancelled_at_once(reminders):
    for text in ("a b", "c d"):
        answer(reminders.set_reminder(text, "at noon"))
    assert answer(reminders.cancel_reminder(every=True)) == "2 reminders are cancelled."


def test_there_are_not_more_reminders_than_allowed(reminders):
    for _ in range(MAX_REMINDERS):
        answer(reminders.set_reminder("a", "at noon"))
    with pytest.raises(PlanError, match="There are 100 already"):
        answer(reminders.set_reminder("a", "at noon"))
