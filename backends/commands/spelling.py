"""Words that were misheard: which words of a grammar sound like one that it does not know; pure.

Candidates come from an index of deletions (the SymSpell idea: two words within n edits share a form with at most n
letters deleted from each), so a lookup does not grow with the vocabulary. They are ranked by an edit distance that
knows what Whisper mixes up: vowels, voiced and voiceless consonants, and endings cost half.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise

import attrs

SHORT_LETTERS = 5  # up to here one edit, beyond two
MIN_LETTERS = 3  # shorter words are too close to too many
JOINED_EDITS = 3  # of two words that were one, which differ in more letters, each of them cheap
MAX_CANDIDATES = 3
HALF, WHOLE = 0.5, 1.0

_ALIKE = ("aeiouy", "bp", "dt", "gk", "ck", "szc", "vf", "vw", "mn", "jg", "lr")
_ENDINGS = "srdhe"


@attrs.frozen
class Correction:
    """One word of the grammar that a heard word may be."""

    word: str
    cost: float


class Speller:
    """Finds the words of a vocabulary that sound like a word."""

    def __init__(self, vocabulary: frozenset[str], names: frozenset[str] = frozenset()) -> None:
        """``names`` are known too, but no word is exchanged for one: it would be another thing's name."""
        self.vocabulary = vocabulary | names
        self._index: dict[str, set[str]] = {}
        self._longest = max((len(word) for word in vocabulary), default=0)
        for word in vocabulary:
            if len(word) >= MIN_LETTERS and word.isalpha():
                for form in _shortened(word, _limit(word)):
                    self._index.setdefault(form, set()).add(word)

    def knows(self, word: str) -> bool:
        """Return whether ``word`` is one of the vocabulary; what is no word, such as a number, counts as known."""
        return word in self.vocabulary or not word.isalpha()

    def candidates(self, word: str) -> Sequence[Correction]:
        """Return the nearest words, the best first; never the word itself."""
        return self._nearest(word, edits=_limit(word), cost=0.0)

    def joined(self, first: str, second: str) -> Sequence[Correction]:
        """Return the words that may have been heard as these two: "all mint" for "almond"."""
        return self._nearest(first + second, edits=JOINED_EDITS, cost=HALF)

    def _nearest(self, word: str, edits: int, cost: float) -> Sequence[Correction]:
        """Return the words within ``_limit`` of ``word``, ``cost`` included."""
        if not MIN_LETTERS <= len(word) <= self._longest + edits or not word.isalpha():
            return ()  # the forms of a longer word, such as a page of Chinese, are too many, and none is known
        near = {known for form in _shortened(word, edits) for known in self._index.get(form, ())}
        scored = [Correction(known, cost + distance(word, known)) for known in near]
        close = [correction for correction in scored if 0 < correction.cost <= _limit(word)]
        return sorted(close, key=lambda correction: (correction.cost, correction.word))[:MAX_CANDIDATES]


@lru_cache(maxsize=4_096)
def distance(heard: str, meant: str) -> float:
    """Return the weighted edit distance (Wagner and Fischer 1974, with costs of 0.5 and 1)."""
    row = [_sum_of_gaps(meant, size) for size in range(len(meant) + 1)]
    for at, letter in enumerate(heard):
        previous, row = row, [row[0] + _gap(heard, at)]
        for to, other in enumerate(meant):
            row.append(
                min(
                    previous[to] + _swap(letter, other),
                    previous[to + 1] + _gap(heard, at),
                    row[to] + _gap(meant, to),
                )
            )
    return row[-1]


def _sum_of_gaps(word: str, size: int) -> float:
    return sum(_gap(word, at) for at in range(size))


def _swap(heard: str, meant: str) -> float:
    if heard == meant:
        return 0.0
    return HALF if any(heard in group and meant in group for group in _ALIKE) else WHOLE


def _gap(word: str, at: int) -> float:
    """Return what it costs to lose a letter: half for an ending, a double or an h."""
    is_double = at > 0 and word[at - 1] == word[at]
    is_ending = at >= len(word) - 2 and at > 1 and word[at] in _ENDINGS
    return HALF if is_double or is_ending or word[at] == "h" else WHOLE


def _limit(word: str) -> int:
    return 1 if len(word) <= SHORT_LETTERS else 2


def _shortened(word: str, edits: int) -> Iterator[str]:
    """Yield the word and its forms with up to ``edits`` letters missing."""
    yield word
    for missing in range(1, edits + 1):
        for places in combinations(range(len(word)), missing):
            cuts = (-1, *places, len(word))
            yield "".join(word[start + 1 : end] for start, end in pairwise(cuts))
