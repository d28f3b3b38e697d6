import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.commands.number_words import ENGLISH, GERMAN
from backends.commands.spoken_numbers import Token, counted, normalise, number_words, tokenise

ENGLISH_TEXTS = [
    ("set a timer for twenty-five minutes", "set a timer for 25 minutes"),
    ("Twenty five", "25"),
    ("25", "25"),
    ("one hundred and five", "105"),
    ("a hundred", "100"),
    ("two thousand five hundred", "2500"),
    ("one hundred twenty three thousand four hundred and fifty six", "123456"),
    ("one thousand and one", "1001"),
    ("two million", "2000000"),
    ("2.5 million", "2500000"),
    ("nineteen hundred", "1900"),
    ("one point five", "1.5"),
    ("three point one four", "3.14"),
    ("zero point zero five", "0.05"),
    ("two and a half minutes", "2.5 minutes"),
    ("1,000 and 1.5", "1000 and 1.5"),
    ("5km", "5 km"),
    ("ten percent", "10 percent"),
    ("10%", "10 percent"),
    ("12 \u00d7 7", "12 times 7"),
    ("12 x 7", "12 times 7"),
    ("3x4", "3 times 4"),
    ("12 - 7", "12 minus 7"),
    ("-5 plus 3", "minus 5 plus 3"),
]
NO_NUMBERS = [
    ("two three", "2 3"),
    ("twenty ten", "20 10"),
    ("five and six", "5 and 6"),
    ("hundred and", "100 and"),
    ("a minute and a half", "a minute and a half"),
    ("half an hour", "half an hour"),
    ("well-known to-do list", "well known to do list"),
    ("What's up, I'd go!", "whats up id go"),
    ("mp3 player x", "mp3 player x"),
    ("", ""),
    ("?!…", ""),
]
GERMAN_TEXTS = [
    ("fünfundzwanzig Minuten", "25 minuten"),
    ("zweitausenddreihundertvier", "2304"),
    ("einhundertfünf", "105"),
    ("hunderteins", "101"),
    ("1,5 plus 1.000", "1.5 plus 1000"),
    ("anderthalb Stunden", "1.5 stunden"),
    ("zweieinhalb", "2.5"),
    ("drei Komma eins vier", "3.14"),
    ("eine Minute", "eine minute"),
]


@pytest.mark.parametrize(("text", "expected"), ENGLISH_TEXTS)
def test_spoken_and_written_english_numbers_become_digits(text, expected):
    assert normalise(text, "en") == expected


@pytest.mark.parametrize(("text", "expected"), NO_NUMBERS)
def test_what_is_not_one_number_stays_as_it_is(text, expected):
    assert normalise(text, "en") == expected


@pytest.mark.parametrize(("text", "expected"), GERMAN_TEXTS)
def test_german_numbers_become_digits(text, expected):
    assert normalise(text, "de") == expected


def test_a_language_without_a_table_is_split_into_words_only():
    assert normalise("Vingt-cinq, 25 minutes!", "fr") == "vingt cinq 25 minutes"
    assert number_words("fr") == frozenset()


def test_a_token_knows_where_it_came_from():
    text = "Buy Twenty-Five Eggs"

    tokens = tokenise(text, "en")

    assert [text[token.start : token.end] for token in tokens] == ["Buy", "Twenty-Five", "Eggs"]
    assert tokens[1].text == "25"


def test_words_that_were_exchanged_are_counted_again():
    tokens = (Token("twenty", 0, 6), Token("five", 7, 11))

    assert counted(tokens, "en") == (Token("25", 0, 11),)


def spelled(value: int) -> str:
    """Return a number below a million in English words, the slow way."""
    names = {number: word for word, number in ENGLISH.small.items() if word != "fourty"}
    if value < 100:
        return names.get(value) or f"{names[value - value % 10]} {names[value % 10]}"
    size, scale = (100, "hundred") if value < 1_000 else (1_000, "thousand")
    rest = f" and {spelled(value % size)}" if value % size else ""
    return f"{spelled(value // size)} {scale}{rest if value % size < 100 else rest.replace(' and', '', 1)}"


@given(st.integers(0, 999_999))
def test_every_number_below_a_million_is_understood(value):
    assert normalise(spelled(value), "en") == str(value)


@given(st.text(max_size=60), st.sampled_from(["en", "de", "xx"]))
def test_any_text_gives_tokens_that_lie_within_it(text, language):
    for token in tokenise(text, language):
        assert token.text
        assert 0 <= token.start < token.end <= len(text)


def test_the_tables_hold_each_number_below_one_hundred():
    assert set(ENGLISH.small.values()) == {*range(20), *range(20, 100, 10)}
    assert set(GERMAN.small.values()) == set(range(100))
