import pytest

from backends.builtin.dates import DateError, Dates
from tests.backends.builtin.plans_fixtures import BERLIN, answer, desk_in


@pytest.fixture
def dates(tmp_path):
    return Dates(desk_in(tmp_path), BERLIN)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("tomorrow", "Tomorrow is Sunday, November 29th, 2026."),
        ("the day after tomorrow", "The day after tomorrow is Monday, November 30th, 2026."),
        ("next Friday", "That is Friday, December 4th, 2026."),
        ("the 3rd of March", "That is Wednesday, March 3rd, 2027."),
        ("christmas", "Christmas is Friday, December 25th, 2026."),
        ("in three days", "That is Tuesday, December 1st, 2026."),
    ],
)
def test_a_day_is_told_with_its_date(dates, day, said):
    assert answer(dates.find_date(day)) == said


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("Christmas", "Twenty-seven days until Christmas."),
        ("tomorrow", "One day until tomorrow."),
        ("next friday", "Six days until December 4th."),
        ("today", "That is today."),
        ("1st of may 2026", "May 1st was 211 days ago."),
        ("yesterday", "Yesterday was one day ago."),
    ],
)
def test_days_are_counted(dates, day, said):
    assert answer(dates.count_days(day)) == said


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("5 pm", "It is seven hours until 5 this afternoon."),
        ("noon", "It is two hours until noon today."),
        ("tomorrow at 8", "It is twenty-two hours until 8 tomorrow morning."),
    ],
)
def test_the_time_until_then_is_told(dates, when, said):
    assert answer(dates.time_until(when)) == said


def test_what_is_not_known_is_refused_in_words(dates):
    with pytest.raises(DateError, match="I do not know the day blue"):
        answer(dates.find_date("blue"))
    with pytest.raises(DateError, match="I do not know the day 5 pm"):
        answer(dates.count_days("5 pm"))
    with pytest.raises(DateError, match="do not understand the time blue"):
        answer(dates.time_until("blue"))
