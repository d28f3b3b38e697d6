import re

import pytest

from protocol.language import phrases
from protocol.language.phrases import GERMAN, phrase

SENTENCES = [value for name, value in vars(phrases).items() if name.isupper() and isinstance(value, str)]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_is_there_in_german_with_the_same_slots(sentence: str) -> None:
    assert re.findall(r"{\w+}", GERMAN[sentence]) == re.findall(r"{\w+}", sentence)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Shall I run lamp?"),
        ("de", "Soll ich lamp ausführen?"),
        ("de-AT", "Soll ich lamp ausführen?"),
        ("fr", "Shall I run lamp?"),
    ],
)
def test_a_client_hears_its_language_or_english(language: str, told: str) -> None:
    assert phrase(phrases.SHALL_I, language, tool="lamp") == told


def test_what_has_no_reason_ends_where_the_reason_would_be() -> None:
    assert phrase(phrases.DID_NOT_WORK, "en", why="") == "Sorry, that did not work."
