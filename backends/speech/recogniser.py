"""The face of a recogniser's engine, in a worker process: what is below the rules of ``backends/speech/whisper.py``."""

from collections.abc import Sequence
from typing import Protocol

from backends.speech.whisper_engine import DecodeJob, Encoding, Floats, Hypotheses
from backends.speech.word_times import Timed


class Recogniser(Protocol):
    """What the worker needs of an engine; ``whisper_engine.Engine`` is the real one."""

    @property
    def device(self) -> str:
        """Where it computes: cpu or cuda."""

    @property
    def compute_type(self) -> str:
        """What it computes with, such as int8."""

    @property
    def is_multilingual(self) -> bool:
        """Whether it knows more than English."""

    def features(self, samples: Floats, window_s: int, *, in_room: bool = False) -> Floats:
        """Return the features of the samples in a window, with silence or a quiet room behind them; from any thread."""

    def encode(self, features: Sequence[Floats]) -> list[Encoding]:
        """Return the encodings of features of one length."""

    def detect_language(self, encoding: Encoding) -> str:
        """Return the most likely language."""

    def knows(self, language: str) -> bool:
        """Return whether it can be asked for this language."""

    def prompt(self, language: str, vocabulary: Sequence[str] = ()) -> tuple[int, ...]:
        """Return the decoder's first tokens."""

    def generate(self, jobs: Sequence[DecodeJob], *, beam_size: int, hypotheses: int) -> list[Hypotheses]:
        """Decode jobs of one shape together."""

    def word_times(self, encoding: Encoding, language: str, tokens: Sequence[int], duration_s: float) -> list[Timed]:
        """Return when each word of a decoded text was said."""
