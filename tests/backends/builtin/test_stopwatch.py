import pytest

from backends.builtin.owned_sqlite import SqliteOwnedStore
from backends.builtin.stopwatch import StopwatchTools
from tests.backends.builtin.plans_fixtures import answer, desk_in


@pytest.fixture
def desk(tmp_path):
    return desk_in(tmp_path)


@pytest.fixture
def watch(desk):
    return StopwatchTools(desk.store, desk)


def test_a_stopwatch_counts_while_it_runs(watch, desk):
    assert answer(watch.read_stopwatch()) == "The stopwatch stands at zero seconds."
    assert answer(watch.start_stopwatch()) == "The stopwatch is running."
    desk.now_s += 65
    assert answer(watch.start_stopwatch()) == "The stopwatch is running already: one minute and five seconds."
    assert answer(watch.read_stopwatch()) == "One minute and five seconds so far."
    assert answer(watch.stop_stopwatch()) == "The stopwatch is stopped at one minute and five seconds."
    desk.now_s += 100
    assert answer(watch.stop_stopwatch()) == "The stopwatch is not running."
    assert answer(watch.start_stopwatch()) == "The stopwatch goes on at one minute and five seconds."
    desk.now_s += 5
    assert answer(watch.read_stopwatch()) == "One minute and ten seconds so far."


def test_laps_are_told_with_the_whole(watch, desk):
    assert answer(watch.lap_stopwatch()) == "The stopwatch is not running."
    answer(watch.start_stopwatch())
    desk.now_s += 60
    assert answer(watch.lap_stopwatch()) == "This lap: one minute. Together: one minute."
    desk.now_s += 30
    assert answer(watch.lap_stopwatch()) == "This lap: thirty seconds. Together: one minute and thirty seconds."


def test_a_stopwatch_is_set_to_zero(watch, desk):
    answer(watch.start_stopwatch())
    desk.now_s += 60
    assert answer(watch.reset_stopwatch()) == "The stopwatch is at zero."
    assert answer(watch.read_stopwatch()) == "The stopwatch stands at zero seconds."


def test_a_stopwatch_runs_on_over_a_restart_and_loses_nothing_to_a_clock_that_is_set_back(watch, desk):
    answer(watch.start_stopwatch())
    desk.now_s += 60
    again = StopwatchTools(SqliteOwnedStore(desk.store.path), desk)
    assert answer(again.read_stopwatch()) == "One minute so far."
    desk.now_s -= 3_600
    assert answer(again.read_stopwatch()) == "Zero seconds so far."
