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
import re
import statistics
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs

from bench._report import heading, write

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
        return len(self.pcm) / 32_000


@attrs.frozen
class Measured:
    """One clip by one engine."""

    text: str
    cpu_s: float
    wall_s: float


def main() -> None:
    """Measure, print a table, write bench/results/stt.json."""
    options = _options()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)  # before numpy and ctranslate2 are loaded
    with tempfile.TemporaryDirectory() as scratch:
        models_dir = options.models_dir or Path(scratch)
        rng = random.Random(options.seed)
        clips = _corpus(options.corpus) if options.corpus else _spoken(models_dir, rng)
        rng.shuffle(clips)
        clips = [clip for clip in clips if clip.duration_s <= GROUPS_S[-1][1]][: options.count]
        engines = _engines(options, models_dir)
        measured = _measure(clips, engines)
    groups = list(_summaries(clips, measured))
    _print(groups)
    write("stt", heading(options, "faster-whisper", "ctranslate2") | {"groups": groups})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="folder with clips/*.wav and perhaps labels.json")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default="tiny.en", help="embedded name, folder or name on the hub")
    parser.add_argument("--models-dir", type=Path, help="where joined and checked models are kept (a temporary folder)")
    return parser.parse_args()


def _corpus(folder: Path) -> list[Clip]:
    labels_file = folder / "labels.json"
    labels = json.loads(labels_file.read_text()) if labels_file.exists() else {}
    return [_clip(file, labels.get(file.name, {})) for file in sorted((folder / "clips").glob("*.wav"))]


def _clip(file: Path, label: dict[str, Any]) -> Clip:
    with wave.open(str(file)) as source:
        if (source.getframerate(), source.getnchannels(), source.getsampwidth()) != (16_000, 1, 2):
            sys.exit(f"clips must be 16 kHz mono 16-bit, and {file} is not")
        pcm = source.readframes(source.getnframes())
    return Clip(file.name, pcm, slots=tuple(value.strip() for value in label.get("slots", {}).values()))


def _spoken(models_dir: Path, rng: random.Random) -> list[Clip]:
    import numpy as np
    import soxr

    from backends.jobs import SpeakText
    from backends.speech.piper import PiperWorker
    from bench._talk import TALK

    worker = PiperWorker({"models_dir": str(models_dir), "voice": "en_US-joe-medium", "cpu_threads": 1})
    sentences = [f"{verb} {thing}." for verb in VERBS for thing in THINGS] + list(OTHERS)
    talk = itertools.cycle(rng.sample(TALK, len(TALK)))  # each as often as the others
    sentences += [" ".join(itertools.islice(talk, rng.choice(SENTENCES_EACH))) for _ in range(DICTATIONS)]
    clips = []
    noise = np.random.default_rng(rng.randrange(2**32))
    for number, sentence in enumerate(sentences):
        spoken, pcm = worker.handle(SpeakText(sentence), b"")
        voice = soxr.resample(np.frombuffer(pcm, dtype="<i2"), spoken.sample_rate_hz, 16_000).astype(np.float64)
        samples = np.pad(voice, (4_800, 8_000))
        if number >= len(sentences) - DICTATIONS and number % 2:
            samples += noise.standard_normal(len(samples)) * np.std(voice) * 10 ** (NOISE_DB / 20)
        clips.append(Clip(sentence, samples.clip(-32_768, 32_767).astype("<i2").tobytes(), spoken=sentence))
    return clips


def _engines(options: argparse.Namespace, models_dir: Path) -> dict[str, Callable[[Clip], str]]:
    """Return the engines by name, ours first; the one that all are compared with is ``faster-whisper beam 1``."""
    from faster_whisper import WhisperModel

    from backends import jobs
    from backends.speech.models import resolve_whisper
    from backends.speech.whisper import WhisperWorker
    from backends.speech.whisper_engine import to_floats

    folder = resolve_whisper(options.model, models_dir)
    peer = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=options.threads)
    common = {
        "model": str(folder),
        "models_dir": str(models_dir),
        "device": "cpu",
        "compute_type": "int8",
        "flash_attention": False,
        "spare_vram": False,
        "cpu_threads": options.threads,
        "language": "en",
    }

    def ours(beam_size: int, hypotheses: int) -> Callable[[Clip], str]:
        worker = WhisperWorker({**common, "beam_size": beam_size, "hypotheses": hypotheses})

        def transcribe(clip: Clip) -> str:
            job = jobs.TranscribeClips((jobs.Clip(len(clip.pcm), "en"),))
            return worker.transcribe(job, clip.pcm).clips[0].text

        return transcribe

    def theirs(beam_size: int) -> Callable[[Clip], str]:
        def transcribe(clip: Clip) -> str:
            segments, _ = peer.transcribe(to_floats(clip.pcm), language="en", beam_size=beam_size)
            return " ".join(segment.text.strip() for segment in segments)

        return transcribe

    return {
        "sayso greedy": ours(1, 1),
        "faster-whisper beam 1": theirs(1),
        "sayso 5 hypotheses": ours(5, 5),
        "faster-whisper beam 5": theirs(5),
    }


def _measure(clips: Sequence[Clip], engines: dict[str, Callable[[Clip], str]]) -> list[dict[str, Measured]]:
    for transcribe in engines.values():
        transcribe(clips[0])  # warm up
    measured = []
    for number, clip in enumerate(clips):
        first = number % len(engines)  # no engine always comes first or after the slowest
        names = [*engines][first:] + [*engines][:first]
        measured.append({name: _time(engines[name], clip) for name in names})
    return measured


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
    base_texts = [by_engine[base].text for _, by_engine in chosen]
    slots = [
        _words(slot) in _words(one.text) for (clip, _), one in zip(chosen, mine, strict=True) for slot in clip.slots
    ]
    summary = {
        "cpu_ms": 1000 * cpu_s,
        "wall_ms": 1000 * statistics.mean(one.wall_s for one in mine),
        "cpu_ratio": statistics.mean(by_engine[base].cpu_s for _, by_engine in chosen) / cpu_s,
        "same_words": statistics.mean(_words(a.text) == _words(b) for a, b in zip(mine, base_texts, strict=True)),
        "wer_to_peer": _error_rate([(b, a.text) for a, b in zip(mine, base_texts, strict=True)]),
        "loops": sum(_is_loop(one.text) for one in mine),
    }
    if slots:
        summary["slot_recall"] = statistics.mean(slots)
    spoken = [(clip.spoken, one.text) for (clip, _), one in zip(chosen, mine, strict=True) if clip.spoken]
    if spoken:
        summary["wer"] = _error_rate(spoken)
    return summary


def _words(text: str) -> str:
    plain = re.sub(r"[^a-z0-9 ]", "", text.lower().replace("-", " "))
    return " ".join(SAME.get(word, word) for word in plain.split())


def _is_loop(text: str) -> bool:
    from protocol.audio.transcripts import LOOP_WORDS, repeats_itself

    return repeats_itself(_words(text).split(), long_pattern=LOOP_WORDS)


def _error_rate(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the word error rate of (expected, heard) pairs."""
    split = [(_words(expected).split(), _words(heard).split()) for expected, heard in pairs]
    return sum(_distance(a, b) for a, b in split) / max(1, sum(len(a) for a, _ in split))


def _distance(expected: Sequence[str], heard: Sequence[str]) -> int:
    row = list(range(len(heard) + 1))
    for i, word in enumerate(expected, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]


def _print(groups: Any) -> None:
    for group in groups:
        print(f"\n{group['group']}, {group['clips']} clips")
        for name, figures in group["engines"].items():
            shown = "  ".join(f"{key} {value:.3g}" for key, value in figures.items())
            print(f"  {name:24}{shown}")


if __name__ == "__main__":
    main()
