"""Speech for tests, made by Piper once and kept in the temporary folder of the machine."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from backends.speech.models import ModelError
from backends.speech.piper import PiperWorker
from protocol.messages import INTERNAL_RATE_HZ

VOICE = "en_US-joe-medium"
CACHE = Path(tempfile.gettempdir()) / f"sayso-test-speech-{os.getuid()}"
PRE_ROLL_S = 0.3  # as the endpointer cuts utterances: a little before, its silence after
SILENCE_S = 0.5


@lru_cache(maxsize=1)
def piper() -> PiperWorker:
    """Return one loaded voice; skips the test where Piper or the voice is not installed."""
    try:
        return PiperWorker({"models_dir": str(CACHE / "models"), "voice": VOICE, "cpu_threads": 1})
    except ModelError as error:
        pytest.skip(str(error))


def spoken_pcm(text: str) -> bytes:
    """Return ``text`` as 16 kHz mono s16le speech with silence around it, the same at every call."""
    CACHE.mkdir(mode=0o700, exist_ok=True)
    file = CACHE / f"{hashlib.sha256(f'{VOICE}/{text}'.encode()).hexdigest()[:20]}.pcm"
    if not file.exists():
        written = file.with_suffix(f".{os.getpid()}")
        written.write_bytes(_speak(text))
        written.replace(file)
    return file.read_bytes()


def silence_pcm(duration_s: float) -> bytes:
    """Return digital silence, 16 kHz mono s16le."""
    return bytes(2 * int(duration_s * INTERNAL_RATE_HZ))


def _speak(text: str) -> bytes:
    result, pcm = piper().handle("speak", {"text": text}, b"")
    samples = np.frombuffer(pcm, dtype="<i2")
    resampled: Any = soxr.resample(samples, result["sample_rate"], INTERNAL_RATE_HZ)
    speech: bytes = resampled.astype("<i2").tobytes()
    return silence_pcm(PRE_ROLL_S) + speech + silence_pcm(SILENCE_S)


@pytest.fixture(scope="session")
def spoken() -> Callable[[str], bytes]:
    """``spoken(text)`` is that text as speech: 16 kHz mono s16le."""
    return spoken_pcm
