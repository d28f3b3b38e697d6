"""What callers say: commands made by Piper once and kept as WAV files, or the WAV files of a folder."""

import os
import random
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr

from backends.speech.piper import PiperWorker
from bench.load.callers import RATE_HZ
from bench.load.records import Clip
from cli.sound import Sound, read_wav

VOICE: Final = "en_US-joe-medium"
LEAD_S: Final = 0.3  # silence before the speech, as a microphone has it
TAIL_S: Final = 0.8  # and after it: more than the server's own limit
SILENT: Final = 0.02  # of the loudest sample: below it speech has ended
SENTENCES: Final = (
    "What time is it?",
    "What is the date today?",
    "Which day of the week is it?",
    "What is twelve times seven?",
    "What is fifteen percent of eighty?",
    "Convert five miles to kilometers.",
    "How many grams are in two pounds?",
)  # none changes anything, so that callers do not depend on one another


def clips(corpus: Path | None) -> list[Clip]:
    """Return the clips of a folder, or the commands above; raises ``ClientError`` for what is no WAV file."""
    if corpus is not None:
        return [clip(path.stem, read_wav(path)) for path in sorted(corpus.glob("*.wav"))]
    return spoken(SENTENCES)


def spoken(sentences: Sequence[str]) -> list[Clip]:
    """Return sentences as Piper says them; kept in a folder of the user's for the next run."""
    folder = Path(tempfile.gettempdir()) / f"sayso-bench-speech-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    files = {sentence: folder / f"{_file_name(sentence)}.wav" for sentence in sentences}
    if not all(path.exists() for path in files.values()):
        _make(files)
    return [clip(sentence, read_wav(path)) for sentence, path in files.items()]


def clip(name: str, sound: Sound) -> Clip:
    """Return a sound as a caller says it: 16 kHz mono, with silence around it."""
    samples = np.frombuffer(sound.pcm, dtype="<i2").reshape(-1, sound.channels)[:, 0]
    heard: Any = soxr.resample(samples, sound.sample_rate, RATE_HZ)
    loud = np.flatnonzero(np.abs(heard) > np.abs(heard).max(initial=1) * SILENT)
    voiced_s = LEAD_S + (float(loud[-1] + 1) if len(loud) else 0.0) / RATE_HZ
    made = Sound(bytes(2 * round(LEAD_S * RATE_HZ)) + heard.astype("<i2").tobytes(), RATE_HZ).with_silence(TAIL_S)
    return Clip(name, made.pcm, voiced_s)


def deal(made: Sequence[Clip], callers: int, turns: int, rng: random.Random) -> list[list[Clip]]:
    """Return ``turns`` clips for each caller."""
    return [rng.choices(made, k=turns) for _ in range(callers)]


def _file_name(sentence: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in sentence.lower())


def _make(files: dict[str, Path]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        piper = PiperWorker({"models_dir": scratch, "voice": VOICE, "cpu_threads": 1})
        for sentence, path in files.items():
            made, pcm = piper.handle("speak", {"text": sentence}, b"")
            with wave.open(str(path), "wb") as target:
                target.setnchannels(1)
                target.setsampwidth(2)
                target.setframerate(made["sample_rate"])
                target.writeframes(pcm)
