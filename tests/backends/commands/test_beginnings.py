"""What is only the beginning of a command, by the shipped grammars."""

import pytest

from backends.commands.grammar import HassilGrammar


@pytest.fixture(scope="module")
def grammar():
    return HassilGrammar()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Set a timer for", "en"),
        ("add milk", "en-US"),
        ("What is on my?", "en"),
        ("um remind me to", "en"),
        ("stell einen", "de"),
    ],
)
def test_half_a_command_is_a_beginning(grammar, text, language):
    assert grammar.begins(text, language)


@pytest.mark.parametrize(
    "text", ["What is the capital of France?", "I think we should leave", "um", "", "set a timer for " * 4]
)
def test_ordinary_words_are_no_beginning(grammar, text):
    assert not grammar.begins(text, "en")
    assert not grammar.begins(text, "fr")
