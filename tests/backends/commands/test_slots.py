import pytest

from backends.commands.slot_text import SlotText
from backends.commands.slots import SLOT_TYPES
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
        ("an hour and a quarter", 4_500),
        ("two and a quarter hours", 8_100),
        ("an hour and three quarters", 6_300),
        ("six and a half minutes", 390),
        ("2 1/2 minutes", 150),
        ("2½ minutes", 150),
        ("1/2 hour", 1_800),
        ("half a day", 43_200),
        ("half of an hour", 1_800),
        ("an hour and half a minute", 3_630),
        ("a couple of hours", 7_200),
        ("a week", 604_800),
        ("1h 30m", 5_400),
        ("1h30", 5_400),
        ("90 s", 90),
        ("half an hour and ten minutes", 2_400),
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
        ("eine Stunde und eine Viertelstunde", 4_500),
        ("eine dreiviertel Stunde", 2_700),
        ("zwei und eine viertel Stunde", 8_100),
        ("zwei Stunden und eine halbe", 9_000),
        ("2 1/2 Minuten", 150),
        ("eine Woche", 604_800),
    ],
)
def test_german_durations_are_seconds(text, seconds):
    assert convert("duration", text, "de") == seconds


@pytest.mark.parametrize(
    "text",
    [
        "pasta",
        "ten",
        "minutes",
        "ten minutes pasta",
        "and",
        "0 seconds",
        "",
        "ten minutes a",
        "five 5",
        "1:30",
        "half",
        "1/0 hours",
        "minus five minutes",
        "-5 minutes",
        "negative ten seconds",
        "10-15 minutes",
    ],
)
def test_other_words_are_no_duration(text):
    assert convert("duration", text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1:30", 90),
        ("25:00", 1_500),
        ("1:30:00", 5_400),
        ("1:30 minutes", 90),
        ("1:30 hours", 5_400),
        ("ten minutes", 600),
        ("0:00", None),
        ("1:75", None),
        ("1:30 apples", None),
    ],
)
def test_a_timer_may_be_set_as_it_shows_its_time(text, seconds):
    assert convert("timer_duration", text) == seconds


@pytest.mark.parametrize(
    ("kind", "text", "language", "value"),
    [
        ("more_duration", "five more minutes", "en", 300),
        ("more_duration", "another minute", "en", 60),
        ("more_duration", "two minutes", "en", 120),
        ("more_duration", "more", "en", None),
        ("more_duration", "noch fünf Minuten", "de", 300),
        ("name", "Green Tea", "en", "Green Tea"),
        ("name", "mac and cheese", "en", "mac and cheese"),
        ("name", "thé", "fr", "thé"),
        *(("name", text, "en", None) for text in ("an egg", "on a", "me a", "new", "up", "10", "first", "tea and", "")),
        *(("name", text, "en", None) for text in ("timer for 5 minutes and a", "tea for 5 minutes and egg", "half")),
        *(("name", text, "de", None) for text in ("noch einen", "ersten", "Timer auf fünf Minuten und einen")),
        ("named_time", "Pasta eight minutes", "en", {"name": "Pasta", "seconds": 480}),
        ("named_time", "ten minute egg", "en", {"name": "egg", "seconds": 600}),
        ("named_time", "pizza, 2 hours 5 minutes", "en", {"name": "pizza", "seconds": 7_500}),
        ("named_time", "half an hour", "en", None),
        ("named_time", "the pasta eight minutes", "en", None),
        ("named_time", "pasta", "en", None),
        ("named_more", "pizza another two minutes", "en", {"name": "pizza", "seconds": 120}),
        ("named_more", "Pizza noch zwei Minuten", "de", {"name": "Pizza", "seconds": 120}),
        ("named_more", "dog five minutes", "en", None),
        ("named_more", "pizza deux minutes", "fr", None),
        ("more_duration", "deux minutes", "fr", None),
        ("item", "The green Apples", "en", "The green Apples"),
        ("item", "that thing from the hardware store", "en", "that thing from the hardware store"),
        ("item", "lait", "fr", "lait"),
        *(("item", text, "en", None) for text in ("it", "that", "in the order", "milk to the shopping list and bread")),
        *(("item", text, "en", None) for text in ("eggs and put milk", "milk off the", "everything")),
        *(("item", text, "de", None) for text in ("es", "Milch auf die Einkaufsliste und Brot", "Eier und setz Milch")),
    ],
)
def test_names_of_timers_and_additions_are_understood_or_refused(kind, text, language, value):
    assert convert(kind, text, language) == value


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
        ("place", "London right now", "london"),
        ("place", "Paris, France", "Paris, France"),
        ("place", "narnia", None),
        ("place", "", None),
        ("unknown_place", "the Shire", "shire"),
        ("unknown_place", "Narnia at the moment", "narnia"),
        ("unknown_place", "my room", None),
        ("unknown_place", "3 hours", None),
        ("unknown_place", "a far far away galaxy", None),
        ("unknown_place", "one two three four five", None),
        ("unknown_place", "the", None),
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
    assert "tokyo" in SLOT_TYPES["place"].names("en")
    assert SLOT_TYPES["duration"].words("fr") == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".5 plus .5", "0.5 + 0.5"),
        ("point five plus one", "0.5 + 1"),
        ("nineteen eighty four plus one", "1984 + 1"),
        ("19 84 plus 1", "19 84 + 1"),
        ("(2 + 3) * 4", "( 2 + 3 ) * 4"),
    ],
)
def test_a_sum_is_an_expression(text, expected):
    assert convert("expression", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("five plus three", "5 + 3"),
        ("(10 + 20) / 3", "( 10 + 20 ) / 3"),
        ("square root of 81", "sqrt 81"),
        ("five squared", "5 squared"),
        ("add 5 and 7", "5 + 7"),
        ("5-3", "5 - 3"),
        ("12 / 4", "12 / 4"),
        ("3/4 plus 1/4", "3 / 4 + 1 / 4"),
    ],
)
def test_a_calculation_may_be_a_sentence_by_itself(text, expected):
    assert convert("calculation", text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "555-1234",
        "24/7",
        "11/27/2026",
        "2026-11-27",
        "ten percent",
        "minus 5",
        "two thirds of",
        "ten five plus one",
        "5",
    ],
)
def test_a_number_a_date_and_what_is_unfinished_are_no_sentence(text):
    assert convert("calculation", text) is None


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (".5", "en", 0.5),
        ("point five", "en", 0.5),
        ("minus point two five", "en", -0.25),
        ("negative five", "en", -5),
        ("2 1/2", "en", 2.5),
        ("three quarters", "en", 0.75),
        ("Komma fünf", "de", 0.5),
        ("minus zwei", "de", -2),
    ],
)
def test_parts_of_a_number_are_numbers(text, language, expected):
    assert convert("number", text, language) == expected


@pytest.mark.parametrize("text", ["ten five", "5 plus 3", "1/0", "ten percent"])
def test_more_than_one_number_is_none(text):
    assert convert("number", text) is None


@pytest.mark.parametrize(("text", "seconds"), [(".5 hours", 1_800), ("point five hours", 1_800), ("2.5 minutes", 150)])
def test_a_leading_point_counts_in_a_duration(text, seconds):
    assert convert("duration", text) == seconds


@pytest.mark.parametrize(
    ("text", "language", "value", "unit"),
    [
        (".5 miles", "en", 0.5, "miles"),
        ("2,5 miles", "en", 2.5, "miles"),
        ("half a cup", "en", 0.5, "cups"),
        ("half a mile", "en", 0.5, "miles"),
        ("a quarter cup", "en", 0.25, "cups"),
        ("three quarters of a cup", "en", 0.75, "cups"),
        ("1 1/2 cups", "en", 1.5, "cups"),
        ("two and a half cups", "en", 2.5, "cups"),
        ("5 feet 11 inches", "en", 71, "inches"),
        ("5'11\"", "en", 71, "inches"),
        ("6 foot 2", "en", 74, "inches"),
        ("10 stone 5", "en", 145, "pounds"),
        ("1 hour and 30 minutes", "en", 90, "minutes"),
        ("a cup and a half", "en", 1.5, "cups"),
        ("100 km/h", "en", 100, "kilometers per hour"),
        ("60 miles/hour", "en", 60, "miles per hour"),
        ("-40 celsius", "en", -40, "degrees Celsius"),
        ("negative 40 celsius", "en", -40, "degrees Celsius"),
        ("a fluid ounce", "en", 1, "fluid ounces"),
        ("ein halbes Pfund", "de", 0.5, "metric pounds"),
        ("5 Fuß 11 Zoll", "de", 71, "inches"),
        ("eine Stunde und 30 Minuten", "de", 90, "minutes"),
    ],
)
def test_measures_are_a_value_and_a_unit(text, language, value, unit):
    assert convert("quantity", text, language) == {"value": value, "unit": unit}


@pytest.mark.parametrize(
    "text",
    ["11 inches 5 feet", "5 feet 3 pounds", "5 feet and", "5 celsius 3 kelvin", "miles", "5", "5 of miles", "a " * 40],
)
def test_what_is_no_measure_is_none(text):
    assert convert("quantity", text) is None
