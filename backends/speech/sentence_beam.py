"""Beam search among the sentences of an automaton: which of them a decoder finds likeliest.

Rules kept here:

* A beginning is dropped as soon as nothing that begins so can be accepted any more: a probability only falls.
* Of the ways of writing the same words with as many commas one is followed, else they would crowd out other words.
* It ends at ``is_late()``, without a result.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Final, Protocol

import attrs
import numpy as np
import numpy.typing as npt

from backends.speech.sentence_trie import SentenceTrie, TriePlace

WIDTH: Final = 8  # beginnings at once; 12 found the same sentences and took a quarter longer
GAP: Final = 8.0  # nats below the best beginning at which another one is dropped
END_GAP: Final = 8.0  # nats below the best whole sentence
MAX_TOKENS: Final = 48  # of a sentence
KEPT: Final = 24  # sentences


class Continuations(Protocol):
    """Scores the continuations of a prompt (``numpy_decoder.TokenScorer``)."""

    @property
    def first(self) -> npt.NDArray[np.float32]:
        """Logarithms of the probabilities of the first token, ``(vocabulary,)``."""

    def follow(self, parents: Sequence[int], tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return those behind each token, ``(texts, vocabulary)``."""


@attrs.frozen
class WrittenSentence:
    """A sentence, as the decoder would write it."""

    tokens: tuple[int, ...]
    logprob: float
    """With its end."""


@attrs.frozen
class Beginning:
    """What has been written, and its probability."""

    tokens: tuple[int, ...]
    logprob: float
    place: TriePlace
    parent: int = 0
    """Which of the beginnings of the step before it goes on with."""

    def words(self, comma: int) -> tuple[int, ...]:
        """Return the tokens without commas."""
        return tuple(token for token in self.tokens if token != comma)


def find_sentences(
    scorer: Continuations, trie: SentenceTrie, end: int, *, floor: float, is_late: Callable[[], bool]
) -> tuple[WrittenSentence, ...] | None:
    """Return the likeliest sentences, best first, of those with a logarithm of at least ``floor``; None if it is late.

    ``end`` is the decoder's token for the end of a text.
    """
    begun: Sequence[Beginning] = (Beginning((), 0.0, trie.start),)
    logprobs = scorer.first[None]
    whole: list[WrittenSentence] = []
    while begun:
        if is_late():
            return None
        whole += [
            WrittenSentence(one.tokens, one.logprob + float(logprobs[at, end]))
            for at, one in enumerate(begun)
            if one.place.is_sentence
        ]
        whole = sorted((one for one in whole if one.logprob >= floor), key=lambda one: -one.logprob)[:KEPT]
        if len(begun[0].tokens) >= MAX_TOKENS:
            break
        least = max(floor, whole[0].logprob - END_GAP if whole else -inf)
        begun = _best(_longer(begun, logprobs, trie, least), trie.comma)
        if begun:
            logprobs = scorer.follow([one.parent for one in begun], [one.tokens[-1] for one in begun])
    return tuple(whole)


def _longer(
    begun: Sequence[Beginning], logprobs: npt.NDArray[np.float32], trie: SentenceTrie, least: float
) -> list[Beginning]:
    """Return every beginning with one more token that is not below ``least``, best first."""
    found: list[tuple[float, int, int]] = []
    for at, one in enumerate(begun):
        tokens = sorted(trie.allowed(one.place))
        scores = one.logprob + logprobs[at, tokens]
        found += [(float(score), at, token) for score, token in zip(scores, tokens, strict=True) if score >= least]
    found.sort(key=lambda each: (-each[0], each[1:]))
    best = found[0][0] if found else 0.0
    return [
        Beginning((*begun[at].tokens, token), score, trie.behind(begun[at].place, token), at)
        for score, at, token in found[: 4 * WIDTH]
        if score >= best - GAP
    ]


def _best(longer: Sequence[Beginning], comma: int) -> list[Beginning]:
    """Return the best beginnings, one of each sequence of words."""
    kept: dict[tuple[int, ...], Beginning] = {}
    for one in longer:
        if len(kept) == WIDTH:
            break
        kept.setdefault(one.words(comma), one)
    return list(kept.values())
