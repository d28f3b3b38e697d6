import pytest

from backends.builtin.moment_words import ENGLISH, GERMAN, plainly


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("7:30 p.m.", "7:30 pm"),
        ("7.30pm", "7:30 pm"),
        ("Five o'clock", "5 oclock"),
        ("twenty-fifth of December", "25th of december"),
        ("March third", "march 3rd"),
        ("the first of may", "the 1st of may"),
        ("in one second", "in 1 second"),
        ("six forty-five", "6 45"),
        ("2026-12-24", "2026-12-24"),
        ("an hour from now", "in 1 hour"),
        ("New Year's Eve", "new years eve"),
    ],
)
def test_english_is_made_plain(text, plain):
    assert plainly(text, ENGLISH) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Um halb Sieben", "um halb 7"),
        ("am dritten März", "am 3. märz"),
        ("19.30 Uhr", "19:30 uhr"),
        ("in einer halben Stunde", "in 30 minuten"),
        ("24.12.2026", "24.12.2026"),
    ],
)
def test_german_is_made_plain(text, plain):
    assert plainly(text, GERMAN) == plain
