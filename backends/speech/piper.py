"""The text-to-speech worker: Piper, an optional extra, only ever in a process of its own (it is GPL-3.0).

Rules kept here:

* Text is sanitised before it reaches the phonemiser: bounded, printable, without Piper's ``[[phonemes]]``.
* What cannot be spoken (only punctuation, emoji) is an empty answer, not an error.
* A voice's name may come from a client: only the configured one may be a path.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from backends.jobs import SpeakText, SpokenText
from backends.speech.models import ModelError, is_plain_name, resolve_voice
from config.settings import PiperSettings

INSTALL_COMMAND: Final = "pip install 'sayso[piper]'"
TEXT_MAX_CHARS: Final = 1_000  # a minute of speech; the caller sends sentences
WARM_UP_TEXT: Final = "Ready."
SPEED_MIN: Final = 0.25
SPEED_MAX: Final = 4.0
VOICES_MAX: Final = 3  # 60 to 110 MB each


class PiperWorker:
    """Target of a worker process: voices loaded on first use, the configured one at the start."""

    jobs = (SpeakText,)

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Load and warm up the voice; raises ``ModelError`` if Piper or the voice is missing."""
        self._models_dir = Path(params["models_dir"])
        self._default = params["voice"]
        self._threads = params["cpu_threads"]
        self._voices: dict[str, Any] = {}
        self.handle(SpeakText(WARM_UP_TEXT), b"")

    def handle(self, job: SpeakText, blob: bytes | memoryview) -> tuple[SpokenText, bytes]:
        """Speak; raises ``ValueError`` for bad input, ``ModelError`` for a voice that is not there."""
        if blob:
            raise ValueError(f"piper takes no samples, but {len(blob)} bytes came")
        if not SPEED_MIN <= job.speed <= SPEED_MAX:
            raise ValueError(f"speed must be between {SPEED_MIN:g} and {SPEED_MAX:g}, not {job.speed:g}")
        voice = self._voice(job.voice or self._default)
        speakable = speakable_text(job.text)
        chunks = voice.synthesize(speakable, synthesis_options(voice, job.speed)) if speakable else ()
        pcm = b"".join(chunk.audio_int16_bytes for chunk in chunks)
        return SpokenText(voice.config.sample_rate), pcm

    def _voice(self, name: str) -> Any:
        if name != self._default and not is_plain_name(name):
            raise ValueError(f"voice must be a name, not {name!r}")
        voice = self._voices.pop(name, None) or load_voice(resolve_voice(name, self._models_dir), self._threads)
        self._voices[name] = voice  # most recently used last
        if len(self._voices) > VOICES_MAX:
            del self._voices[next(iter(self._voices))]
        return voice


def worker_params(settings: PiperSettings, models_dir: Path) -> dict[str, Any]:
    """Return ``PiperWorker``'s parameters, fit for a ``WorkerSpec``; one thread per worker, as for Whisper."""
    return {"models_dir": str(models_dir), "voice": settings.voice, "cpu_threads": 1}


def load_voice(path: Path, cpu_threads: int) -> Any:
    """Return a ``piper.PiperVoice``; raises ``ModelError`` if piper-tts is not installed.

    Built by hand, because Piper's own loader lets ONNX Runtime take every core.
    """
    try:
        import onnxruntime  # type: ignore[import-untyped] # noqa: PLC0415 - comes with the optional extra
        from piper import PiperVoice  # noqa: PLC0415 - the optional extra itself
        from piper.config import PiperConfig  # noqa: PLC0415
    except ImportError as error:
        raise ModelError(f"speech output needs piper-tts, which is not installed: run `{INSTALL_COMMAND}`") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cpu_threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    settings = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
    return PiperVoice(session=session, config=PiperConfig.from_dict(settings))


def synthesis_options(voice: Any, speed: float) -> Any:
    """Return the synthesis options for a speed; ``None`` for the voice's own."""
    if speed == 1.0:
        return None
    from piper import SynthesisConfig  # noqa: PLC0415 - the optional extra

    return SynthesisConfig(length_scale=voice.config.length_scale / speed)


def speakable_text(text: str) -> str:
    """Return text that Piper reads as words: one line, bounded, no markup; empty if nothing can be spoken.

    Raises ``ValueError`` past ``TEXT_MAX_CHARS``: cutting would lose words silently.
    """
    if len(text) > TEXT_MAX_CHARS:
        raise ValueError(f"text must be at most {TEXT_MAX_CHARS} characters, not {len(text)}: send it by sentences")
    plain = re.sub(r"[*_`#\[\]<>|~^\\]+", " ", unicodedata.normalize("NFC", text))
    kept = "".join(char if unicodedata.category(char)[0] in "LNMPZ" or char in "+=%$€£°" else " " for char in plain)
    line = " ".join(kept.split())
    return line if any(char.isalnum() for char in line) else ""
