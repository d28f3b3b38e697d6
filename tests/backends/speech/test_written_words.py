import pytest

from backends.commands.spoken_numbers import normalise
from backends.speech.written_words import ENGLISH, written


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("light", ("light",)),
        ("25", ("25", "twenty-five")),
        ("i", ("I",)),
        ("whats", ("what's",)),
        ("123456", ("123456",)),
        ("tuesday", ("Tuesday",)),
    ],
)
def test_a_word_is_written_as_a_recogniser_does(word: str, forms: tuple[str, ...]) -> None:
    assert written(word) == forms


def test_every_way_of_writing_a_word_is_read_as_that_word() -> None:
    for word in (*ENGLISH, "12", "99", "0"):
        assert {normalise(form, "en") for form in written(word)} == {word}
