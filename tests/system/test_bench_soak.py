"""``sayso bench soak``: slopes, the faults it draws, what it judges, and clients that come back to a real server."""

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import attrs
import pytest

from bench.load.faults import FAULTS
from bench.soak.benchmark import LIMITS, PART, missed, tasks_in
from bench.soak.schedule import PAIRED, TOUCHED, drawn
from bench.soak.slopes import POINTS_MAX, Growth, Limit, floor, growths, slope_per_hour, thinned
from bench.soak.wanderers import Wandered, wander
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system


def line(per_hour: float, *, of: int = 100, begin: float = 200.0) -> list[tuple[float, float]]:
    """Return a figure that grows, every ten seconds."""
    return [(10.0 * number, begin + per_hour * number / 360) for number in range(of)]


# --- slopes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_hour", [0.0, 3.5, -12.0])
def test_the_slope_of_a_line_is_its_growth_in_an_hour(per_hour: float) -> None:
    found = slope_per_hour(line(per_hour))
    assert found == pytest.approx(per_hour, abs=1e-9)


def test_a_quarter_of_outliers_does_not_change_the_slope_much() -> None:
    rng = random.Random(1)
    samples = [(at_s, value + (5_000 * rng.random() if rng.random() < 0.25 else 0.0)) for at_s, value in line(10.0)]
    found = slope_per_hour(samples)
    assert found is not None
    assert 0 < found < 200, "least squares would be off by thousands"


@pytest.mark.parametrize("samples", [[], [(0.0, 1.0)], [(0.0, 1.0), (5.0, 2.0)], [(1.0, 1.0)] * 5])
def test_too_few_points_have_no_slope(samples: list[tuple[float, float]]) -> None:
    assert slope_per_hour(samples) is None


def test_of_each_window_the_lowest_counts_so_that_open_sessions_are_no_leak() -> None:
    busy = [(at_s, value + (300 if number % 7 else 0)) for number, (at_s, value) in enumerate(line(0.0))]
    assert {value for _, value in floor(busy, 100.0)} == {200.0}
    assert floor([], 10.0) == []


def test_a_long_soak_is_thinned_and_keeps_its_slope() -> None:
    samples = line(2.0, of=20_000)
    assert len(thinned(samples)) <= POINTS_MAX
    assert slope_per_hour(samples) == pytest.approx(2.0)


def test_growth_counts_after_the_warm_up() -> None:
    warm = [(float(second), 100.0 + second) for second in range(100)]
    samples = [*warm, *((float(second), 200.0) for second in range(100, 1_000))]
    (found,) = growths({"server_mb": samples}, warm_up_s=100.0, window_s=50.0)
    assert (found.first, found.last, found.highest, found.per_hour, found.share_per_hour) == (200, 200, 200, 0.0, 0.0)
    assert list(growths({"server_mb": warm}, warm_up_s=100.0, window_s=50.0)) == []


def grown(name: str, per_hour: float | None, first: float = 200.0) -> Growth:
    return Growth(name, first, first, first, per_hour, None if per_hour is None else per_hour / first)


@pytest.mark.parametrize(
    ("growth", "limit", "expected"),
    [
        (grown("server_mb", 0.9), Limit(0.005, is_share=True), False),
        (grown("server_mb", 1.1), Limit(0.005, is_share=True), True),
        (grown("descriptors", 0.9), Limit(0.5, is_share=False), True),
        (grown("descriptors", -4.0), Limit(0.5, is_share=False), False),
        (grown("descriptors", None), Limit(0.5, is_share=False), False),
    ],
)
def test_growth_is_held_against_its_limit(growth: Growth, limit: Limit, expected: bool) -> None:
    assert growth.exceeds(limit) is expected


# --- the faults ----------------------------------------------------------------------------------


def test_faults_are_the_same_for_the_same_seed_and_end_before_the_soak_does() -> None:
    dues = list(drawn(7, 3_600.0, 30.0))
    assert dues == list(drawn(7, 3_600.0, 30.0)) != list(drawn(8, 3_600.0, 30.0))
    assert dues[-1].at_s < 3_580.0
    assert {later.at_s - due.at_s for due, later in pairwise(dues)} == {30.0}
    assert {number for due in dues for number in due.numbers} == set(TOUCHED)


def test_two_at_once_touch_different_things() -> None:
    dues = list(drawn(1, 36_000.0, 10.0))
    pairs = [due.numbers for due in dues if len(due.numbers) == 2]
    assert math.isclose(len(pairs) / len(dues), PAIRED, abs_tol=0.05)
    assert all(TOUCHED[one] != TOUCHED[other] for one, other in pairs)


def test_faults_that_end_the_server_or_need_its_capacity_are_not_drawn() -> None:
    assert set(TOUCHED) <= set(FAULTS)
    assert not any(FAULTS[number].ends or FAULTS[number].is_measured for number in TOUCHED)


def test_a_soak_too_short_for_a_fault_has_none() -> None:
    assert list(drawn(1, 10.0, 30.0)) == []


# --- judging -------------------------------------------------------------------------------------


def report(growth: Sequence[Growth] = (), **differing: Any) -> dict[str, Any]:
    """A soak in which all held."""
    returning = attrs.asdict(Wandered()) | {"lost": 0}
    found = {"wrong": [], "callers": {"results": {"served": 9, "refused": 2}}, "returning": returning, "exit_code": 0}
    return {**found, "faults": [], "growth": [attrs.asdict(one) for one in growth], **differing}


def test_a_soak_in_which_all_held_missed_nothing() -> None:
    assert missed(report([grown(name, 0.0) for name in LIMITS]), is_long=True) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (report(wrong=["time: []"]), "heard differently: time: []"),
        (report(callers={"results": {"lost": 2}}), "2 callers were lost"),
        (report(returning={"lost": 1, "doubled": 3}), "1 typed questions without an end, 3 ended twice"),
        (report(exit_code=-9), "the server ended with -9"),
        (report(faults=[{"number": 3, "found": {"held": False}}]), "fault 3: {'held': False}"),
        (report([grown("tasks", 40.0)]), "tasks grew by 40 an hour"),
    ],
)
def test_what_did_not_hold_is_said(found: dict[str, Any], expected: str) -> None:
    assert missed(found, is_long=True) == [expected]


def test_slopes_of_a_short_soak_are_shown_and_not_judged() -> None:
    assert missed(report([grown("server_mb", 900.0)]), is_long=False) == []


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "an hour"])
def test_minutes_that_are_none_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        PART.parser("x").parse_args([f"--minutes={text}"])
    assert "argument --minutes: must be > 0" in capsys.readouterr().err


def test_the_servers_tasks_are_read_from_its_metrics() -> None:
    assert tasks_in("voice_control_event_loop_tasks 12.0\nvoice_control_load_level 0\n") == {"tasks": 12.0}
    assert tasks_in("") == {}


# --- clients that come back ----------------------------------------------------------------------


def test_a_question_is_lost_that_neither_ended_nor_may_have_been_lost_on_its_way() -> None:
    assert Wandered(asked=9, done=6, unknown=2).lost == 1


def test_clients_that_are_cut_again_and_again_get_each_answer_once(small_server: Server) -> None:
    found = wander(small_server.url, clients=3, duration_s=6.0, seed=2)
    assert (found.asked, found.lost, found.doubled, found.troubles) == (found.done + found.unknown, 0, 0, [])
    assert found.done > 0
    assert found.resumed > 0
    assert found.begun == 3, "every session lived on"
    assert small_server.get("/metrics").body.decode().count("voice_control_event_loop_tasks ") >= 1
