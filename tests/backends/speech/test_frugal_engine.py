import weakref
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import pytest

from backends.speech.frugal_engine import FrugalEngine, is_out_of_memory, smaller
from backends.speech.whisper_engine import DecodeJob, Encoding, Hypotheses
from backends.speech.word_times import Timed

SAMPLES = np.zeros(1, np.float32)
FULL = "CUDA failed with error out of memory"
AFTER_FULL = "parallel_for failed: cudaErrorInvalidDevice: invalid device ordinal"
SIZE_MB = {"float32": 400, "float16": 200, "auto": 200, "int8_float16": 100}


@attrs.define
class Card:
    """A GPU with some memory; each utterance of a batch needs 10 MB beside the model."""

    memory_mb: int
    loads: list[tuple[str, str]] = attrs.field(factory=list)
    batches: list[int] = attrs.field(factory=list)
    leaves_errors: bool = False
    """Whether the call after one that ran out of memory fails, too, as on a real card."""
    present: "weakref.ref[FakeEngine] | None" = None

    def load(self, device: str, compute_type: str) -> "FakeEngine":
        self.loads.append((device, compute_type))
        assert self.present is None or self.present() is None, "the last engine still has its memory"
        if device == "cuda" and SIZE_MB[compute_type] > self.memory_mb:
            raise RuntimeError(FULL)
        engine = FakeEngine(self, device, compute_type)
        self.present = weakref.ref(engine)
        return engine


@attrs.define
class FakeEngine:
    """Runs out of memory as a GPU does."""

    card: Card
    device: str
    compute_type: str
    is_multilingual: bool = True
    left_over: bool = False

    def _need(self, utterances: int) -> None:
        if self.left_over:
            self.left_over = False
            raise RuntimeError(AFTER_FULL)
        if self.device == "cuda" and SIZE_MB[self.compute_type] + 10 * utterances > self.card.memory_mb:
            self.left_over = self.card.leaves_errors
            raise RuntimeError(FULL)

    def features(self, samples: Any, window_s: int, *, in_room: bool = False) -> Any:
        return samples

    def encode(self, features: Sequence[Any]) -> list[Encoding]:
        self._need(len(features))
        self.card.batches.append(len(features))
        return [Encoding(self.device, number) for number in range(len(features))]

    def detect_language(self, encoding: Encoding) -> str:
        return "en"

    def has_language(self, language: str) -> bool:
        return True

    def prompt(self, language: str, vocabulary: Sequence[str] = (), *, translate: bool = False) -> tuple[int, ...]:
        return (1,)

    def word_times(self, encoding: Encoding, language: str, tokens: Sequence[int], duration_s: float) -> list[Timed]:
        self._need(1)
        return []

    def generate(self, jobs: Sequence[DecodeJob], *, beam_size: int, hypotheses: int) -> list[Hypotheses]:
        self._need(len(jobs))
        self.card.batches.append(len(jobs))
        return [Hypotheses(((job.budget_tokens,),), (str(job.budget_tokens),), 0.0, 0.0) for job in jobs]


def decode(engine: FrugalEngine, count: int) -> list[str]:
    jobs = [DecodeJob(Encoding(None), (1,), number) for number in range(count)]
    return [found.texts[0] for found in engine.generate(jobs, beam_size=1, hypotheses=1)]


def test_a_batch_that_is_too_large_is_halved_and_stays_so() -> None:
    card = Card(memory_mb=225)
    engine = FrugalEngine(card.load, "cuda", "float16")

    assert decode(engine, 8) == [str(number) for number in range(8)]
    assert decode(engine, 3) == ["0", "1", "2"]

    assert card.batches == [2, 2, 2, 2, 2, 1]
    assert (engine.compute_type, engine.max_batch, card.loads) == ("float16", 2, [("cuda", "float16")])


def test_a_lone_utterance_that_is_too_large_is_done_with_smaller_numbers() -> None:
    card = Card(memory_mb=205)
    engine = FrugalEngine(card.load, "cuda", "float16")

    assert decode(engine, 2) == ["0", "1"]

    assert (engine.device, engine.compute_type) == ("cuda", "int8_float16")
    assert card.loads == [("cuda", "float16"), ("cuda", "int8_float16")]


def test_the_encoder_takes_smaller_batches_too_and_a_smaller_engine_goes_on_where_the_last_ran_out() -> None:
    card = Card(memory_mb=225)
    engine = FrugalEngine(card.load, "cuda", "float16")

    assert [one.number for one in engine.encode([SAMPLES] * 5)] == [0, 1, 0, 1, 0]
    card.memory_mb = 125
    assert len(engine.encode([SAMPLES] * 3)) == 3

    assert (engine.compute_type, engine.max_batch, card.batches) == ("int8_float16", 1, [2, 2, 1, 1, 1, 1])


def test_the_error_that_running_out_leaves_behind_is_not_taken_for_another() -> None:
    card = Card(memory_mb=225, leaves_errors=True)
    engine = FrugalEngine(card.load, "cuda", "float16")

    assert decode(engine, 8) == [str(number) for number in range(8)]

    assert (engine.max_batch, card.batches, len(card.loads)) == (2, [2, 2, 2, 2], 1)


def test_the_same_error_by_itself_is_told() -> None:
    card = Card(memory_mb=900)
    engine = FrugalEngine(card.load, "cuda", "float16")
    assert card.present is not None
    card.present().left_over = True

    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        decode(engine, 2)


def test_what_is_chosen_by_itself_is_loaded_smaller_before_the_cpu_is_taken() -> None:
    card = Card(memory_mb=150)

    assert FrugalEngine(card.load, "cuda", "auto").compute_type == "int8_float16"
    assert card.loads == [("cuda", "auto"), ("cuda", "int8_float16")]


def test_the_encoder_and_the_times_of_words_step_down_too() -> None:
    for work in (
        lambda engine: engine.encode([SAMPLES]),
        lambda engine: engine.word_times(Encoding(None), "en", [1], 1.0),
    ):
        engine = FrugalEngine(Card(memory_mb=205).load, "cuda", "float16")
        work(engine)
        assert engine.compute_type == "int8_float16"


def test_a_model_that_cannot_be_loaded_is_loaded_smaller_and_at_last_on_the_cpu() -> None:
    card = Card(memory_mb=50)
    engine = FrugalEngine(card.load, "cuda", "float32")

    assert (engine.device, engine.compute_type) == ("cpu", "auto")
    assert decode(engine, 4) == ["0", "1", "2", "3"]
    assert [compute_type for _, compute_type in card.loads] == ["float32", "float16", "int8_float16", "auto"]


def raising(error: Exception) -> Callable[[str, str], Any]:
    def load(device: str, compute_type: str) -> Any:
        raise error

    return load


@pytest.mark.parametrize(
    ("device", "error"), [("cuda", RuntimeError("no such file")), ("cpu", RuntimeError("std::bad_alloc: no memory"))]
)
def test_other_trouble_and_a_full_cpu_are_told(device: str, error: Exception) -> None:
    with pytest.raises(RuntimeError) as raised:
        FrugalEngine(raising(error), device, "float16")
    assert raised.value is error


def test_errors_in_work_that_are_not_about_memory_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FrugalEngine(Card(memory_mb=900).load, "cuda", "float16")

    def fail(self: FakeEngine, utterances: int) -> None:
        raise RuntimeError("cuDNN is not there")

    monkeypatch.setattr(FakeEngine, "_need", fail)
    for work in (lambda: decode(engine, 2), lambda: engine.encode([SAMPLES])):
        with pytest.raises(RuntimeError, match="cuDNN"):
            work()
    assert (engine.compute_type, engine.max_batch) == ("float16", 0)


def test_the_way_down() -> None:
    assert smaller("cuda", "float32") == ("cuda", "float16")
    assert smaller("cuda", "int8") == ("cpu", "auto")
    assert smaller("cpu", "float32") is None
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("cuDNN is not there"))
