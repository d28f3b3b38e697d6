"""The Protocol of a recogniser's engine in a worker process, which ``backends/speech/whisper.py`` calls."""

from collections.abc import Sequence
from typing import Protocol

from backends.speech.whisper_engine import DecodeJob, Encoding, Floats, Hypotheses
from backends.speech.word_times import Timed


class Recogniser(Protocol):
    """An engine that decodes speech; ``whisper_engine.Engine`` in production."""

    @property
    def device(self) -> str:
        """The device: cpu or cuda."""

    @property
    def compute_type(self) -> str:
        """The compute type, such as int8."""

    @property
    def is_multilingual(self) -> bool:
        """Whether the model has more languages than English."""

    def features(self, samples: Floats, window_s: int, *, in_room: bool = False) -> Floats:
        """Return features, float32 (mels, frames), of 16 kHz float32 samples padded to a window; from any thread."""

    def encode(self, features: Sequence[Floats]) -> list[Encoding]:
        """Return the encodings of features of one length."""

    def detect_language(self, encoding: Encoding) -> str:
        """Return the ISO 639 code of the most likely language."""

    def has_language(self, language: str) -> bool:
        """Return whether the model has the language of an ISO 639 code."""

    def prompt(self, language: str, vocabulary: Sequence[str] = (), *, translate: bool = False) -> tuple[int, ...]:
        """Return the decoder's first tokens."""

    def generate(self, jobs: Sequence[DecodeJob], *, beam_size: int, hypotheses: int) -> list[Hypotheses]:
        """Decode jobs of one shape together."""

    def word_times(self, encoding: Encoding, language: str, tokens: Sequence[int], duration_s: float) -> list[Timed]:
        """Return the start and end, in seconds, of each word of a decoded text."""
