"""Sentences, numbers, durations and lists as a voice says them, in the language of the call that is being answered.

Rules kept here:

* Sentences stand in English; ``protocol/language/german.py`` has the German ones. Another language hears English.
* The language is that of the request that is being answered: a context variable, not an argument of every call.
"""

import re
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from decimal import Decimal
from typing import Final

from protocol.language import german, phrases
from protocol.language.numerals import number_in_words

LANGUAGE: Final[ContextVar[str]] = ContextVar("LANGUAGE", default="en")
"""Of the request that is being answered."""
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_FIXED_PAIRS = (
    *("mac and cheese", "macaroni and cheese", "ham and cheese", "fish and chips", "salt and pepper", "half and half"),
    *("salt and vinegar", "peanut butter and jelly", "peanut butter and jam", "rice and beans", "pork and beans"),
    *("bangers and mash", "biscuits and gravy", "cookies and cream", "spaghetti and meatballs", "sweet and sour"),
    *("gin and tonic", "pots and pans", "arts and crafts", "salz und pfeffer", "pfeffer und salz"),
)
"""Pairs that have grown together ("irreversible binomials", Malkiel 1959) and are one thing on a list.

No rule tells them from two things: "mac and cheese" is built like "milk and cheese". Where one is missing, two things
are kept, which can still be taken off together.
"""
_FIXED_PAIR = re.compile(rf"\b(?:{'|'.join(_FIXED_PAIRS)})\b", re.IGNORECASE)
_NO_BREAK = "\N{NO-BREAK SPACE}"
DECIMALS = 4  # more are hard to follow by listening


def is_german() -> bool:
    """Return whether the answer is to be in German."""
    return phrases.is_german(LANGUAGE.get())


def told(sentence: str, **slots: object) -> str:
    """Return ``sentence`` in the language of the request, with its slots filled."""
    return phrases.phrase(sentence, LANGUAGE.get(), **slots)


def digits(text: str) -> str:
    """Return an English figure such as "1,234.5" as it is written in the language of the request."""
    return text.translate(str.maketrans(",.", ".,")) if is_german() else text


def count_words(value: int) -> str:
    """Return a whole number from 0 to 99 in words, a larger one in digits."""
    if not 0 <= value < 100:  # noqa: PLR2004 - what fits two words
        return digits(f"{value:,}")
    return number_in_words(value, "de" if is_german() else "en")


def duration_words(seconds: float) -> str:
    """Return a duration as "one minute and thirty seconds"; parts of a second are rounded away."""
    return listed(plural(count, name) for count, name in _units(seconds))


def duration_in_front(seconds: float) -> str:
    """Return a duration as it stands before a noun: "ten-minute", "one-hour thirty-minute"."""
    if is_german():
        return duration_words(seconds)
    return " ".join(f"{count_words(count)}-{name}" for count, name in _units(seconds))


def _units(seconds: float) -> Sequence[tuple[int, str]]:
    """Return how many days, hours, minutes and seconds a duration has, without those of which it has none."""
    rest = max(0, round(seconds))
    parts = []
    for size, name in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append((count, name))
    return parts or [(0, "second")]


def number_text(value: Decimal) -> tuple[str, bool]:
    """Return a number in digits as it is read aloud, and whether that is exact."""
    rounded = round(value, DECIMALS)
    if rounded == 0 and value != 0:
        return digits(f"{value:.2e}"), False
    text = f"{rounded:,f}"
    return digits(text.rstrip("0").rstrip(".") if "." in text else text), rounded == value


def listed(parts: Iterable[str]) -> str:
    """Return "a", "a and b", or "a, b and c"."""
    items = list(parts)
    return (" und " if is_german() else " and ").join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def plural(count: int, noun: str) -> str:
    """Return "one timer" or "three timers"; the noun is the English one."""
    if is_german():
        one, many = german.NOUNS[noun]
        return one if count == 1 else f"{count_words(count)} {many}"
    return f"{count_words(count)} {noun}{'' if count == 1 else 's'}"


def upper_first(text: str) -> str:
    """Return ``text`` as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def as_sentence(text: str) -> str:
    """Return ``text`` with a capital letter and a full stop."""
    sentence = upper_first(text.strip())
    return sentence if sentence.endswith((".", "!", "?")) or not sentence else f"{sentence}."


def split_items(text: str) -> Sequence[str]:
    """Return the things in "milk, eggs and bread"; "mac and cheese" is one."""
    whole = _FIXED_PAIR.sub(lambda found: found.group().replace(" ", _NO_BREAK), text)
    parts = (piece.strip(" .!?").replace(_NO_BREAK, " ") for chunk in whole.split(",") for piece in _around_and(chunk))
    return [part for part in parts if part]


def _around_and(chunk: str) -> Sequence[str]:
    return re.split(r"[ \t\n]+(?:and|und)[ \t\n]+|^(?:and|und)[ \t\n]+", chunk, flags=re.IGNORECASE)
