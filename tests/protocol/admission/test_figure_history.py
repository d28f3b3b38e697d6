import pytest

from protocol.admission.figure_history import FIGURES, HISTORY_BYTES, NAMES, RANGES, FigureHistory
from protocol.admission.load import DISK


def kept(history: FigureHistory, now_s: float, range_name: str, name: str) -> list[float]:
    """Return what was measured of a figure, without the rows that were not."""
    return [value for value in history.part(now_s, range_name, [name]).values[name] if value is not None]


def test_a_new_history_has_no_rows() -> None:
    part = FigureHistory().part(100.0, "24h", ["sessions"])
    assert part.values == {"sessions": ()}


def test_each_second_is_a_row_of_its_own_in_the_last_five_minutes() -> None:
    history = FigureHistory()
    for second in range(3):
        history.add(100.0 + second, {"sessions": second})
    part = history.part(102.5, "5m", ["sessions"])
    assert (part.step_s, part.newest_age_s) == (1, 0.5)
    assert part.values["sessions"][-4:] == (None, 0.0, 1.0, 2.0)
    assert len(part.values["sessions"]) == 300


@pytest.mark.parametrize(
    ("name", "values", "kept_value"),
    [("sessions", (1, 7, 3), 7.0), ("turns", (1, 7, 3), 11.0), (f"signal.{DISK.name}", (0.5, 0.25, 0.75), 0.25)],
)
def test_a_coarse_row_has_the_worst_of_its_time_or_the_sum(
    name: str, values: tuple[float, ...], kept_value: float
) -> None:
    history = FigureHistory()
    for second, value in enumerate(values):
        history.add(120.0 + second, {name: value})
    assert kept(history, 123.0, "24h", name) == [kept_value]


def test_time_without_samples_is_not_measured_and_not_zero() -> None:
    history = FigureHistory()
    history.add(10.0, {"sessions": 1})
    history.add(14.0, {"sessions": 2})
    assert history.part(14.0, "5m", ["sessions"]).values["sessions"][-5:] == (1.0, None, None, None, 2.0)
    assert history.part(14.0, "5m", ["cpu"]).values["cpu"][-1] is None


def test_a_long_stop_forgets_everything_before_it() -> None:
    history = FigureHistory()
    history.add(10.0, {"sessions": 1})
    history.add(10.0 + 2 * 86_400, {"sessions": 2})
    assert [kept(history, 2 * 86_400 + 10.0, one.name, "sessions") for one in RANGES] == [[2.0]] * 3


def test_a_day_is_kept_and_no_more() -> None:
    history = FigureHistory()
    for minute in range(1_500):
        history.add(60.0 * minute, {"sessions": minute})
    found = kept(history, 60.0 * 1_499, "24h", "sessions")
    assert (len(found), found[0], found[-1]) == (1_440, 60.0, 1_499.0)


def test_a_sample_of_a_clock_that_went_back_changes_nothing() -> None:
    history = FigureHistory()
    history.add(1_000.0, {"sessions": 5})
    history.add(10.0, {"sessions": 9})
    assert kept(history, 1_000.0, "5m", "sessions") == [5.0]


def test_the_memory_is_bounded_and_small() -> None:
    assert {one.step_s * one.rows for one in RANGES} == {300, 3_600, 86_400}
    assert HISTORY_BYTES < 300_000
    assert len(NAMES) == len(FIGURES)


def test_a_figure_that_nobody_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="figures must be in FIGURES, not rooms"):
        FigureHistory().add(1.0, {"rooms": 1.0})
