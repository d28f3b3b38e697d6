import pytest

from backends.builtin.planned import REMINDER, PlanError, Plans, moment_of
from tests.backends.builtin.plans_fixtures import BERLIN, desk_in


@pytest.fixture
def desk(tmp_path):
    return desk_in(tmp_path)


@pytest.fixture
def plans(desk):
    return Plans(desk.store, REMINDER, BERLIN)


def test_what_is_planned_is_kept_the_next_one_first(plans, desk):
    for text, when in (("late", "tomorrow at 8"), ("soon", "in 5 minutes")):
        plans.add(text, plans.scheduled(when, desk.now_s, needs_time=False), most=2)

    assert [planned.text for planned in plans.kept(desk.now_s)] == ["soon", "late"]
    with pytest.raises(PlanError, match="There are 2 already"):
        plans.add("more", plans.scheduled("noon", desk.now_s, needs_time=False), most=2)


def test_an_error_while_choosing_cancels_nothing(plans, desk):
    plans.add("a", plans.scheduled("noon", desk.now_s, needs_time=False), most=2)

    def refuse(_):
        raise PlanError("no")

    with pytest.raises(PlanError, match="no"):
        plans.remove(desk.now_s, refuse)
    assert len(plans.kept(desk.now_s)) == 1


def test_a_short_delay_is_told_as_one_and_a_long_one_by_the_clock(plans, desk):
    said = [
        plans.when_it_comes(plans.scheduled(when, desk.now_s, needs_time=False), desk.now_s)
        for when in ("in 2 hours", "in 3 hours", "at noon", "every day at noon")
    ]
    assert said == ["in two hours", "at 1 this afternoon", "at noon today", "at noon every day"]


def test_what_is_no_time_is_refused_in_words():
    with pytest.raises(PlanError, match=r"I do not understand the time \?\."):
        moment_of(" ")
