"""Our Whisper engine against ``faster_whisper``'s own ``transcribe``: CPU and wall time per command, and the words.

Same model, same compute type, same number of threads, in one process, each clip by every engine in turn, so that
a busy machine slows all of them alike. Read the ratios.

    sayso bench stt --count 100                   commands and dictation of 5 to 15 s, made by Piper
    sayso bench stt --corpus DIR --count 60       DIR/clips/*.wav (16 kHz mono) and DIR/labels.json, if any
"""

# ruff: noqa: PLC0415 - numeric libraries read the number of threads from the environment when they are imported

import argparse
import itertools
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from bench.accuracy.talk import TALK
from bench.engine.recogniser import Peer, samples, seconds, transcribed, transcription_settings, worker
from bench.part import Flag, Part, Report
from bench.report import rotated
from bench.text import error_rate, plain_words
from protocol.audio.transcripts import LOOP_WORDS, repeats_itself

GROUPS_S = ((0.0, 2.0), (2.0, 3.0), (3.0, 5.0), (5.0, 15.0), (15.0, 30.0))
VERBS = ("Turn on", "Turn off", "Switch on", "Dim", "Open", "Close")
THINGS = ("the kitchen light", "the bedroom blinds", "the lamp in the office", "the garage door", "the radio")
OTHERS = (
    "Set a timer for ten minutes.",
    "What is the weather like in Paris tomorrow?",
    "Turn the volume down a little.",
    "Where are my keys?",
    "Remind me to water the plants this evening.",
    "Play some jazz in the living room.",
    "What time is it?",
)
DICTATIONS = 60
SENTENCES_EACH = (2, 3, 4)
NOISE_DB = -15.0  # of every second dictation, against its voice
SAME = {"8": "eight", "10": "ten", "12": "twelve", "16": "sixteen", "20": "twenty", "oz": "ounce"}


@attrs.frozen
class Clip:
    """One command: samples, and its words if they are known."""

    name: str
    pcm: bytes
    spoken: str | None = None
    slots: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Seconds of 16 kHz mono s16le."""
        return seconds([self.pcm])


@attrs.frozen
class Measured:
    """One clip by one engine."""

    text: str
    cpu_s: float
    wall_s: float


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Let all engines transcribe each clip by turns."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # before numpy and ctranslate2 are loaded
    with tempfile.TemporaryDirectory() as scratch:
        models_dir = options.models_dir or Path(scratch)
        rng = random.Random(options.seed)
        clips = _corpus(options.corpus) if options.corpus else _spoken(models_dir, rng)
        rng.shuffle(clips)
        clips = [clip for clip in clips if clip.duration_s <= GROUPS_S[-1][1]][: options.count]
        measured = _by_turns(clips, _engines(options, models_dir))
    groups = list(_summaries(clips, measured))
    for group in groups:
        print(f"\n{group['group']}, {group['clips']} clips")
        for name, figures in group["engines"].items():
            print(f"  {name:24}{'  '.join(f'{key} {value:.3g}' for key, value in figures.items())}")
    yield {"groups": groups}


def _corpus(folder: Path) -> list[Clip]:
    labels_file = folder / "labels.json"
    labels = json.loads(labels_file.read_text()) if labels_file.exists() else {}
    return [_clip(file, labels.get(file.name, {})) for file in sorted((folder / "clips").glob("*.wav"))]


def _clip(file: Path, label: Mapping[str, Any]) -> Clip:
    return Clip(file.name, samples(file), slots=tuple(value.strip() for value in label.get("slots", {}).values()))


def _spoken(models_dir: Path, rng: random.Random) -> list[Clip]:
    import numpy as np
    import soxr

    from backends.jobs import SpeakText
    from backends.speech.piper import PiperWorker

    worker = PiperWorker({"models_dir": str(models_dir), "voice": "en_US-joe-medium", "cpu_threads": 1})
    sentences = [f"{verb} {thing}." for verb in VERBS for thing in THINGS] + list(OTHERS)
    talk = itertools.cycle(rng.sample(TALK, len(TALK)))  # each as often as the others
    sentences += [" ".join(itertools.islice(talk, rng.choice(SENTENCES_EACH))) for _ in range(DICTATIONS)]
    clips = []
    noise = np.random.default_rng(rng.randrange(2**32))
    for number, sentence in enumerate(sentences):
        spoken, pcm = worker.handle(SpeakText(sentence), b"")
        voice = soxr.resample(np.frombuffer(pcm, dtype="<i2"), spoken.sample_rate_hz, 16_000).astype(np.float64)
        made = np.pad(voice, (4_800, 8_000))
        if number >= len(sentences) - DICTATIONS and number % 2:
            made += noise.standard_normal(len(made)) * np.std(voice) * 10 ** (NOISE_DB / 20)
        clips.append(Clip(sentence, made.clip(-32_768, 32_767).astype("<i2").tobytes(), spoken=sentence))
    return clips


def _engines(options: argparse.Namespace, models_dir: Path) -> dict[str, Callable[[Clip], str]]:
    """Return the engines by name, ours first; the one that all are compared with is ``faster-whisper beam 1``."""
    from backends.speech.models import resolve_whisper

    folder = resolve_whisper(options.model, models_dir)
    peer = Peer(folder, threads=options.threads)
    common = {"embedded__device": "cpu", "embedded__compute_type": "int8", "embedded__cpu_threads": options.threads}

    def ours(beam_size: int, hypotheses: int) -> Callable[[Clip], str]:
        search = {"embedded__beam_size": beam_size, "embedded__hypotheses": hypotheses}
        whisper = worker(transcription_settings(folder, language="en", **common, **search))
        return lambda clip: transcribed(whisper, [clip.pcm])[0]

    def theirs(beam_size: int) -> Callable[[Clip], str]:
        return lambda clip: peer.transcribe(clip.pcm, beam_size)

    return {
        "sayso greedy": ours(1, 1),
        "faster-whisper beam 1": theirs(1),
        "sayso 5 hypotheses": ours(5, 5),
        "faster-whisper beam 5": theirs(5),
    }


def _by_turns(clips: Sequence[Clip], engines: Mapping[str, Callable[[Clip], str]]) -> list[dict[str, Measured]]:
    for transcribe in engines.values():
        transcribe(clips[0])  # warm up
    return [{name: _time(engines[name], clip) for name in rotated(engines, at)} for at, clip in enumerate(clips)]


def _time(transcribe: Callable[[Clip], str], clip: Clip) -> Measured:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    text = transcribe(clip)
    return Measured(text, cpu_s=time.process_time() - cpu_s, wall_s=time.perf_counter() - wall_s)


def _summaries(clips: Sequence[Clip], measured: Sequence[dict[str, Measured]]) -> Iterable[dict[str, Any]]:
    for low_s, high_s in GROUPS_S:
        chosen = [
            (clip, by_engine)
            for clip, by_engine in zip(clips, measured, strict=True)
            if low_s <= clip.duration_s < high_s
        ]
        if chosen:
            engines = {name: _summary(name, chosen) for name in sorted(chosen[0][1])}
            yield {"group": f"{low_s:g}-{high_s:g} s", "clips": len(chosen), "engines": engines}


def _summary(name: str, chosen: Sequence[tuple[Clip, dict[str, Measured]]]) -> dict[str, float]:
    base = "faster-whisper beam 5" if name.endswith(("beam 5", "hypotheses")) else "faster-whisper beam 1"
    mine = [by_engine[name] for _, by_engine in chosen]
    cpu_s = statistics.mean(one.cpu_s for one in mine)
    base_words = [_words(by_engine[base].text) for _, by_engine in chosen]
    words = [_words(one.text) for one in mine]
    slots = [
        " ".join(_words(slot)) in " ".join(heard)
        for (clip, _), heard in zip(chosen, words, strict=True)
        for slot in clip.slots
    ]
    summary = {
        "cpu_ms": 1000 * cpu_s,
        "wall_ms": 1000 * statistics.mean(one.wall_s for one in mine),
        "cpu_ratio": statistics.mean(by_engine[base].cpu_s for _, by_engine in chosen) / cpu_s,
        "same_words": statistics.mean(heard == wanted for heard, wanted in zip(words, base_words, strict=True)),
        "wer_to_peer": error_rate(zip(base_words, words, strict=True)),
        "loops": sum(repeats_itself(heard, long_pattern=LOOP_WORDS) for heard in words),
    }
    if slots:
        summary["slot_recall"] = statistics.mean(slots)
    spoken = [(_words(clip.spoken), heard) for (clip, _), heard in zip(chosen, words, strict=True) if clip.spoken]
    if spoken:
        summary["wer"] = error_rate(spoken)
    return summary


def _words(text: str) -> list[str]:
    return plain_words(text, SAME)


PART: Final = Part(
    "stt",
    measure,
    (
        Flag("--corpus", None, "folder with clips/*.wav and perhaps labels.json", Path),
        Flag("--count", 100),
        Flag("--seed", 1),
        Flag("--threads", 1),
        Flag("--model", "tiny.en", "embedded name, folder or name on the hub"),
        Flag("--models-dir", None, "where joined and checked models are kept (a temporary folder)", Path),
    ),
    ("faster-whisper", "ctranslate2"),
)
