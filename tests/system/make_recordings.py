"""Makes ``recordings/``: what tests say, spoken once by Piper, so that every machine hears the same samples.

    python -m tests.system.make_recordings              make what is missing
    python -m tests.system.make_recordings --check      and hear each with other levels, times and models

The voice is en_US-joe-medium, which is in the public domain (CC0 1.0), and so are the recordings. It speaks without its
noise. ``recordings/index.json`` has the text and the SHA-256 of the samples of each. Run this after a change of
``SENTENCES``; a sentence that is there is not made again. Each must be one that Whisper understands whatever the
processor: ``--check`` names those that come out differently. Where that is more than "ten" for "10", choose another
sentence.
"""

import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import soxr

from backends.jobs import Clip, TranscribeClips
from backends.speech.encoding import encode
from backends.speech.whisper import WhisperWorker
from backends.speech.whisper_params import whisper_params
from bench.load.clips import SENTENCES as CALLERS_SAY
from bench.load.clips import VOICE, said
from config.load import load
from protocol.audio import transcripts
from protocol.messages.hearing import INTERNAL_RATE_HZ
from tests.system.speech_fixtures import INDEX, RECORDINGS, index, silence_pcm, spoken_pcm
from tests.system.test_many import SPEAKERS, command

SENTENCES: Final = (
    "Please turn on the kitchen light.",
    "What is the weather like in London tomorrow?",
    "Stop.",
    "Close the window in the bedroom, please.",
    "Where are my keys?",
    "Open the browser.",
    "The train from the coast was late. Nobody in the office knew where the key had gone.",
    "Turn on the radio.",
    "Turn off the bedroom light.",
    "Turn off everything.",
    "Start the dishwasher.",
    "Play some jazz in the living room.",
    "Good night.",
    "Set a timer for three seconds.",
    "Set a timer for two seconds.",
    "Set a timer for ten minutes.",
    "What day is it today?",
    "Add bread to the shopping list.",
    "Show my files.",
    "Turn off the kitchen light.",
    "Wake me up at seven tomorrow morning.",
    "Remind me in two seconds to check the oven.",
    "Set a timer for five minutes and a timer for ten minutes.",
    "Set a timer for, thirty minutes.",
    "Order a pizza.",
    "What can I say?",
    "Take a note that the car needs oil.",
    "Delete all notes.",
    "Take that back.",
    "Unlock the front door.",
    "No.",
    *CALLERS_SAY,
    *(command(number)[0] for number in range(SPEAKERS)),
)
WITH_WAKE_WORD: Final = (
    "Okay Nabu, what time is it?",
    "Okay Nabu, set a timer.",
    "Hey Jarvis.",
    "Hey Mycroft.",
    "Alexa.",
)  # what a detector hears, and Whisper does not
GAINS_DB: Final = (-3, 0, 3)
SHIFTS_S: Final = (0.0, 0.005)
MODELS: Final = ("tiny.en", "base")


def main() -> None:
    """Make missing recordings, and delete those of removed sentences."""
    clips = index()
    missing = [text for text in (*SENTENCES, *WITH_WAKE_WORD) if text not in clips]
    for text, sound in zip(missing, said(missing), strict=True):
        samples: Any = soxr.resample(np.frombuffer(sound.pcm, dtype="<i2"), sound.sample_rate, INTERNAL_RATE_HZ)
        pcm = samples.astype("<i2").tobytes()
        file = "-".join(re.findall(r"\w+", text.lower())) + ".flac"
        (RECORDINGS / file).write_bytes(encode(pcm, INTERNAL_RATE_HZ, "flac"))
        clips[text] = {"file": file, "sha256": hashlib.sha256(pcm).hexdigest()}
    kept = {text: clips[text] for text in sorted((*SENTENCES, *WITH_WAKE_WORD))}
    for gone in {clip["file"] for clip in clips.values()} - {clip["file"] for clip in kept.values()}:
        (RECORDINGS / gone).unlink()
    about = {"voice": VOICE, "licence": "CC0-1.0", "rate_hz": INTERNAL_RATE_HZ, "clips": kept}
    INDEX.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    if sys.argv[1:] == ["--check"]:
        check(spoken_pcm(text) for text in sorted(SENTENCES))


def check(clips: Iterable[bytes]) -> None:
    """Name what a model hears otherwise when the level or a few samples change."""
    transcription = load(None, {}, {}).settings.transcription
    with tempfile.TemporaryDirectory() as scratch:
        params = [whisper_params(attrs.evolve(transcription, model=model), Path(scratch)) for model in MODELS]
        workers = [WhisperWorker({**each, "language": "en"}) for each in params]
    for clip in clips:
        for worker in workers:
            heard = {words_of(worker, variant) for variant in variants(clip)}
            if len(heard) > 1:
                sys.stdout.write(f"{sorted(heard)}\n")


def variants(pcm: bytes) -> Iterator[bytes]:
    """Yield the samples at other levels and other times."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    for gain_db in GAINS_DB:
        louder = np.clip(samples * 10 ** (gain_db / 20), -32_768, 32_767).astype("<i2").tobytes()
        yield from (silence_pcm(shift_s) + louder for shift_s in SHIFTS_S)


def words_of(worker: WhisperWorker, pcm: bytes) -> str:
    """Return what a model hears, without what is not spoken."""
    [found] = worker.transcribe(TranscribeClips((Clip(len(pcm), "en"),)), pcm).clips
    return transcripts.words_of(found.text)


if __name__ == "__main__":
    main()
