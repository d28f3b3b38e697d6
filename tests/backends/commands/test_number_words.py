from backends.commands.number_words import ENGLISH, GERMAN, GERMAN_HALVES, LANGUAGES


def test_a_table_is_found_by_its_language():
    assert (LANGUAGES["en"], LANGUAGES["de"]) == (ENGLISH, GERMAN)
    assert LANGUAGES["fr"].small == frozenset()


def test_a_number_with_decimals_ends_with_one_of_its_last_words():
    assert ENGLISH.decimals.lasts == {"half", "quarter", "quarters"}
    assert {"halb", "viertel", "anderthalb"} <= GERMAN.decimals.lasts


def test_halves_are_written_with_a_point():
    assert GERMAN_HALVES["dreieinhalb"] == "3.5"


def test_every_sign_of_a_language_is_spoken_in_words():
    for words in (ENGLISH, GERMAN):
        assert all(spoken.islower() for sign, spoken in words.signs.spoken.items() if sign not in ":[]{}")
        assert {"+", "-", "*", "/", "%", "^"} <= set(words.signs.spoken)
