import pytest

from protocol.language import phrases
from protocol.language.phrases import phrase


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
