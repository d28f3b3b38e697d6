"""How a recogniser writes words that a grammar has in lower case, without apostrophes and with numbers in digits."""

from collections.abc import Mapping
from typing import Final

from protocol.language.numerals import number_in_words

MAX_NUMBER_LETTERS: Final = 4  # of digits: larger numbers are written in digits only
ENGLISH: Final[Mapping[str, tuple[str, ...]]] = {
    "i": ("I",), "im": ("I'm",), "id": ("I'd",), "ill": ("I'll", "ill"), "ive": ("I've",),
    "its": ("it's", "its"), "hes": ("he's",), "shes": ("she's",), "youre": ("you're",), "theyre": ("they're",),
    "were": ("we're", "were"), "lets": ("let's", "lets"), "whats": ("what's",), "whens": ("when's",),
    "wheres": ("where's",), "whos": ("who's",), "hows": ("how's",), "thats": ("that's",), "theres": ("there's",),
    "dont": ("don't",), "doesnt": ("doesn't",), "didnt": ("didn't",), "isnt": ("isn't",), "arent": ("aren't",),
    "cant": ("can't",), "wont": ("won't",), "couldnt": ("couldn't",), "wouldnt": ("wouldn't",), "todays": ("today's",),
    "tomorrows": ("tomorrow's",), "yesterdays": ("yesterday's",), "oclock": ("o'clock",),
    **{day: (day.capitalize(),) for day in (
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
        "january", "february", "april", "june", "july", "august", "september", "october", "november", "december",
    )},
}  # fmt: skip
"""English words that are written otherwise; "may" and "march" are verbs more often than months."""


def written(word: str) -> tuple[str, ...]:
    """Return the ways in which an English word is written within a sentence.

    >>> written("whats"), written("25"), written("light")
    (("what's",), ('25', 'twenty-five'), ('light',))
    """
    if word.isdecimal() and len(word) <= MAX_NUMBER_LETTERS:
        return word, number_in_words(int(word), "en")
    return ENGLISH.get(word, (word,))
