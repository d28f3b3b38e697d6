"""Where a sentence may hold several commands: at "and", "then", and at the end of a sentence within; pure.

Rules kept here:

* Nothing is decided here: "milk and eggs" has a joint as well. What stands between two joints is a piece.
* English and German have tables; in another language only the ends of sentences are joints.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from protocol.language.languages import primary

_ENDS: Final = r"[.;!?,:]+(?=\s|$)"  # "3.5" and "1,000" hold none
_WORDS: Final[Mapping[str, str]] = {
    "en": r"and after that|and then|and also|and please|and|after that|then|also|plus",
    "de": r"und danach|und dann|und außerdem|und auch|und bitte|und|danach|dann|außerdem",
}
_EMPTY: Final[Mapping[str, str]] = {
    "en": r"(?:please|ok|okay|hey|oh|um|uh|now|thanks|thank you|(?:lets |let's |just )?go ahead|do me a favou?r)",
    "de": r"(?:bitte|ok|okay|hey|ach|äh|ähm|danke|sei so gut|sei so nett|mach mal)",
}
"""Pieces that say nothing."""
MAX_PIECES: Final = 8  # more is dictation


def pieces_of(text: str, language: str) -> Sequence[tuple[int, int]]:
    """Return where each piece of ``text`` begins and ends; more than ``MAX_PIECES`` are none.

    A word such as "and" before the first piece is left out, and so are pieces that say nothing, such as "please".

    >>> text = "And turn on the light, then set a timer for 2.5 minutes."
    >>> [text[start:end] for start, end in pieces_of(text, "en")]
    ['turn on the light', 'set a timer for 2.5 minutes']
    """
    found: list[tuple[int, int]] = []
    start = 0
    for joint in _joints(language).finditer(text):
        found.append((start, joint.start()))
        start = joint.end()
    found.append((start, len(text)))
    empty = re.compile(rf"(?:{_EMPTY.get(primary(language), '')}\s*)*", re.IGNORECASE)
    pieces = [(start, end) for start, end in found if not empty.fullmatch(text[start:end].strip())]
    return pieces if len(pieces) <= MAX_PIECES else ()


def without_lead(text: str, language: str) -> str:
    """Return ``text`` without a word such as "and" before it.

    >>> without_lead("And thirty minutes", "en"), without_lead("android", "en")
    ('thirty minutes', 'android')
    """
    pieces = pieces_of(text, language)
    return text[pieces[0][0] :] if pieces else text


def _joints(language: str) -> re.Pattern[str]:
    words = _WORDS.get(primary(language))
    if words is None:
        return re.compile(rf"\s*{_ENDS}\s*")
    return re.compile(rf"(?:\s*{_ENDS})?(?:(?:\s+|^)(?:{words})(?=\s))+\s*|\s*{_ENDS}\s*", re.IGNORECASE)
