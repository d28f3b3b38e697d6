"""Counting what happened lately."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.admission.rate import SlidingCount


def test_five_errors_in_ten_seconds_are_borne_and_the_sixth_is_too_many() -> None:
    errors = SlidingCount(5, 10.0)
    assert [errors.add(float(second)) for second in range(6)] == [False] * 5 + [True]


def test_what_is_older_than_the_window_does_not_count() -> None:
    errors = SlidingCount(2, 10.0)
    assert [errors.add(now_s) for now_s in (0.0, 1.0, 10.0, 10.5, 20.4)] == [False, False, False, True, False]


def test_a_limit_of_zero_bears_nothing() -> None:
    assert SlidingCount(0, 1.0).add(5.0)


@pytest.mark.parametrize(("limit", "window_s"), [(-1, 1.0), (1, 0.0), (1, -2.0)])
def test_senseless_limits_are_refused(limit: int, window_s: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        SlidingCount(limit, window_s)


@given(
    st.lists(st.floats(0, 5), max_size=60),
    st.integers(0, 6),
    st.floats(0.1, 20),
)
def test_it_agrees_with_counting_all_of_them(pauses_s: list[float], limit: int, window_s: float) -> None:
    count, times, now_s = SlidingCount(limit, window_s), [], 0.0
    for pause_s in pauses_s:
        now_s += pause_s
        times.append(now_s)
        assert count.add(now_s) == (sum(then > now_s - window_s for then in times) > limit)
