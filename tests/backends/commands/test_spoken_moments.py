import pytest

from backends.commands.slot_text import SlotText
from backends.commands.spoken_moments import (
    moment_words,
    to_alarm_time,
    to_answered_alarm_time,
    to_answered_moment,
    to_day,
    to_moment,
    to_reminder,
    to_reminder_text,
)
from backends.commands.spoken_numbers import normalise


def slot(text, language="en"):
    return SlotText(tuple(normalise(text, language).split()), text, language)


REMINDERS = [
    ("to call mom in three seconds", "en", "call mom", "in 3 seconds"),
    ("in ten minutes to check the oven", "en", "check the oven", "in 600 seconds"),
    ("in an hour and a half to call Mom", "en", "call Mom", "in 5400 seconds"),
    ("tomorrow at nine to call the bank", "en", "call the bank", "tomorrow at nine"),
    ("at quarter to five to pick up the kids", "en", "pick up the kids", "at quarter to five"),
    ("about the meeting tomorrow at 3 pm", "en", "the meeting", "tomorrow at 3 pm"),
    ("to read chapter 5 tomorrow", "en", "read chapter 5", "tomorrow"),
    ("to call mom 5 pm", "en", "call mom", "5 pm"),
    ("every monday at noon to take out the trash", "en", "take out the trash", "every monday at noon"),
    ("morgen um neun an den Zahnarzt", "de", "Zahnarzt", "morgen um neun"),
    ("an die Pizza in zehn Minuten", "de", "Pizza", "in 600 seconds"),
    ("in zehn Minuten daran, den Ofen auszuschalten", "de", "den Ofen auszuschalten", "in 600 seconds"),
    ("um neun Mama anzurufen", "de", "Mama anzurufen", "um neun"),
]


@pytest.mark.parametrize(("text", "language", "what", "when"), REMINDERS)
def test_a_reminder_is_a_text_and_a_time_in_either_order(text, language, what, when):
    assert to_reminder(slot(text, language)) == {"text": what, "when": when}
    assert to_reminder_text(slot(text, language)) is None


@pytest.mark.parametrize(
    "text", ["to call mom", "in ten minutes", "at 5", "to", "in ten minutes to", "to buy 7 eggs", ""]
)
def test_half_a_reminder_is_none(text):
    assert to_reminder(slot(text)) is None


def test_the_text_of_a_reminder_has_no_time():
    assert to_reminder_text(slot("buy milk.")) == "buy milk"
    assert [to_reminder_text(slot(text)) for text in ("at 5", "in ten minutes", "buy milk at 5", "the")] == [None] * 4


@pytest.mark.parametrize(
    ("text", "language", "moment"),
    [
        ("tomorrow at eight", "en", "tomorrow at eight"),
        ("in ten minutes", "en", "in 600 seconds"),
        ("after an hour", "en", "in 3600 seconds"),
        ("in zehn Minuten", "de", "in 600 seconds"),
        ("7:30", "en", "7:30"),
        ("blue", "en", None),
        ("", "en", None),
        ("7", "fr", None),
    ],
)
def test_a_point_in_time_is_handed_on_as_it_was_said(text, language, moment):
    assert to_moment(slot(text, language)) == moment


def test_an_alarm_needs_a_time_of_day():
    assert to_alarm_time(slot("weekdays at 6:45")) == "weekdays at 6:45"
    assert [to_alarm_time(slot(text)) for text in ("tomorrow", "tomorrow morning", "in ten minutes", "x")] == [None] * 4


def test_a_duration_alone_answers_when():
    assert to_answered_moment(slot("ten minutes")) == "in 600 seconds"
    assert to_answered_moment(slot("tomorrow")) == "tomorrow"
    assert to_answered_alarm_time(slot("ten minutes")) == "in 600 seconds"
    assert to_answered_alarm_time(slot("7 am")) == "7 am"


def test_a_long_delay_has_all_its_digits():
    assert to_answered_moment(slot("2 weeks")) == "in 1209600 seconds"


def test_a_day_is_handed_on_as_it_was_said():
    assert to_day(slot("the 3rd of March")) == "the 3rd of March"
    assert to_day(slot("the 3rd of March at 5")) is None


def test_the_words_of_times_are_known():
    assert {"noon", "friday", "christmas"} <= moment_words("en")
    assert {"mitternacht", "freitag", "weihnachten"} <= moment_words("de")
    assert moment_words("fr") == frozenset()
