"""The worker that reads the meaning of sentences: embedding and head, in a process of its own.

Rules kept here:

* The tokenizer parses foreign text in native code, and the sums take 10 ms: neither belongs on the event loop.
* A job is a pure function of its sentences. One sentence is bounded; what is longer is dictation.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from backends.jobs import ReadSentences, SentenceReading, SentenceReadings
from backends.understanding.embedding_files import resolve_embedding
from backends.understanding.head import load_head
from backends.understanding.minilm import MiniLM

SENTENCE_MAX_CHARS: Final = 400
LIKELIEST: Final = 3


class MeaningWorker:
    """A ``runtime.workers.child_process.Target``."""

    jobs = (ReadSentences,)

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Check and map the model, and read a sentence; raises ``ModelError`` if its files are missing or damaged."""
        files = resolve_embedding(Path(params["models_dir"]))
        self._model = MiniLM(files.weights, files.tokenizer)
        self._head = load_head()
        self.handle(ReadSentences(("What time is it?",)), b"")

    def handle(self, job: ReadSentences, blob: bytes | memoryview) -> tuple[SentenceReadings, bytes]:
        """Read sentences; the blob holds their embeddings, float32 (sentences, 384). Raises ``ValueError``."""
        if blob:
            raise ValueError(f"sentences come without a blob, but {len(blob)} bytes came")
        longest = max((len(text) for text in job.texts), default=0)
        if longest > SENTENCE_MAX_CHARS:
            raise ValueError(f"a sentence must be at most {SENTENCE_MAX_CHARS} characters, not {longest}")
        embeddings = self._model.embed([text.lower() for text in job.texts])
        found = self._head.likeliest(embeddings, LIKELIEST)
        return SentenceReadings(tuple(SentenceReading(each) for each in found)), embeddings.tobytes()
