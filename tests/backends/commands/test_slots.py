import pytest

from backends.commands.slots import SLOT_TYPES, SlotText
from backends.commands.spoken_numbers import tokenise


def slot(text, language="en"):
    return SlotText(tuple(token.text for token in tokenise(text, language)), text, language)


def convert(kind, text, language="en"):
    return SLOT_TYPES[kind].convert(slot(text, language))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("ten seconds", 10),
        ("10 secs", 10),
        ("a minute", 60),
        ("one hour", 3_600),
        ("half an hour", 1_800),
        ("a half hour", 1_800),
        ("a quarter of an hour", 900),
        ("three quarters of an hour", 2_700),
        ("a minute and a half", 90),
        ("an hour and a half", 5_400),
        ("two and a half minutes", 150),
        ("one hundred and five seconds", 105),
        ("one hour and thirty minutes", 5_400),
        ("an hour, 10 minutes and 5 seconds", 4_205),
        ("1 hour 30", 5_400),
        ("two minutes thirty", 150),
        ("a day", 86_400),
        ("1.5 seconds", 1.5),
    ],
)
def test_english_durations_are_seconds(text, seconds):
    assert convert("duration", text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("zehn Sekunden", 10),
        ("eine Minute", 60),
        ("eine halbe Stunde", 1_800),
        ("eineinhalb Stunden", 5_400),
        ("anderthalb Stunden", 5_400),
        ("eine Viertelstunde", 900),
        ("eine Stunde und zehn Minuten", 4_200),
        ("1,5 Stunden", 5_400),
    ],
)
def test_german_durations_are_seconds(text, seconds):
    assert convert("duration", text, "de") == seconds


@pytest.mark.parametrize(
    "text", ["pasta", "ten", "minutes", "ten minutes pasta", "and", "0 seconds", "", "ten minutes a", "five 5"]
)
def test_other_words_are_no_duration(text):
    assert convert("duration", text) is None


def test_no_duration_is_known_in_a_language_without_a_table():
    assert convert("duration", "dix minutes", "fr") is None


@pytest.mark.parametrize(
    ("text", "value"), [("twenty five", 25), ("a", 1), ("minus three", -3), ("2.5", 2.5), ("2.0", 2)]
)
def test_numbers_are_numbers_and_whole_ones_integers(text, value):
    number = convert("number", text)

    assert number == value
    assert isinstance(number, int) == (value == int(value))


@pytest.mark.parametrize("text", ["apples", "two three", "", "minus"])
def test_other_words_are_no_number(text):
    assert convert("number", text) is None


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("expression", "twelve times seven", "12 * 7"),
        ("expression", "the capital of France", None),
        ("place", "Tokyo", "tokyo"),
        ("place", "the Netherlands", "netherlands"),
        ("place", "which we live", None),
        ("unit", "km", "kilometers"),
        ("unit", "love", None),
        ("quantity", "five miles", {"value": 5, "unit": "miles"}),
        ("quantity", "a mile", {"value": 1, "unit": "miles"}),
        ("quantity", "minus ten degrees celsius", {"value": -10, "unit": "degrees Celsius"}),
        ("quantity", "5", None),
        ("quantity", "five apples", None),
        ("text", " Call Anna! ", "Call Anna"),
        ("text", " .", None),
    ],
)
def test_slots_are_understood_or_refused(kind, text, value):
    assert convert(kind, text) == value


def test_german_units_are_passed_on_by_their_english_names():
    assert convert("quantity", "fünf Meilen", "de") == {"value": 5, "unit": "miles"}


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_example_of_each_slot_is_understood_itself(language):
    for kind, slot_type in SLOT_TYPES.items():
        if language in slot_type.example:
            assert convert(kind, slot_type.example[language], language) is not None, kind


def test_the_words_of_slots_are_known_for_spelling():
    assert "minutes" in SLOT_TYPES["duration"].words("en")
    assert "tokyo" in SLOT_TYPES["place"].words("en")
    assert SLOT_TYPES["duration"].words("fr") == frozenset()
