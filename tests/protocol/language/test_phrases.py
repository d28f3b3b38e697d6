import pytest

from protocol.language import phrases
from protocol.language.phrases import phrase


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Shall I do this: lamp?"),
        ("de", "Soll ich das tun: lamp?"),
        ("de-AT", "Soll ich das tun: lamp?"),
        ("fr", "Shall I do this: lamp?"),
    ],
)
def test_a_client_hears_its_language_or_english(language: str, told: str) -> None:
    assert phrase(phrases.SHALL_I, language, title="lamp") == told


def test_what_has_no_reason_ends_where_the_reason_would_be() -> None:
    assert phrase(phrases.DID_NOT_WORK, "en", why="") == "Sorry, that did not work."
