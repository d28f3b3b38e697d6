"""False activations: half an hour of noises, and ten minutes of talk that is not in the grammar.

Six kinds of noise, each a session of its own with levels that come and go: white, pink, mains hum, clicks, chords like
music, and babble (many voices of Piper mixed, low). Then sentences of ordinary talk. All goes through the whole server,
faster than real time, without a language model: every tool call is a false activation. What the noises are transcribed
as are phantoms; of talk the words are right, and only calls count.

    sayso bench noise                         30 minutes of noise, 10 of talk
    sayso bench noise --minutes 6 --talk 2
    sayso bench noise --corpus DIR            recordings from a folder of WAV files as talk
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt
import trio

from bench.accuracy.talk import TALK
from bench.load.callers import RATE_HZ
from bench.load.clips import clips, spoken
from bench.load.microphones import Microphone, listen_to
from bench.load.options import CORPUS, SEED, SETTINGS
from bench.load.server import running
from bench.part import Flag, Part, Report
from bench.report import table

Samples = npt.NDArray[np.float32]
"""Mono, 16 kHz, full scale is 1."""
SWELL_S: Final = 7.0  # seconds between changes of a noise's level
LEVELS_DB: Final = (-55.0, -45.0, -35.0, -28.0, -22.0, -90.0)  # RMS under full scale; the last is silence
BABBLE_DB: Final = -38.0  # people in the next room
VOICES: Final = 6  # that babble at once
TALK_DB: Final = -22.0
BREAK_S: Final = 1.4  # between sentences of talk
TAIL_S: Final = 8.0


@attrs.define
class Heard:
    """The results of one stream."""

    transcripts: list[str] = attrs.field(factory=list)
    calls: list[str] = attrs.field(factory=list)
    errors: list[str] = attrs.field(factory=list)

    def note(self, kind: str, data: Mapping[str, Any], _: float) -> None:
        """Count an event."""
        match kind:
            case "transcript":
                self.transcripts.append(data["text"])
            case "tool_call" | "confirm_request":
                self.calls.append(f"{data['tool']} {data.get('arguments', '')}")
            case "error":
                self.errors.append(str(data.get("code")))


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Play everything to a server and print the results."""
    rng = np.random.default_rng(options.seed)
    each_s = options.minutes * 60 / (len(NOISES) + 1)
    streams = {name: _swelling(make(rng, each_s), rng) for name, make in NOISES.items()}
    voices = [_samples(clip.pcm) for clip in (spoken(TALK) if options.corpus is None else clips(options.corpus))]
    streams["babble"] = _at_level(_babble(rng, voices, each_s), BABBLE_DB)
    streams["talk"] = _talk(rng, voices, options.talk * 60)
    with running(dict(options.set)) as server:
        heard = {name: Heard() for name in streams}
        microphones = [_microphone(samples, heard[name]) for name, samples in streams.items()]
        trio.run(partial(listen_to, microphones, server.url, ("stt", "llm", "tools"), options.factor))
    rows = {
        name: {"minutes": round(len(streams[name]) / RATE_HZ / 60, 1), **attrs.asdict(heard[name])} for name in streams
    }
    _print(rows)
    yield {"streams": rows}


def _microphone(samples: Samples, heard: Heard) -> Microphone:
    stream = np.clip(samples * 32_767, -32_768, 32_767).astype("<i2").tobytes()

    def pcm(start: int, size: int) -> bytes:
        return stream[start : start + size].ljust(size, b"\0")

    return Microphone(len(samples) / RATE_HZ + TAIL_S, pcm, heard.note)


# --- noises --------------------------------------------------------------------------------------


def _white(rng: np.random.Generator, length_s: float) -> Samples:
    return rng.standard_normal(round(length_s * RATE_HZ)).astype(np.float32)


def _pink(rng: np.random.Generator, length_s: float) -> Samples:
    """Return noise whose power falls with the frequency, shaped in the frequency domain."""
    spectrum = np.fft.rfft(_white(rng, length_s))
    spectrum /= np.sqrt(np.maximum(1, np.arange(len(spectrum))))
    return np.fft.irfft(spectrum).astype(np.float32)


def _hum(rng: np.random.Generator, length_s: float) -> Samples:
    """Return the mains and its harmonics, with a little hiss."""
    at = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    tones = sum(np.sin(2 * np.pi * 50 * n * at) / n for n in range(1, 8))
    return (tones + 0.05 * rng.standard_normal(len(at))).astype(np.float32)


def _clicks(rng: np.random.Generator, length_s: float) -> Samples:
    """Return short bursts, as of keys, doors and dishes, four a second on average."""
    made = np.zeros(round(length_s * RATE_HZ), dtype=np.float32)
    for at in rng.integers(0, len(made) - RATE_HZ, round(4 * length_s)):
        size = int(rng.integers(30, 1_600))
        burst = rng.standard_normal(size) * np.exp(-np.arange(size) / (size / 5))
        made[at : at + size] += (rng.uniform(0.2, 1.0) * burst).astype(np.float32)
    return made


def _chords(rng: np.random.Generator, length_s: float) -> Samples:
    """Return chords of plucked tones, two a second, like music."""
    made = np.zeros(round(length_s * RATE_HZ) + 2 * RATE_HZ, dtype=np.float32)
    at = np.arange(round(1.5 * RATE_HZ)) / RATE_HZ
    for beat in range(round(2 * length_s)):
        root = 110 * 2 ** (rng.integers(0, 24) / 12)
        for step in (0, 4, 7, 12):
            pitch = root * 2 ** (step / 12)
            tone = sum(np.sin(2 * np.pi * pitch * n * at) / n**1.5 for n in (1, 2, 3, 4))
            begin = beat * RATE_HZ // 2
            made[begin : begin + len(at)] += (tone * np.exp(-3 * at)).astype(np.float32)
    return made[: round(length_s * RATE_HZ)]


NOISES: Final[Mapping[str, Callable[[np.random.Generator, float], Samples]]] = {
    "white": _white,
    "pink": _pink,
    "hum": _hum,
    "clicks": _clicks,
    "chords": _chords,
}


def _babble(rng: np.random.Generator, voices: Sequence[Samples], length_s: float) -> Samples:
    """Return many voices at once."""
    size = round(length_s * RATE_HZ)
    made = np.zeros(size, dtype=np.float32)
    for _ in range(VOICES):
        made += _joined(rng, voices, size, 0.2)
    return made


def _talk(rng: np.random.Generator, voices: Sequence[Samples], length_s: float) -> Samples:
    return _at_level(_joined(rng, voices, round(length_s * RATE_HZ), BREAK_S), TALK_DB)


def _joined(rng: np.random.Generator, voices: Sequence[Samples], size: int, break_s: float) -> Samples:
    """Return sentences in random order, ``size`` samples of them."""
    pieces, length = [], 0
    while length < size:
        voice = voices[int(rng.integers(len(voices)))]
        pieces += [voice, np.zeros(round(break_s * RATE_HZ), dtype=np.float32)]
        length += sum(len(piece) for piece in pieces[-2:])
    return np.concatenate(pieces)[:size]


def _swelling(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return the noise with another level every few seconds."""
    step = round(SWELL_S * RATE_HZ)
    made = [_at_level(samples[at : at + step], float(rng.choice(LEVELS_DB))) for at in range(0, len(samples), step)]
    return np.concatenate(made)


def _at_level(samples: Samples, level_db: float) -> Samples:
    rms = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) or 1.0
    return (samples * (10 ** (level_db / 20) / rms)).astype(np.float32)


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32_768)


# --- the report ----------------------------------------------------------------------------------


def _print(rows: Mapping[str, Mapping[str, Any]]) -> None:
    counted = ("transcripts", "calls", "errors")
    cells = [[name, row["minutes"], *(len(row[key]) for key in counted)] for name, row in rows.items()]
    table("", ("minutes", *counted), cells)
    noises = [row for name, row in rows.items() if name != "talk"]
    phantoms = [text for row in noises for text in row["transcripts"]]
    print(f"phantom transcripts: {len(phantoms)} {phantoms}")
    print(f"false activations: {[call for row in rows.values() for call in row['calls']]}")


PART: Final = Part(
    "noise",
    measure,
    (
        SEED,
        CORPUS,
        SETTINGS,
        Flag("--minutes", 30.0, "of noise, all kinds together"),
        Flag("--talk", 10.0, "minutes of talk"),
        Flag("--factor", 3.0, "faster than real time"),
    ),
)
