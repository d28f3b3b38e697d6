"""Examples of the user's own commands, as embeddings: which of them is nearest to a sentence."""

from collections.abc import Mapping, Sequence

import numpy as np

from backends.understanding.vectors import WIDTH, Floats
from protocol.messages.meaning import OwnSentence


class ExampleIndex:
    """Finds the nearest example of each intent; a few hundred are compared in microseconds."""

    def __init__(self) -> None:
        self._intents: tuple[str, ...] = ()
        self._embeddings: Floats = np.zeros((0, WIDTH), np.float32)

    def __len__(self) -> int:
        """Return how many examples there are."""
        return len(self._intents)

    def replace(self, examples: Sequence[OwnSentence], embeddings: bytes) -> None:
        """Take other examples; ``embeddings`` are float32 (examples, 384). Raises ``ValueError`` if they do not fit."""
        found = np.frombuffer(embeddings, np.float32).reshape(len(examples), WIDTH)
        self._intents, self._embeddings = tuple(example.intent for example in examples), found

    def nearness(self, embedding: bytes) -> Mapping[str, float]:
        """Return the cosine of the nearest example of each intent to a float32 embedding (384,)."""
        cosines = self._embeddings @ np.frombuffer(embedding, np.float32)
        found: dict[str, float] = {}
        for intent, cosine in zip(self._intents, cosines, strict=True):
            found[intent] = max(float(cosine), found.get(intent, -1.0))
        return found
