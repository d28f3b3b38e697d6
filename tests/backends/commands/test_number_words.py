import pytest

from backends.commands.number_words import ENGLISH, GERMAN, GERMAN_HALVES, LANGUAGES


def test_a_table_is_found_by_its_language():
    assert LANGUAGES == {"en": ENGLISH, "de": GERMAN}


@pytest.mark.parametrize(
    ("word", "value"),
    [("hundert", 100), ("dreihundertvier", 304), ("tausend", 1_000), ("zweitausendfünfhundert", 2_500)],
)
def test_german_compounds_are_added_up(word, value):
    assert GERMAN.compound(word) == value


@pytest.mark.parametrize("word", ["jahrhundert", "tausendfüßler", "hundertmal", "haus", ""])
def test_german_words_that_only_hold_a_number_are_none(word):
    assert GERMAN.compound(word) is None


def test_halves_are_written_with_a_point():
    assert GERMAN_HALVES["dreieinhalb"] == "3.5"


def test_every_sign_of_a_language_is_spoken_in_words():
    for words in LANGUAGES.values():
        assert all(spoken.islower() for sign, spoken in words.signs.spoken.items() if sign not in ":[]{}")
        assert {"+", "-", "*", "/", "%", "^"} <= set(words.signs.spoken)
