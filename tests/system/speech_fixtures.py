"""Speech for tests: recordings that ``make_recordings.py`` made, the same samples on every machine."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import av
import pytest

from backends.speech.models import ModelError
from backends.speech.piper import PiperWorker
from protocol.messages.hearing import INTERNAL_RATE_HZ
from tests.system.model_fixtures import add_steady_voice, models_dir

RECORDINGS: Final = Path(__file__).parent / "recordings"
INDEX: Final = RECORDINGS / "index.json"
PRE_ROLL_S: Final = 0.3  # as the endpointer cuts utterances: a little before, its silence after
SILENCE_S: Final = 0.5


def index() -> dict[str, Any]:
    """Return the file and the digest of each sentence that was recorded."""
    clips: dict[str, Any] = json.loads(INDEX.read_text(encoding="utf-8"))["clips"] if INDEX.exists() else {}
    return clips


@cache
def spoken_pcm(text: str) -> bytes:
    """Return ``text`` as 16 kHz mono s16le speech with silence around it."""
    clips = index()
    assert text in clips, f"no recording of {text!r}: add it to tests/system/make_recordings.py and run that"
    pcm = _decoded(RECORDINGS / clips[text]["file"])
    assert hashlib.sha256(pcm).hexdigest() == clips[text]["sha256"], f"{clips[text]['file']} is not what was recorded"
    return silence_pcm(PRE_ROLL_S) + pcm + silence_pcm(SILENCE_S)


def silence_pcm(duration_s: float) -> bytes:
    """Return digital silence, 16 kHz mono s16le."""
    return bytes(2 * int(duration_s * INTERNAL_RATE_HZ))


def _decoded(path: Path) -> bytes:
    """Return the samples of a FLAC file, which is exact on every processor."""
    with av.open(str(path)) as file:
        return b"".join(frame.to_ndarray().astype("<i2").tobytes() for frame in file.decode(audio=0))


@pytest.fixture(scope="session")
def spoken() -> Callable[[str], bytes]:
    """``spoken(text)`` is that text as speech: 16 kHz mono s16le."""
    return spoken_pcm


@pytest.fixture(scope="session")
def piper(run_models: None) -> PiperWorker:
    """Load Piper with the voice that draws no noise; skips the test where either is not installed."""
    try:
        return PiperWorker({"models_dir": str(models_dir()), "voice": add_steady_voice(), "cpu_threads": 1})
    except ModelError as error:
        pytest.skip(str(error))
