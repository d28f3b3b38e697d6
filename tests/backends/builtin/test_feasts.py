from datetime import date

import pytest

from backends.builtin.feasts import FEASTS, NAMES, easter, nth_weekday


@pytest.mark.parametrize(
    "day",
    [date(2025, 4, 20), date(2026, 4, 5), date(2027, 3, 28), date(2038, 4, 25), date(2285, 3, 22), date(1818, 3, 22)],
)
def test_easter_is_where_the_calendar_has_it(day):
    assert easter(day.year) == day


@pytest.mark.parametrize(
    ("feast", "day"),
    [
        ("good friday", date(2026, 4, 3)),
        ("pentecost", date(2026, 5, 24)),
        ("thanksgiving", date(2026, 11, 26)),
        ("christmas", date(2026, 12, 25)),
    ],
)
def test_a_feast_is_on_its_day(feast, day):
    assert FEASTS[feast].on(2026) == day


def test_the_first_monday_of_a_month_may_be_its_first_day():
    assert nth_weekday(2026, 6, 0, 1) == date(2026, 6, 1)
    assert nth_weekday(2026, 6, 6, 1) == date(2026, 6, 7)


def test_every_name_is_that_of_a_feast():
    assert {feast for names in NAMES.values() for feast in names.values()} <= set(FEASTS)
