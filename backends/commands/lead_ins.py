"""What leads to an order and says nothing of it: "I need you to", "go ahead and"; a table.

Unlike a filler ("please") it may begin a sentence with a meaning of its own ("I need to wake up at six"), so it is left
out only where the sentence as it was said is none.
"""

from collections.abc import Mapping, Sequence
from typing import Final

MAX_LEAD_INS: Final = 3
LEAD_INS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({
        "be sure to", "can we", "can i", "could we", "do me a favor and", "do me a favour and", "do not forget to",
        "dont forget to", "go ahead and", "help me", "help me to", "i have to", "i must", "i need", "i need for you to",
        "i need to", "i need you to", "i really need to", "i want to", "i want you to", "i would like to",
        "i would like you to", "id like to", "id like you to", "just", "kindly", "lets", "make sure to", "maybe we can",
        "maybe you can", "remember to", "we need to", "would you kindly", "you can", "you need to", "you should",
    }),
}  # fmt: skip
"""Normalised as spoken text is, by language."""


def lead_in(words: Sequence[str], language: str) -> int:
    """Return how many of the first words only lead to what is said; 0 if all of them do.

    >>> lead_in("i need you to go ahead and clear the list".split(), "en")
    7
    """
    known = LEAD_INS.get(language, frozenset())
    longest = max((len(each.split()) for each in known), default=0)
    at = 0
    for _ in range(MAX_LEAD_INS):
        sizes = range(min(longest, len(words) - at), 0, -1)
        size = next((size for size in sizes if " ".join(words[at : at + size]) in known), 0)
        at += size
    return at if at < len(words) else 0
