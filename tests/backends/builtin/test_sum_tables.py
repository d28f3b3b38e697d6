"""How English and German calculate in words."""

import pytest

from backends.builtin.sum_tables import LANGUAGES, PI


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_form_of_a_calculation_has_a_beginning_and_a_word_between(language: str) -> None:
    words = LANGUAGES[language]
    assert all(form.begins and form.between and form.operator for form in words.forms)
    assert all(phrase and sign for phrase, sign in words.phrases.items())
    assert words.phrases[("pi",)] == PI
