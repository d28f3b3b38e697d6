"""Texts compared as words: what a recogniser writes differs in commas and capitals."""

import re
from collections.abc import Iterable, Mapping, Sequence


def plain_words(text: str, same: Mapping[str, str] | None = None) -> list[str]:
    """Return the words in small letters without punctuation; ``same`` holds words that stand for others."""
    words = re.sub(r"[^a-z0-9 ]", "", text.lower().replace("-", " ")).split()
    return [(same or {}).get(word, word) for word in words]


def share_alike(texts: Iterable[str], others: Iterable[str]) -> float:
    """Return the share of texts that have the words of their counterparts."""
    found = [plain_words(text) == plain_words(other) for text, other in zip(texts, others, strict=True)]
    return sum(found) / max(1, len(found))


def error_rate(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> float:
    """Return the word error rate of (expected, heard) words: edits by expected words."""
    split = list(pairs)
    return sum(_distance(expected, heard) for expected, heard in split) / max(1, sum(len(one) for one, _ in split))


def _distance(expected: Sequence[str], heard: Sequence[str]) -> int:
    row = list(range(len(heard) + 1))
    for i, word in enumerate(expected, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]
