import pytest

from protocol.language.numerals import number_in_words, ordinal_in_words, year_in_words


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (0, "zero", "null"),
        (1, "one", "eins"),
        (17, "seventeen", "siebzehn"),
        (21, "twenty-one", "einundzwanzig"),
        (30, "thirty", "dreißig"),
        (99, "ninety-nine", "neunundneunzig"),
    ],
)
def test_numbers_are_said_in_words(value: int, english: str, german: str) -> None:
    assert (number_in_words(value, "en"), number_in_words(value, "de")) == (english, german)


def test_a_language_without_rules_is_an_error() -> None:
    with pytest.raises(ValueError, match="not supported"):
        number_in_words(1, "tlh")


def test_ordinals_and_years_have_words_of_their_own() -> None:
    assert [ordinal_in_words(3, code) for code in ("en", "de")] == ["third", "dritte"]
    assert [year_in_words(1984, code) for code in ("en", "de")] == [
        "nineteen eighty-four",
        "neunzehnhundertvierundachtzig",
    ]
