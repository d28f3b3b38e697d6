"""Words for signs and figures."""

from protocol.language.reading_tables import ABBREVIATIONS, READING_WORDS, SIGNS, name_set


def test_both_languages_name_the_same_signs() -> None:
    english, german = SIGNS
    assert english.keys() == german.keys()


def test_abbreviations_do_not_lead_to_others() -> None:
    for table in ABBREVIATIONS:
        assert not table.keys() & set(table.values())


def test_small_numbers_are_words_and_others_stay() -> None:
    words = READING_WORDS["en"]
    assert [words.said(digits) for digits in ("7", "99", "100", "007", "1,000")] == [
        "seven",
        "ninety-nine",
        "100",
        "007",
        "1,000",
    ]
    assert words.ordinal(3) == "third"
    assert words.year(1905) == "nineteen oh-five"


def test_names_are_parted_by_blanks() -> None:
    assert name_set("Ada Bob") == {"Ada", "Bob"}
