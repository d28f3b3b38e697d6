"""Things that people name: which of those that are kept is meant by "the eggs", "egg" or "Eggs"; pure.

Rules kept here:

* What is named exactly comes first: with a "ham" and a "hamster" timer, "ham" is the one.
* Articles and the plural make no other thing. The forms of a word are guessed from its ending, so they only ever tell
  whether two words may be the same, and nothing is written in them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from backends.builtin.wording import count_words, is_german

_ARTICLES: Final = {
    "en": frozenset({"the", "a", "an", "my", "our", "your", "some", "any", "more", "another"}),
    "de": frozenset(
        {"der", "die", "das", "den", "dem", "ein", "eine", "einen", "etwas", "mehr", "noch", "mein", "meine", "meinen"}
    ),
}
_NEEDLESS: Final = {"en": frozenset({"the", "some", "any"}), "de": frozenset({"der", "die", "das", "den", "etwas"})}
_ENDINGS: Final = {
    "en": (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", "")),
    "de": (("en", ""), ("n", ""), ("er", ""), ("e", ""), ("s", "")),
}
"""What a plural ends in, and what the singular has in its place."""
_UMLAUTS: Final = str.maketrans("äöü", "aou")  # Apfel, Äpfel
MAX_COUNT_WORD: Final = 20  # larger numbers come as digits
MIN_SINGULAR_LETTERS: Final = 2  # Ei, Eier


@attrs.frozen
class MeantThing:
    """One of several things that may be meant."""

    title: str
    """What it is called: "pizza timer"."""
    arguments: Mapping[str, Any]
    """What the same call needs to mean this one."""


class SeveralMeant(ValueError):
    """More than one thing may be meant, and nothing was done; the message asks which and is fit to be spoken."""

    def __init__(self, question: str, things: Sequence[MeantThing]) -> None:
        super().__init__(question)
        self.things = tuple(things)


def named(wanted: str, kept: Sequence[str]) -> Sequence[int]:
    """Return which of ``kept`` are the thing ``wanted``, as indexes: by the same words, else by their forms."""
    words = _words(wanted)
    exact = [at for at, other in enumerate(kept) if other.casefold() == wanted.casefold()]
    same = exact or [at for at, other in enumerate(kept) if _words(other) == words]
    return same or [at for at, other in enumerate(kept) if _is_alike(words, _words(other))]


def on_list(wanted: str, kept: Sequence[str]) -> Sequence[int]:
    """Return which of ``kept`` are the thing ``wanted``, however many of it: "avocados" are "two avocados" too."""
    return named(wanted, kept) or named(wanted, [_without_count(other) for other in kept])


def without_article(thing: str) -> str:
    """Return "the milk" and "some milk" as "milk": how it is kept; "a trip to the lake" stays what it is."""
    first, _, rest = thing.strip().partition(" ")
    return rest.strip() if rest and first.casefold() in _NEEDLESS["de" if is_german() else "en"] else thing.strip()


def hinted(wanted: str, kept: Sequence[str]) -> Sequence[int]:
    """Return which of ``kept`` are ``wanted``, or else have all its words: without a "tea", "green tea" is meant."""
    words = _words(wanted)
    return named(wanted, kept) or [at for at, other in enumerate(kept) if words and _holds(_words(other), words)]


def _without_count(thing: str) -> str:
    first, _, rest = thing.partition(" ")
    return rest if rest and (first.isdecimal() or first.casefold() in _counts()) else thing


def _counts() -> frozenset[str]:
    return frozenset(count_words(value) for value in range(MAX_COUNT_WORD + 1))


def _words(text: str) -> Sequence[str]:
    """Return the words of a thing without the articles in front."""
    words = [word.strip(".,;:!?'\"") for word in text.casefold().split()]
    articles = _ARTICLES["de" if is_german() else "en"]
    while len(words) > 1 and words[0] in articles:
        words = words[1:]
    return words


def _is_alike(words: Sequence[str], others: Sequence[str]) -> bool:
    return len(words) == len(others) and all(map(_may_be_same, words, others))


def _holds(words: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(any(_may_be_same(word, other) for other in words) for word in wanted)


def _may_be_same(word: str, other: str) -> bool:
    return not set(_forms(word)).isdisjoint(_forms(other))


def _forms(word: str) -> Iterator[str]:
    """Yield a word, and what it may be the plural of."""
    german = is_german()
    word = word.translate(_UMLAUTS) if german else word
    yield word
    for ending, singular in _ENDINGS["de" if german else "en"]:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= MIN_SINGULAR_LETTERS and (german or not word.endswith("ss")):
            yield stem + singular
