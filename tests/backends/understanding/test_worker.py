from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.jobs import ReadSentences
from backends.speech.models import ModelError
from backends.understanding import worker
from backends.understanding.embedding_files import EmbeddingFiles
from backends.understanding.vectors import WIDTH
from backends.understanding.worker import SENTENCE_MAX_CHARS, MeaningWorker


class FakeModel:
    """Gives every sentence the same embedding, and notes what it was given."""

    def __init__(self, *_files: Path) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return np.full((len(texts), WIDTH), WIDTH**-0.5, np.float32)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> MeaningWorker:
    monkeypatch.setattr(worker, "resolve_embedding", lambda folder: EmbeddingFiles(folder / "a", folder / "b"))
    monkeypatch.setattr(worker, "MiniLM", FakeModel)
    return MeaningWorker({"models_dir": "/nowhere"})


def test_each_sentence_gets_its_likeliest_classes_and_its_embedding(reader: MeaningWorker) -> None:
    readings, blob = reader.handle(ReadSentences(("one", "two")), b"")
    assert len(readings.sentences) == 2
    assert np.frombuffer(blob, np.float32).shape == (2 * WIDTH,)
    shares = list(readings.sentences[0].classes.values())
    assert shares == sorted(shares, reverse=True)


def test_capitals_say_nothing(reader: MeaningWorker) -> None:
    model: Any = reader._model
    reader.handle(ReadSentences(("What TIME is it",)), b"")
    assert model.texts[-1] == "what time is it"


@pytest.mark.parametrize(
    ("texts", "blob", "problem"),
    [(("a" * (SENTENCE_MAX_CHARS + 1),), b"", "at most"), (("one",), b"12", "without a blob")],
)
def test_what_is_no_sentence_is_refused(
    reader: MeaningWorker, texts: tuple[str, ...], blob: bytes, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        reader.handle(ReadSentences(texts), blob)


def test_a_worker_without_a_model_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.understanding.embedding_files.PACKAGE", "not-there-at-all")
    with pytest.raises(ModelError, match="not installed"):
        MeaningWorker({"models_dir": str(tmp_path)})
