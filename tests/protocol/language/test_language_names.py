"""The languages that Whisper hears."""

from protocol.language.language_names import CODE_OF, CODES


def test_each_code_and_name_stands_for_one_language() -> None:
    assert len(CODES) == 100
    assert all(CODE_OF[code] == code for code in CODES)
    assert all(name == name.casefold() for name in CODE_OF)
