"""Places as they are spoken."""

import pytest

from backends.commands.grammar import HassilGrammar


@pytest.fixture(scope="module")
def grammar():
    return HassilGrammar()


@pytest.mark.parametrize(
    ("text", "language", "place"),
    [
        ("what time is it in Côte d'Ivoire", "en", "Côte d'Ivoire"),
        ("what time is it in Port-of-Spain", "en", "Port-of-Spain"),
        ("Tokyo time", "en", "tokyo"),
        ("wie spät ist es in Neu-Delhi", "de", "Neu-Delhi"),
        ("wie spät ist es auf Mallorca", "de", "mallorca"),
        ("wie spät ist es im Iran", "de", "iran"),
    ],
)
def test_a_place_keeps_its_marks(grammar, text, language, place):
    assert grammar.match([text], language).arguments["place"] == place
