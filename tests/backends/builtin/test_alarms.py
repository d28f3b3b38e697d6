import pytest

from backends.builtin.alarms import MAX_ALARMS, Alarms, alarm_words
from backends.builtin.planned import PlanError
from backends.builtin.things import SeveralMeant
from tests.backends.builtin.plans_fixtures import BERLIN, answer, desk_in


@pytest.fixture
def desk(tmp_path):
    return desk_in(tmp_path)


@pytest.fixture
def alarms(desk):
    return Alarms(desk.store, desk, desk.changed, BERLIN)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("7", "Alarm set for 7 this evening."),
        ("7 am", "Alarm set for 7 tomorrow morning."),
        ("half past six tomorrow", "Alarm set for 6:30 tomorrow morning."),
        ("tomorrow at eight", "Alarm set for 8 tomorrow morning."),
        ("noon", "Alarm set for noon today."),
        ("weekdays at 6:45", "Alarm set for 6:45 in the morning on weekdays."),
        ("every monday and friday at noon", "Alarm set for noon every Monday and Friday."),
        ("in ten minutes", "Alarm set for 10:10 this morning."),
    ],
)
def test_an_alarm_is_set_and_told_as_people_say_it(alarms, desk, when, said):
    assert answer(alarms.set_alarm(when)) == said
    assert desk.changes == 1


def test_an_alarm_without_a_time_is_asked_for(alarms):
    assert answer(alarms.set_alarm()) == "For when? Say: wake me at seven."
    assert answer(alarms.set_alarm(" ")) == "For when? Say: wake me at seven."


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("tomorrow", "At what time"),
        ("tomorrow morning", "At what time"),
        ("bluish", "do not understand the time bluish"),
        ("today at 9 am", "That time is over"),
        ("in 0.5 seconds", "too far away"),
        ("in 10000 hours", "too far away"),
    ],
)
def test_a_time_that_cannot_be_is_refused_in_words(alarms, when, said):
    with pytest.raises(PlanError, match=said):
        answer(alarms.set_alarm(when))


def test_alarms_are_told_the_next_one_first(alarms):
    assert answer(alarms.list_alarms()) == "No alarm is set."
    answer(alarms.set_alarm("tomorrow at 8", "gym"))
    answer(alarms.set_alarm("noon"))

    assert answer(alarms.list_alarms()) == "Two alarms: noon today; gym, 8 tomorrow morning."
    assert answer(alarms.list_alarms("tomorrow")) == "One alarm: gym, 8 tomorrow morning."
    assert answer(alarms.list_alarms(name="gym")) == "One alarm: gym, 8 tomorrow morning."
    assert answer(alarms.list_alarms("9 am")) == "There is no such alarm."


def test_the_alarm_that_is_meant_is_cancelled(alarms):
    for when, name in (("7 am", ""), ("8 am", ""), ("9 am", "gym")):
        answer(alarms.set_alarm(when, name))

    with pytest.raises(SeveralMeant, match=r"There are three alarms: 7 tomorrow morning, .*Which one") as asked:
        answer(alarms.cancel_alarm())
    first = asked.value.things[0]
    assert answer(alarms.cancel_alarm("8 am")) == "The alarm for 8 tomorrow morning is cancelled."
    assert answer(alarms.cancel_alarm(name="gym")) == "The alarm for 9 tomorrow morning is cancelled."
    assert answer(alarms.cancel_alarm(**first.arguments)) == "The alarm for 7 tomorrow morning is cancelled."
    with pytest.raises(PlanError, match="No alarm is set"):
        answer(alarms.cancel_alarm())


def test_all_alarms_are_cancelled_at_once(alarms):
    for when in ("7 am", "8 am"):
        answer(alarms.set_alarm(when))
    with pytest.raises(PlanError, match="no such alarm"):
        answer(alarms.cancel_alarm("9 am", every=True))

    assert answer(alarms.cancel_alarm(every=True)) == "2 alarms are cancelled."
    assert answer(alarms.list_alarms()) == "No alarm is set."


def test_there_are_not_more_alarms_than_allowed(alarms):
    for _ in range(MAX_ALARMS):
        answer(alarms.set_alarm("7 am"))
    with pytest.raises(PlanError, match="There are 50 already"):
        answer(alarms.set_alarm("7 am"))


def test_an_alarm_rings_with_its_time(desk):
    assert alarm_words("", desk.now_s, BERLIN) == "It is 10 in the morning. Your alarm!"
    assert alarm_words("gym", desk.now_s, BERLIN) == "It is 10 in the morning: gym."
