"""Utterances that stay whole in noise: recordings cut by the server's endpointer, with earshot alone and with Silero.

Noise is mixed into each clip as Picovoice's speech-to-intent benchmark does: scaled by the loudest 128 ms of both, then
half of full scale. A clip is whole if it comes out as one utterance; otherwise it was split, noise made one of its own,
or nothing was heard. The words have no say in it, and no server runs. Then the processor time of both, by turns.

    sayso bench splits --corpus DIR --noise FILE     WAV files, 16 kHz mono; without them Piper, and pink noise
    sayso bench splits --levels 12,6 --around        noise before and after the clip as well
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from assembly.providers.voice_detectors import VoiceDetectors
from backends.protocols import SpeechDetector
from bench.accuracy.noise import NOISES
from bench.load.callers import RATE_HZ
from bench.load.clips import LEAD_S, TAIL_S, clips
from bench.load.options import CORPUS, SEED
from bench.load.records import Clip
from bench.part import Flag, Part, Report
from bench.report import table
from cli.sound import read_wav
from config.load import load
from config.settings import Settings
from protocol.audio.endpointing import Ended, Endpointer

Samples = npt.NDArray[np.float64]
"""Mono, 16 kHz, full scale is 1."""
BLOCK_BYTES: Final = 2 * RATE_HZ // 50  # 20 ms, as most clients send
LOUDEST_SAMPLES: Final = 2_048
ROOM_DB: Final = -70.0  # RMS under full scale: a microphone in a silent room
NOISE_S: Final = 120.0
DETECTORS: Final[Mapping[str, Mapping[str, object]]] = {
    "earshot": {"audio.silero_sessions": 0},
    "with Silero": {"audio.silero_sessions": 1},
}
"""By what they are called: their settings."""


@attrs.frozen
class CutClip:
    """What the endpointer made of one clip."""

    utterances: int
    late_s: float | None
    """From the last voice to the last end."""


class NoiseCutter:
    """One detector and the endpointer, for one stream after the other."""

    def __init__(self, changed: Mapping[str, object]) -> None:
        self.settings: Settings = load(None, {}, {name: str(value) for name, value in changed.items()}).settings
        self._detectors = VoiceDetectors(self.settings, lambda _: None, time.monotonic)

    def detector(self) -> SpeechDetector:
        """Return a new detector."""
        return self._detectors.for_session(int)

    def cut(self, clip: Clip, pcm: bytes) -> CutClip:
        """CutClip ``pcm``, which is ``clip`` with noise."""
        detector, endpointer, count, ended_at = self.detector(), Endpointer(self.settings.audio), 0, 0
        for block in _blocks(pcm):
            probabilities = detector.probabilities(block)
            endpointer.clear_share = detector.clear_share
            for event in endpointer.feed(probabilities):
                if isinstance(event, Ended):
                    count, ended_at = count + 1, endpointer.position
        detector.reset()
        return CutClip(count, ended_at / RATE_HZ - clip.voiced_s if count == 1 else None)

    def seconds(self, pcm: bytes) -> float:
        """Return the processor time that the detector takes for ``pcm``."""
        detector = self.detector()
        began_s = time.process_time()
        for block in _blocks(pcm):
            detector.probabilities(block)
        took_s = time.process_time() - began_s
        detector.reset()
        return took_s


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """CutClip all clips at all levels with both detectors, and print what came out."""
    rng = np.random.default_rng(options.seed)
    said = clips(options.corpus)
    noise = _noise(options.noise, rng)
    cutters = {name: NoiseCutter(changed) for name, changed in DETECTORS.items()}
    levels: dict[str, Any] = {}
    for level in options.levels.split(","):
        made = [clip.pcm if level == "clean" else _mixed(clip, noise, float(level), rng, options) for clip in said]
        levels[level] = {
            name: _summary([cutter.cut(clip, pcm) for clip, pcm in zip(said, made, strict=True)])
            for name, cutter in cutters.items()
        }
    rows = [[f"{level} dB", name, *row.values()] for level, each in levels.items() for name, row in each.items()]
    table("utterances", ("detector", "clips", "whole", "more", "none", "end p50", "end p95 ms"), rows)
    cost = _costs(cutters, said, noise, rng)
    rows = [[kind, *(f"{value} ms" for value in row.values())] for kind, row in cost.items()]
    table("processor time of each second of audio", tuple(DETECTORS), rows)
    yield {"levels": levels, "ms_per_s": cost}


def _noise(file: Path | None, rng: np.random.Generator) -> Samples:
    if file is None:
        return NOISES["pink"](rng, NOISE_S).astype(np.float64)
    return _samples(read_wav(file).pcm)


def _mixed(clip: Clip, noise: Samples, level_db: float, rng: np.random.Generator, options: argparse.Namespace) -> bytes:
    """Return the clip with noise, ``level_db`` below its loudest part."""
    voice = _samples(clip.pcm)
    lead, tail = round(LEAD_S * RATE_HZ), len(voice) - round(TAIL_S * RATE_HZ)
    inside = slice(0, len(voice)) if options.around else slice(lead, tail)
    at = int(rng.integers(len(noise) - len(voice)))
    added = np.zeros(len(voice))
    added[inside] = noise[at : at + len(voice)][inside]
    gain = np.sqrt(_loudest(voice) / (_loudest(added[lead:tail]) * 10 ** (level_db / 10)))
    return _pcm(_half_scale(voice + gain * added))


def _costs(
    cutters: Mapping[str, NoiseCutter], said: Sequence[Clip], noise: Samples, rng: np.random.Generator
) -> Mapping[str, Mapping[str, float]]:
    """Return the milliseconds that each detector takes for a second of each kind of audio: medians of five rounds."""
    room = rng.standard_normal(10 * RATE_HZ) * 10 ** (ROOM_DB / 20)
    spoken = np.concatenate([_samples(clip.pcm)[: round(clip.voiced_s * RATE_HZ)] for clip in said[:5]])
    kinds = {"silent": _pcm(room), "speaking": _pcm(spoken), "noise": _pcm(_half_scale(noise[: 10 * RATE_HZ]))}
    return {
        kind: {name: round(statistics.median(times[name]) * 1_000 / (len(pcm) / 2 / RATE_HZ), 3) for name in cutters}
        for kind, pcm in kinds.items()
        for times in [_rounds(cutters, pcm)]
    }


def _rounds(cutters: Mapping[str, NoiseCutter], pcm: bytes) -> Mapping[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in cutters}
    for _ in range(5):
        for name, cutter in cutters.items():
            times[name].append(cutter.seconds(pcm))
    return times


def _summary(cuts: Sequence[CutClip]) -> dict[str, Any]:
    late_ms = sorted(cut.late_s * 1_000 for cut in cuts if cut.late_s is not None)
    return {
        "clips": len(cuts),
        "whole": sum(cut.utterances == 1 for cut in cuts),
        "more": sum(cut.utterances > 1 for cut in cuts),
        "none": sum(cut.utterances == 0 for cut in cuts),
        "end_p50_ms": round(late_ms[len(late_ms) // 2]) if late_ms else None,
        "end_p95_ms": round(late_ms[int(0.95 * (len(late_ms) - 1))]) if late_ms else None,
    }


def _blocks(pcm: bytes) -> Iterator[bytes]:
    return (pcm[at : at + BLOCK_BYTES] for at in range(0, len(pcm), BLOCK_BYTES))


def _loudest(samples: Samples) -> float:
    whole = samples[: len(samples) - len(samples) % LOUDEST_SAMPLES].reshape(-1, LOUDEST_SAMPLES)
    return float((whole**2).sum(axis=1).max(initial=1e-9))


def _half_scale(samples: Samples) -> Samples:
    scaled: Samples = samples / (2 * np.abs(samples).max(initial=1e-9))
    return scaled


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64) / 32_768


def _pcm(samples: Samples) -> bytes:
    return np.clip(samples * 32_767, -32_768, 32_767).astype("<i2").tobytes()


PART: Final = Part(
    "splits",
    measure,
    (
        SEED,
        CORPUS,
        Flag("--noise", None, "a WAV file, 16 kHz mono, longer than any clip", Path),
        Flag("--levels", "clean,24,12,6", "dB between the loudest parts of voice and noise"),
        Flag("--around", False, "noise before and after the clip as well"),
    ),
    ("earshot", "faster-whisper"),
)
