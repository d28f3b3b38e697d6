"""What the signs of units and currencies are called."""

from protocol.language.unit_tables import MONEY, NEEDS_BLANK, PER, UNITS, WORDS_AS_WELL


def test_each_unit_has_words_in_both_languages() -> None:
    assert all(english and german and "," not in english + german for english, german in UNITS.values())
    assert UNITS.keys() >= NEEDS_BLANK | WORDS_AS_WELL
    assert all(english and german for english, german in PER.values())


def test_each_currency_has_four_english_words_and_one_german() -> None:
    assert all(len(english.split("|")) == 4 and german for english, german in MONEY.values())
