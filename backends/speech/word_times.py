"""The times of words from a decoder's attention: pure arithmetic on the results of CTranslate2's ``align``.

The method is OpenAI's (dynamic time warping over the cross-attention, ``whisper/timing.py``), as faster-whisper has it.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

import attrs
import numpy as np

STEP_MS: Final = 20  # one position of the encoder's output
LONGEST_FIRST: Final = 2.0  # medians of the words' lengths; the first word is drawn to the beginning of the audio


@attrs.frozen
class Timed:
    """One word; times from the beginning of the samples."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


def word_times(
    words: Sequence[str],
    tokens: Sequence[Sequence[int]],
    alignment: Sequence[tuple[int, int]],
    probabilities: Sequence[float],
) -> list[Timed]:
    """Return each word's time.

    ``words`` and the ``tokens`` that each is made of include the end of the text as the last one; ``alignment`` holds
    pairs of a token's index and a position of the encoder, rising; ``probabilities`` one number 0..1 per token.
    """
    if len(words) <= 1:
        return []
    pairs = np.array(alignment, dtype=np.int64)
    is_first_of_token = np.concatenate(([True], np.diff(pairs[:, 0]) > 0))
    starts_ms = pairs[is_first_of_token, 1] * STEP_MS
    edges = np.concatenate(([0], np.cumsum([len(part) for part in tokens[:-1]])))
    edges = np.minimum(edges, len(starts_ms) - 1)
    found: list[Timed] = []
    for word, first, last in zip(words, edges[:-1], edges[1:], strict=False):
        confidence = round(float(np.mean(probabilities[first : max(last, first + 1)])), 3)
        found.append(Timed(word, int(starts_ms[first]), int(starts_ms[last]), confidence))
    return _with_short_beginning(_with_punctuation(found))


def _with_punctuation(found: Sequence[Timed]) -> list[Timed]:
    """Put marks that stand alone to the word before."""
    kept: list[Timed] = []
    for one in found:
        text = one.text.strip()
        if any(char.isalnum() for char in text):
            kept.append(attrs.evolve(one, text=text))
        elif kept and text:
            kept[-1] = attrs.evolve(kept[-1], text=kept[-1].text + text)
    return kept


def _with_short_beginning(found: list[Timed]) -> list[Timed]:
    if len(found) > 1:
        first = found[0]
        longest_ms = round(LONGEST_FIRST * median(one.end_ms - one.start_ms for one in found))
        found[0] = attrs.evolve(first, start_ms=max(first.start_ms, first.end_ms - longest_ms))
    return found
