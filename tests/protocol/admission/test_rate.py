"""Counting what happened lately."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.admission.rate import RateLimit, RateTable, SlidingCount


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


# --- limits --------------------------------------------------------------------------------------

GUIDE = (RateLimit(count=100, window_s=60.0, burst=10), RateLimit(count=1_000, window_s=3_600.0, burst=1_000))


def taken(table: RateTable, sender: str, now_s: float, tries: int) -> int:
    count = 0
    for _ in range(tries):
        if table.wait_s(sender, now_s) == 0:
            table.take(sender, now_s)
            count += 1
    return count


def test_a_burst_passes_and_then_one_each_step() -> None:
    table = RateTable(GUIDE, 10)
    assert taken(table, "a", 0.0, 15) == 10
    assert table.wait_s("a", 0.0) == pytest.approx(0.6)
    assert taken(table, "a", 0.599, 1) == 0
    assert taken(table, "a", 0.6, 5) == 1
    assert taken(table, "b", 0.6, 15) == 10, "each sender has a rate of its own"


def test_the_long_run_is_bounded_by_both_limits() -> None:
    table = RateTable(GUIDE, 10)
    minute = sum(taken(table, "a", tenth / 10, 5) for tenth in range(600))
    assert minute in {109, 110}, "a hundred, and the burst"
    hour = minute + sum(taken(table, "a", float(second), 5) for second in range(60, 3_600))
    assert hour == pytest.approx(2_000, abs=10), "a thousand at first, and a thousand that came back meanwhile"


def test_a_refused_try_counts_for_nothing() -> None:
    table = RateTable(GUIDE, 10)
    taken(table, "a", 0.0, 10_000)
    assert taken(table, "a", 6.0, 100) == 10


def test_what_is_given_back_can_be_taken_again() -> None:
    table = RateTable(GUIDE, 10)
    taken(table, "a", 0.0, 10)
    table.give_back("a")
    assert taken(table, "a", 0.0, 5) == 1
    table.give_back("stranger")
    assert len(table) == 1


def test_a_clock_that_stands_or_goes_back_gives_nothing() -> None:
    table = RateTable(GUIDE, 10)
    taken(table, "a", 100.0, 10)
    assert taken(table, "a", 100.0, 5) == taken(table, "a", 0.0, 5) == 0


def test_the_table_is_bounded_and_forgets_who_asked_longest_ago() -> None:
    table = RateTable(GUIDE, 2)
    for sender in "abca":
        taken(table, sender, 0.0, 10)
    assert len(table) == 2
    assert taken(table, "c", 0.0, 1) == 0
    table.take("d", 10_000.0)
    assert len(table) == 1, "what counts for nothing any more is forgotten"
