from datetime import date, datetime

import pytest

from backends.builtin import wording
from backends.builtin.spoken_times import (
    clock_with_part,
    date_words,
    delay_words,
    full_date,
    moment_words,
    rule_words,
)

NOW = datetime(2026, 11, 28, 10, 0)  # noqa: DTZ001 - a Saturday, local time


@pytest.fixture
def german():
    token = wording.LANGUAGE.set("de")
    yield
    wording.LANGUAGE.reset(token)


TIMES = [
    ("2026-11-28 19:30", "7:30 this evening", "heute um 19:30 Uhr"),
    ("2026-11-28 12:00", "noon today", "heute um 12 Uhr"),
    ("2026-11-28 15:00", "3 this afternoon", "heute um 15 Uhr"),
    ("2026-11-29 07:00", "7 tomorrow morning", "morgen um 7 Uhr"),
    ("2026-11-29 00:00", "midnight tonight", "morgen um 0 Uhr"),
    ("2026-11-30 09:05", "9:05 on Monday morning", "übermorgen um 9:05 Uhr"),
    ("2026-12-04 12:00", "noon on Friday", "am Freitag um 12 Uhr"),
    ("2026-12-24 18:00", "6 in the evening on December 24th", "am 24. Dezember um 18 Uhr"),
    ("2027-03-03 12:00", "noon on March 3rd, 2027", "am 3. März 2027 um 12 Uhr"),
    ("2026-11-27 07:00", "7 yesterday morning", "gestern um 7 Uhr"),
    ("2026-11-20 07:00", "7 in the morning on November 20th", "am 20. November um 7 Uhr"),
]


@pytest.mark.parametrize(("due", "words", "_"), TIMES)
def test_a_time_is_told_as_people_say_it(due, words, _):
    assert moment_words(datetime.fromisoformat(due), NOW) == words


@pytest.mark.parametrize(("due", "_", "words"), TIMES)
def test_a_time_is_told_as_germans_say_it(due, _, words, german):
    assert moment_words(datetime.fromisoformat(due), NOW) == words


def test_what_comes_again_is_told_with_its_days():
    assert [rule_words(NOW, days) for days in ((0, 1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 4), (6, 5), (4, 0))] == [
        "10 in the morning every day",
        "10 in the morning on weekdays",
        "10 in the morning on weekends",
        "10 in the morning every Monday and Friday",
    ]
    assert rule_words(NOW.replace(hour=12), (0,)) == "noon every Monday"


def test_what_comes_again_is_told_with_its_days_in_german(german):
    assert [rule_words(NOW, days) for days in ((0, 1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 4), (5, 6), (0, 4))] == [
        "jeden Tag um 10 Uhr",
        "werktags um 10 Uhr",
        "am Wochenende um 10 Uhr",
        "jeden Montag und Freitag um 10 Uhr",
    ]


def test_a_delay_is_told():
    assert delay_words(600) == "in ten minutes"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3_600, "in einer Stunde"),
        (86_400, "in einem Tag"),
        (172_800, "in zwei Tagen"),
        (61, "in einer Minute und einer Sekunde"),
    ],
)
def test_a_delay_is_told_in_german(seconds, words, german):
    assert delay_words(seconds) == words


def test_a_clock_says_the_part_of_the_day():
    assert clock_with_part(NOW) == "10 in the morning"
    assert clock_with_part(NOW.replace(hour=0)) == "midnight"


def test_a_clock_in_german_has_24_hours(german):
    assert clock_with_part(NOW.replace(hour=19)) == "19 Uhr"
    assert full_date(date(2026, 12, 4)) == "Freitag, der 4. Dezember 2026"


def test_a_date_is_told():
    assert full_date(date(2026, 12, 4)) == "Friday, December 4th, 2026"
    assert date_words(date(2026, 12, 1), NOW.date()) == "December 1st"
