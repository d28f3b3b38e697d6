from datetime import date

import pytest

from backends.builtin.moments import ClockTime, NamedDay, NamedMoment, named_day, named_moment

OPEN_7 = ClockTime(7, is_open=True)
TOMORROW = NamedDay(offset=1)
ENGLISH = [
    ("7", NamedMoment(clock=OPEN_7)),
    ("at seven o'clock", NamedMoment(clock=OPEN_7)),
    ("7 a.m.", NamedMoment(clock=ClockTime(7))),
    ("07:00", NamedMoment(clock=ClockTime(7))),
    ("19:30", NamedMoment(clock=ClockTime(19, 30))),
    ("7.30 pm", NamedMoment(clock=ClockTime(19, 30))),
    ("12 am", NamedMoment(clock=ClockTime(0))),
    ("12:15 pm", NamedMoment(clock=ClockTime(12, 15))),
    ("half past six", NamedMoment(clock=ClockTime(6, 30, is_open=True))),
    ("quarter to eight in the evening", NamedMoment(clock=ClockTime(19, 45))),
    ("quarter to one pm", NamedMoment(clock=ClockTime(12, 45))),
    ("ten minutes past 8", NamedMoment(clock=ClockTime(8, 10, is_open=True))),
    ("seven oh five", NamedMoment(clock=ClockTime(7, 5, is_open=True))),
    ("six forty-five", NamedMoment(clock=ClockTime(6, 45, is_open=True))),
    ("noon", NamedMoment(clock=ClockTime(12))),
    ("midnight", NamedMoment(clock=ClockTime(0))),
    ("tomorrow at noon", NamedMoment(clock=ClockTime(12), day=TOMORROW)),
    ("at 7 tomorrow morning", NamedMoment(clock=ClockTime(7), day=TOMORROW)),
    ("tomorrow morning", NamedMoment(clock=ClockTime(9), day=TOMORROW, is_vague=True)),
    ("tonight at 6pm", NamedMoment(clock=ClockTime(18), day=NamedDay(offset=0))),
    ("tomorrow morning at 7am", NamedMoment(clock=ClockTime(7), day=TOMORROW)),
    ("tonight at 9", NamedMoment(clock=ClockTime(21), day=NamedDay(offset=0))),
    ("8 oclock on friday", NamedMoment(clock=ClockTime(8, is_open=True), day=NamedDay(weekday=4))),
    ("next friday at 5 pm", NamedMoment(clock=ClockTime(17), day=NamedDay(weekday=4, is_next_week=True))),
    ("christmas eve at noon", NamedMoment(clock=ClockTime(12), day=NamedDay(feast="christmas eve"))),
    ("the 3rd of March at 9 am", NamedMoment(clock=ClockTime(9), day=NamedDay(month=3, day=3))),
    ("2027-03-03 at 09:00", NamedMoment(clock=ClockTime(9), day=NamedDay(month=3, day=3, year=2027))),
    ("in three days at 9 am", NamedMoment(clock=ClockTime(9), day=NamedDay(offset=3))),
    ("two weeks from now", NamedMoment(day=NamedDay(offset=14))),
    ("weekdays at 6:45 am", NamedMoment(clock=ClockTime(6, 45), weekdays=(0, 1, 2, 3, 4))),
    ("every day at 7", NamedMoment(clock=OPEN_7, weekdays=(0, 1, 2, 3, 4, 5, 6))),
    ("every morning at 7", NamedMoment(clock=ClockTime(7), weekdays=(0, 1, 2, 3, 4, 5, 6))),
    ("every monday and friday at 9 pm", NamedMoment(clock=ClockTime(21), weekdays=(0, 4))),
    ("on mondays", NamedMoment(weekdays=(0,))),
    ("weekends at 10 am", NamedMoment(clock=ClockTime(10), weekdays=(5, 6))),
    ("in ten minutes", NamedMoment(delay_s=600)),
    ("in 1 hour and 30 minutes", NamedMoment(delay_s=5_400)),
    ("in 1.5 hours", NamedMoment(delay_s=5_400)),
    ("five minutes from now", NamedMoment(delay_s=300)),
]
GERMAN = [
    ("um sieben", NamedMoment(clock=OPEN_7)),
    ("halb sieben", NamedMoment(clock=ClockTime(6, 30, is_open=True))),
    ("halb eins", NamedMoment(clock=ClockTime(0, 30, is_open=True))),
    ("Viertel vor acht", NamedMoment(clock=ClockTime(7, 45, is_open=True))),
    ("dreiviertel acht abends", NamedMoment(clock=ClockTime(19, 45))),
    ("um zehn nach acht", NamedMoment(clock=ClockTime(8, 10, is_open=True))),
    ("19.30 Uhr", NamedMoment(clock=ClockTime(19, 30))),
    ("um 7 Uhr dreißig", NamedMoment(clock=ClockTime(7, 30, is_open=True))),
    ("morgen um acht", NamedMoment(clock=ClockTime(8, is_open=True), day=TOMORROW)),
    ("morgen früh um 7", NamedMoment(clock=ClockTime(7), day=TOMORROW)),
    ("heute Abend um halb acht", NamedMoment(clock=ClockTime(19, 30), day=NamedDay(offset=0))),
    ("um 12 Uhr mittags", NamedMoment(clock=ClockTime(12))),
    ("werktags um 6:45 Uhr", NamedMoment(clock=ClockTime(6, 45, is_open=True), weekdays=(0, 1, 2, 3, 4))),
    ("jeden Montag und Freitag um 9 Uhr", NamedMoment(clock=ClockTime(9, is_open=True), weekdays=(0, 4))),
    ("jeden Morgen um 7", NamedMoment(clock=ClockTime(7), weekdays=(0, 1, 2, 3, 4, 5, 6))),
    ("am 3. März um 9 Uhr", NamedMoment(clock=ClockTime(9, is_open=True), day=NamedDay(month=3, day=3))),
    ("24.12.2026", NamedMoment(day=NamedDay(month=12, day=24, year=2026))),
    ("Heiligabend", NamedMoment(day=NamedDay(feast="christmas eve"))),
    ("nächsten Freitag", NamedMoment(day=NamedDay(weekday=4, is_next_week=True))),
    ("in drei Tagen", NamedMoment(day=NamedDay(offset=3))),
    ("in einer Stunde", NamedMoment(delay_s=3_600)),
    ("in 600 seconds", NamedMoment(delay_s=600)),
]


@pytest.mark.parametrize(("text", "moment"), ENGLISH)
def test_a_point_in_time_is_understood_in_english(text, moment):
    assert named_moment(text, "en-US") == moment


@pytest.mark.parametrize(("text", "moment"), GERMAN)
def test_a_point_in_time_is_understood_in_german(text, moment):
    assert named_moment(text, "de") == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "blue",
        "7 banana",
        "25",
        "7:61",
        "at",
        "the",
        "in ten",
        "five past",
        "a week from friday",
        "in 0 minutes",
    ],
)
def test_what_is_not_understood_whole_is_no_point_in_time(text):
    assert named_moment(text, "en") is None


def test_an_english_point_in_time_is_understood_in_every_language():
    assert named_moment("tomorrow at noon", "de") == named_moment("tomorrow at noon", "fr") is not None


def test_a_day_has_no_time():
    assert named_day("tomorrow", "en") == TOMORROW
    assert [named_day(text, "en") for text in ("tomorrow at 5", "5 pm", "every day", "in ten minutes")] == [None] * 4


TODAY = date(2026, 11, 28)  # a Saturday


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", date(2026, 11, 28)),
        ("the day after tomorrow", date(2026, 11, 30)),
        ("saturday", date(2026, 11, 28)),
        ("friday", date(2026, 12, 4)),
        ("next friday", date(2026, 12, 4)),
        ("next saturday", date(2026, 12, 5)),
        ("march 3rd", date(2027, 3, 3)),
        ("november 28th", date(2026, 11, 28)),
        ("christmas", date(2026, 12, 25)),
        ("new year's day", date(2027, 1, 1)),
        ("easter", date(2027, 3, 28)),
        ("1st of may 2020", date(2020, 5, 1)),
        ("february 30", None),
        ("february 29", date(2028, 2, 29)),
    ],
)
def test_a_named_day_is_the_next_such_day(text, day):
    named = named_day(text, "en")
    assert named is not None
    assert named.on(TODAY) == day


def test_next_friday_is_in_the_next_week():
    named = named_day("next friday", "en")
    assert named is not None
    assert named.on(date(2026, 11, 23)) == date(2026, 12, 4)


@pytest.mark.parametrize(
    ("text", "language", "today", "day"),
    [
        ("on the 31st", "en", date(2026, 11, 30), date(2026, 12, 31)),
        ("the fifteenth", "en", date(2026, 11, 15), date(2026, 11, 15)),
        ("the 30th of the month", "en", date(2027, 1, 31), date(2027, 3, 30)),
        ("am 15.", "de", date(2026, 11, 30), date(2026, 12, 15)),
        ("am 15", "de", date(2026, 12, 20), date(2027, 1, 15)),
        ("am fünfzehnten", "de", date(2026, 11, 30), date(2026, 12, 15)),
        ("february 29", "en", date(2026, 11, 30), date(2028, 2, 29)),
        ("february 29", "en", date(2097, 1, 1), date(2104, 2, 29)),
        ("february 30", "en", date(2026, 11, 30), None),
        ("the 45th", "en", date(2026, 11, 30), None),
    ],
)
def test_a_day_of_a_month_is_the_next_such_day(text: str, language: str, today: date, day: date | None) -> None:
    named = named_day(text, language)
    assert named is not None
    assert named.on(today) == day


def test_a_german_hour_is_no_day_of_a_month() -> None:
    moment = named_moment("am 15 uhr", "de")
    assert moment is None or moment.day is None
