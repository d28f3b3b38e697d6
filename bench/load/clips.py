"""The callers' clips: commands made by Piper without its noise, equal in every run, or the WAV files of a folder."""

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soxr

from backends.speech.models import resolve_voice
from backends.speech.piper import load_voice
from bench.load.callers import RATE_HZ
from bench.load.records import Clip
from cli.sound import Sound, read_wav

VOICE: Final = "en_US-joe-medium"
LEAD_S: Final = 0.3  # silence before the speech, as a microphone has it
TAIL_S: Final = 1.4  # and after it: more than the server waits for the other half of a command
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
    """Return sentences as Piper says them; nothing is kept for the next run."""
    return [clip(sentence, sound) for sentence, sound in zip(sentences, said(sentences), strict=True)]


def said(sentences: Sequence[str]) -> list[Sound]:
    """Return sentences as Piper says them when it draws no noise: the same samples on the same processor."""
    from piper import SynthesisConfig  # noqa: PLC0415 - the optional extra

    with tempfile.TemporaryDirectory() as scratch:
        voice = load_voice(resolve_voice(VOICE, Path(scratch)), cpu_threads=1)
    without_noise = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    return [
        Sound(
            b"".join(chunk.audio_int16_bytes for chunk in voice.synthesize(text, without_noise)),
            voice.config.sample_rate,
        )
        for text in sentences
    ]


def voice(sound: Sound) -> npt.NDArray[np.int16]:
    """Return a sound at 16 kHz, mono, without the silences that it begins and ends with."""
    heard = at_16_khz(sound)
    loud = np.flatnonzero(np.abs(heard) > np.abs(heard).max(initial=1) * SILENT)
    return heard[loud[0] : loud[-1] + 1] if len(loud) else heard[:0]


def at_16_khz(sound: Sound) -> npt.NDArray[np.int16]:
    """Return a sound at 16 kHz, mono, with the silences that it has."""
    samples = np.frombuffer(sound.pcm, dtype="<i2").reshape(-1, sound.channels)[:, 0]
    heard: Any = soxr.resample(samples, sound.sample_rate, RATE_HZ)
    return np.asarray(heard, dtype="<i2")


def clip(name: str, sound: Sound) -> Clip:
    """Return a sound as a caller says it: 16 kHz mono, with silence around it."""
    heard = at_16_khz(sound)
    loud = np.flatnonzero(np.abs(heard) > np.abs(heard).max(initial=1) * SILENT)
    voiced_s = LEAD_S + (float(loud[-1] + 1) if len(loud) else 0.0) / RATE_HZ
    made = Sound(bytes(2 * round(LEAD_S * RATE_HZ)) + heard.tobytes(), RATE_HZ).with_silence(TAIL_S)
    return Clip(name, made.pcm, voiced_s)


def deal(made: Sequence[Clip], callers: int, turns: int, rng: random.Random) -> list[list[Clip]]:
    """Return ``turns`` clips for each caller."""
    return [rng.choices(made, k=turns) for _ in range(callers)]
