"""A recogniser that survives a shortage of its device's memory: smaller batches first, then a smaller type.

Rules kept here:

* Nothing is lost: work that ran out of memory is repeated at once with less, so its answer is only slower.
* A size that failed is not tried again in this process; a new worker begins with the configured one.
* A model's memory is free before a smaller one is loaded: no error that is kept holds a frame that holds the model.
* The last resort is the CPU. A shortage there raises CTranslate2's own error.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from backends.speech.recogniser import Recogniser
from backends.speech.whisper_engine import DecodeJob, Encoding, Floats, Hypotheses
from backends.speech.word_times import Timed

log = logging.getLogger("sayso.whisper")

SMALLER: Final = {
    "float32": "float16",
    "float16": "int8_float16",
    "bfloat16": "int8_bfloat16",
    "auto": "int8_float16",  # it was float16
}
SIGNS: Final = ("out of memory", "cublas_status_alloc_failed", "bad_alloc")  # in CTranslate2's RuntimeError
LEFT_OVER: Final = "invalid device ordinal"
"""Error of a thread's next call after one that ran out of memory: CTranslate2 leaves CUDA's last error
standing, and Thrust takes it for an answer to its question for the device. Seen on an H100 (docs/decisions/0017)."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def smaller(device: str, compute_type: str) -> tuple[str, str] | None:
    """Return device and type that need less of this device's memory, or None if there is nothing less."""
    if device == "cpu":
        return None
    following = SMALLER.get(compute_type)
    return ("cpu", "auto") if following is None else (device, following)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an engine's error says that there is no memory left."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in SIGNS)


def is_left_over(error: BaseException) -> bool:
    """Return whether an error may be left over from the call before."""
    return LEFT_OVER in str(error).lower()


class FrugalEngine:
    """Wraps a ``Recogniser`` and is one; ``load(device, compute_type)`` makes it, and makes it again."""

    def __init__(self, load: Callable[[str, str], Recogniser], device: str, compute_type: str) -> None:
        """Load the engine, a smaller one if need be; raises what ``load`` raises for other reasons."""
        self._load = load
        self._max_batch = 0  # none
        self._engine: Recogniser | None = self._loaded(device, compute_type)

    @property
    def device(self) -> str:
        """The current device: cpu or cuda."""
        return self._present.device

    @property
    def compute_type(self) -> str:
        """The current compute type, such as int8."""
        return self._present.compute_type

    @property
    def is_multilingual(self) -> bool:
        """Whether the model has more languages than English."""
        return self._present.is_multilingual

    @property
    def max_batch(self) -> int:
        """How many utterances are decoded together at most; 0 is no limit."""
        return self._max_batch

    def features(self, samples: Floats, window_s: int, *, in_room: bool = False) -> Floats:
        """As the engine."""
        return self._present.features(samples, window_s, in_room=in_room)

    def encode(self, features: Sequence[Floats]) -> list[Encoding]:
        """As the engine, in smaller batches where larger ones were too much."""
        return self._in_parts(features, self._encode)

    def _encode(self, features: Sequence[Floats]) -> list[Encoding]:
        return self._present.encode(features)  # bound to the current engine, not to the one that ran out of memory

    def detect_language(self, encoding: Encoding) -> str:
        """As the engine."""
        return self._with_less(lambda: self._present.detect_language(encoding))

    def has_language(self, language: str) -> bool:
        """As the engine."""
        return self._present.has_language(language)

    def prompt(self, language: str, vocabulary: Sequence[str] = (), *, translate: bool = False) -> tuple[int, ...]:
        """As the engine."""
        return self._present.prompt(language, vocabulary, translate=translate)

    def word_times(self, encoding: Encoding, language: str, tokens: Sequence[int], duration_s: float) -> list[Timed]:
        """As the engine."""
        return self._with_less(lambda: self._present.word_times(encoding, language, tokens, duration_s))

    def generate(self, jobs: Sequence[DecodeJob], *, beam_size: int, hypotheses: int) -> list[Hypotheses]:
        """As the engine, in smaller batches where larger ones were too much."""
        return self._in_parts(
            jobs, lambda part: self._present.generate(part, beam_size=beam_size, hypotheses=hypotheses)
        )

    def _in_parts(self, items: Sequence[Item], work: Callable[[Sequence[Item]], list[Result]]) -> list[Result]:
        def run() -> list[Result]:
            size = self._batch_of(len(items))
            parts = (items[start : start + size] for start in range(0, len(items), size))
            return [found for part in parts for found in work(part)]

        return self._with_less(run, len(items))

    def _batch_of(self, utterances: int) -> int:
        return min(utterances, self._max_batch or utterances)

    @property
    def _present(self) -> Recogniser:
        if self._engine is None:
            raise AssertionError("an engine that could not be loaded is used")
        return self._engine

    def _with_less(self, work: Callable[[], Result], utterances: int = 1) -> Result:
        """Return what ``work`` returns for so many utterances; it is repeated with less memory until it succeeds."""
        was_short = False
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if was_short and is_left_over(error):
                    was_short = False
                    continue
                if not is_out_of_memory(error):
                    raise
                shortage = error.with_traceback(None)
            was_short = True
            self._take_less(shortage, utterances)

    def _take_less(self, shortage: Exception, utterances: int) -> None:
        """Halve the batch, or load a smaller engine; raises ``shortage`` if there is none."""
        size = self._batch_of(utterances)
        if size > 1:
            self._max_batch = size // 2
            log.warning("no memory for %d utterances together, %d from now on", size, self._max_batch)
            return
        following = smaller(self.device, self.compute_type)
        if following is None:
            raise shortage
        self._engine = None  # free its memory before loading another
        self._engine = self._loaded(*following)

    def _loaded(self, device: str, compute_type: str) -> Recogniser:
        try:
            return self._load(device, compute_type)
        except (RuntimeError, MemoryError) as error:
            following = smaller(device, compute_type)
            if following is None or not is_out_of_memory(error):
                raise
            log.warning("no memory on %s for %s: %s on %s instead", device, compute_type, *reversed(following))
        return self._loaded(*following)
