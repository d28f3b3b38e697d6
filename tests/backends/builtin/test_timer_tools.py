import pytest

from backends.builtin.timer_tools import TimerTools
from backends.builtin.timers import Timers
from tests.backends.builtin.plans_fixtures import answer, desk_in


@pytest.fixture
def desk(tmp_path):
    return desk_in(tmp_path)


def test_every_change_is_reported_and_nothing_else(desk):
    tools = TimerTools(Timers(desk.store), desk, desk.changed)
    assert answer(tools.set_timer()) == "For how long? Say: set a timer for ten minutes."
    assert answer(tools.list_timers()) == "There is no timer."
    assert desk.changes == 0
    changes = (
        (tools.set_timer(600, "tea"), "Tea timer set for ten minutes."),
        (tools.pause_timer(), "The tea timer is paused, with ten minutes left."),
        (tools.resume_timer(), "The tea timer is running, with ten minutes left."),
        (tools.extend_timer(60), "The tea timer has eleven minutes left now."),
        (tools.shorten_timer(120), "The tea timer has nine minutes left now."),
        (tools.rename_timer("eggs"), "The tea timer is now the eggs timer."),
        (tools.cancel_timer(), "The eggs timer is cancelled."),
    )
    assert [answer(call) for call, _ in changes] == [said for _, said in changes]
    assert desk.changes == len(changes)
