import pytest

from protocol.admission.smaller_model import AGAIN_WITHIN_S, CALM_MAX_S, CALM_S, SmallerModelChoice


def taken() -> SmallerModelChoice:
    """Return a choice that has fallen on the smaller model at 0 s."""
    choice = SmallerModelChoice()
    assert choice.look(2, 0.0)
    return choice


@pytest.mark.parametrize(("level", "is_smaller"), [(0, False), (1, False), (2, True), (5, True)])
def test_the_smaller_model_is_taken_from_level_two_on(level: int, is_smaller: bool) -> None:
    assert SmallerModelChoice().look(level, 0.0) is is_smaller


def test_the_usual_one_comes_back_after_a_minute_without_any_pressure() -> None:
    choice = taken()
    assert choice.look(0, 10.0)
    assert choice.look(0, 10.0 + CALM_S - 0.1)
    assert not choice.look(0, 10.0 + CALM_S)


def test_a_little_pressure_begins_the_minute_anew() -> None:
    choice = taken()
    choice.look(0, 10.0)
    choice.look(1, 50.0)
    assert choice.look(0, 60.0)
    assert choice.look(0, 60.0 + CALM_S - 0.1)
    assert not choice.look(0, 60.0 + CALM_S)


def back_after(choice: SmallerModelChoice, now_s: float) -> float:
    """Return after how many seconds of calm from ``now_s`` on the usual model is back, in steps of ten."""
    calm_s = 0.0
    while choice.look(0, now_s + calm_s):
        calm_s += 10.0
    return calm_s


def test_a_model_that_brings_the_pressure_back_waits_twice_as_long_up_to_an_hour() -> None:
    choice, now_s, waits = SmallerModelChoice(), 0.0, []
    for _ in range(8):
        choice.look(2, now_s)
        waits.append(back_after(choice, now_s))
        now_s += waits[-1] + 30.0
    assert waits == [60.0, 120.0, 240.0, 480.0, 960.0, 1_920.0, 3_600.0, CALM_MAX_S]


def test_after_a_long_time_without_pressure_the_wait_is_short_again() -> None:
    choice = taken()
    first = back_after(choice, 0.0)
    choice.look(2, first + AGAIN_WITHIN_S)
    assert back_after(choice, first + AGAIN_WITHIN_S) == CALM_S


def test_a_change_that_failed_is_tried_again_after_a_while() -> None:
    choice = taken()
    choice.note_failure(1.0)
    assert not choice.look(2, 1.0 + CALM_S - 0.1)
    assert choice.look(2, 1.0 + CALM_S)
