"""Wake words by microWakeWord, the detector of the Open Home Foundation's voice devices; the optional extra ``wake``.

It runs in the event loop: it reads plain samples and no foreign format, and a step of 16 ms takes 0.05 ms, 0.4 ms at
most; docs/decisions/0011 says the same of the speech detector. A second of audio takes 2.6 ms, and a session 0.3 MB.

Rules kept here:

* The names are those of the models in the package: what it ships can be asked for.
* A word is reported once: the model's memory of it is cleared with it.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any, Final

from backends.speech.models import ModelError
from config.settings import WakeSettings
from protocol.audio.wake import plain_wake_word

MODULE: Final = "pymicro_wakeword"
INSTALL_COMMAND: Final = "pip install 'sayso[wake]'"
CHUNK_BYTES: Final = 320  # 10 ms, the step of its features
SAMPLE_BYTES: Final = 2
LAG_SAMPLES: Final[Mapping[str, int]] = {
    "okay nabu": 1_920,  # 120 ms; each is measured with a synthetic voice at five speeds, with and without a pause
    "hey jarvis": 3_520,  # 220 ms: "s" is soft
    "hey mycroft": 0,  # this one is certain before the word's last sounds
    "alexa": 3_200,  # 200 ms
}
"""By word: how long after its end it is detected, in samples at 16 kHz."""
USUAL_LAG_SAMPLES: Final = 1_600
SHOWN_CHARS: Final = 40  # of what a client sent, in an error message


def is_installed() -> bool:
    """Return whether the package is there."""
    return importlib.util.find_spec(MODULE) is not None


def wake_words() -> Sequence[str]:
    """Return the words that can be asked for; none if the package is not installed. Loads it the first time."""
    if not is_installed():
        return ()
    from pymicro_wakeword import Model  # noqa: PLC0415 - the optional extra

    return tuple(plain_wake_word(model.value) for model in Model)


def wake_word_problem(word: str) -> str | None:
    """Return why ``word`` cannot be listened for; ``None`` if it can."""
    if not is_installed():
        return f"a wake word needs a library that is not installed on the server: run `{INSTALL_COMMAND}` there"
    known = wake_words()
    if plain_wake_word(word) in known:
        return None
    return f"a wake word must be one of {', '.join(known)}, not {word[:SHOWN_CHARS]!r}"


def check(settings: WakeSettings) -> None:
    """Load the package, if it is there; raise ``ModelError`` if the settings need it, or a word that it has not."""
    wake_words()
    problem = wake_word_problem(settings.word) if settings.word else None
    if problem is not None:
        raise ModelError(f"wake.word: {problem}")


class MicroWakeWordDetector:
    """A ``WakeWordDetector``; samples that do not fill 10 ms wait for the next call."""

    def __init__(self, word: str, threshold: float = 0.0) -> None:
        """Listen for ``word``, one of ``wake_words()``; a ``threshold`` of 0 is the model's own.

        Raises ``ModelError`` for a word that there is not.
        """
        problem = wake_word_problem(word)
        if problem is not None:
            raise ModelError(problem)
        from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model  # noqa: PLC0415 - the optional extra

        word = plain_wake_word(word)
        self._model: Any = MicroWakeWord.from_builtin(Model(word.replace(" ", "_")))
        self._model.probability_cutoff = threshold or self._model.probability_cutoff
        self._features: Any = MicroWakeWordFeatures()
        self._lag_samples = LAG_SAMPLES.get(word, USUAL_LAG_SAMPLES)
        self._rest = b""

    def find(self, pcm: bytes) -> list[int]:
        """Return where each word that is certain by now ended, in samples from the beginning of ``pcm``.

        That is s16le at 16 kHz; a position is negative in what was given before.
        """
        data = self._rest + pcm
        before = len(self._rest)
        whole_bytes = len(data) - len(data) % CHUNK_BYTES
        self._rest = data[whole_bytes:]
        found = []
        for start in range(0, whole_bytes, CHUNK_BYTES):
            for features in self._features.process_streaming(data[start : start + CHUNK_BYTES]):
                if self._model.process_streaming(features):
                    self._model.reset()
                    found.append((start + CHUNK_BYTES - before) // SAMPLE_BYTES - self._lag_samples)
        return found
