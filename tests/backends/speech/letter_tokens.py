"""A tokeniser whose tokens are letters, for tests of what is built on tokens."""

from collections.abc import Sequence
from typing import Final

LETTERS: Final = "\0" + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,.?!-'"
END: Final = 0


def encode(text: str) -> list[int]:
    """Return a token for each letter."""
    return [LETTERS.index(letter) for letter in text]


def decode(tokens: Sequence[int]) -> str:
    """Return the text of tokens."""
    return "".join(LETTERS[token] for token in tokens)
