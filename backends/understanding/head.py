"""The linear head: what a sentence is about, of the classes in ``head.msgpack``.

``head.yaml`` has its source and licence. A softmax over columns; several columns may be of one class, and their
probabilities are added. The file is made by ``sayso bench training``.
"""

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Final

import msgspec
import numpy as np

from backends.understanding.vectors import WIDTH, Floats

FILE: Final = "head.msgpack"


class HeadWeights(msgspec.Struct, frozen=True):
    """The file."""

    columns: tuple[str, ...]
    """The class of each column."""
    weights: bytes
    """float16, (384, columns)."""
    bias: bytes
    """float16, (columns,)."""


class Head:
    """Classifies embeddings."""

    def __init__(self, weights: HeadWeights) -> None:
        """Take the weights; raises ``ValueError`` if they do not fit each other."""
        count = len(weights.columns)
        self._weights = np.frombuffer(weights.weights, "<f2").astype(np.float32).reshape(WIDTH, count)
        self._bias = np.frombuffer(weights.bias, "<f2").astype(np.float32).reshape(count)
        self.classes: Sequence[str] = tuple(sorted(set(weights.columns)))
        places = {name: at for at, name in enumerate(self.classes)}
        self._adds = np.zeros((count, len(self.classes)), np.float32)
        self._adds[np.arange(count), [places[name] for name in weights.columns]] = 1

    def probabilities(self, embeddings: Floats) -> Floats:
        """Return (sentences, classes) of (sentences, 384); each row adds up to 1."""
        scores = embeddings @ self._weights + self._bias
        powers = np.exp(scores - scores.max(1, keepdims=True))
        made: Floats = (powers / powers.sum(1, keepdims=True)) @ self._adds
        return made

    def likeliest(self, embeddings: Floats, count: int) -> list[dict[str, float]]:
        """Return the ``count`` likeliest classes of each sentence, the likeliest first."""
        found = self.probabilities(embeddings)
        orders = np.argsort(-found, axis=1)[:, :count]
        return [
            {self.classes[at]: round(float(row[at]), 4) for at in order}
            for row, order in zip(found, orders, strict=True)
        ]


def load_head() -> Head:
    """Return the shipped head."""
    return Head(msgspec.msgpack.decode(_data(), type=HeadWeights))


def head_sha256() -> str:
    """Return the SHA-256 of the shipped head."""
    return hashlib.sha256(_data()).hexdigest()


def _data() -> bytes:
    return resources.files(__package__).joinpath(FILE).read_bytes()
