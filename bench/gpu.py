"""Whisper on a graphics card: throughput, latency, running out of memory, many speakers on one card.

Ours is the server's own worker (``WhisperWorker`` with its rules, its five hypotheses and Silero before it), the peers
are ``faster_whisper``: ``BatchedInferencePipeline`` and plain ``transcribe``, beam of five, the same model files and
compute type, no Silero. The sides take turns, batch by batch, on the same clips. The speakers speak to the server's
own queue, pool and processes. ``--shape`` measures a model of that shape with invented weights (bench/_shapes.py):
its times and memory are real, its words are not.

    sayso bench gpu                                     tiny.en, commands made by Piper
    sayso bench gpu --clips DIR --shape large-v3-turbo  the WAV files of a folder (16 kHz mono)
    sayso bench gpu --device cpu --short                that it runs, without a card
"""

# ruff: noqa: PLC0415 - numeric libraries read the number of threads from the environment when they are imported

import argparse
import os
import random
import sys
import tempfile
import time
import wave
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from actors.transcription import Transcription
from backends.jobs import Clip, TranscribeClips
from backends.speech.whisper_params import whisper_params
from bench._card import Card
from bench._report import machine, write
from bench.load.figures import percentile
from config.load import load
from config.settings import TranscriptionSettings
from protocol.messages.hearing import Recognition, Transcribe, Utterance
from protocol.messages.inboxes import MetricsMessage, TranscriptionMessage
from protocol.messages.records import Observe
from runtime import Actor, ChildSpec, DomainError, Ref, Supervisor, run_tree
from runtime.messaging.published import Published
from runtime.workers.pool import Pool, WorkerLimits, WorkerSpec

RATE_HZ: Final = 16_000
PERIOD_S: Final = 5.0  # from one command of a speaker to the next
ASK_TIMEOUT_S: Final = 30.0
MEMORY_BATCH: Final = 32
START_BATCH: Final = 2  # for a worker that starts on a full card, and may end on the CPU
PEER_WORKERS: Final = 2
SHORT_CLIPS: Final = 3
STAGES: Final = ("throughput", "memory", "speakers")
Clips = Sequence[bytes]
"""Each s16le, 16 kHz, mono."""
Side = Callable[[Clips], list[str]]


def main() -> None:
    """Measure, print tables, write bench/results/gpu.json, or gpu-SHAPE.json."""
    options = _options()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as scratch:
        clips = _read(options.clips) if options.clips else _spoken()
        random.Random(options.seed).shuffle(clips)
        clips = clips[:SHORT_CLIPS] if options.short else clips
        folder = _model(options, Path(scratch))
        report: dict[str, Any] = {
            "machine": machine("faster-whisper", "ctranslate2"),
            "card": _card(options.device),
            "model": options.model if options.shape is None else f"the shape of {options.shape}, invented weights",
        }
        print(report, flush=True)
        measure = {"throughput": _throughput, "memory": _memory, "speakers": _speakers}
        for stage in options.only.split(","):
            report[stage] = measure[stage](folder, clips, options)
            if not options.short:
                write("gpu" if options.shape is None else f"gpu-{options.shape}", report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--model", default="tiny.en", help="embedded name or folder")
    parser.add_argument("--shape", help="measure invented weights of this shape; --model gives the tokenizer")
    parser.add_argument("--clips", type=Path, help="a folder of WAV files instead of commands by Piper")
    parser.add_argument("--types", default="", help="compute types (float16,int8_float16; int8 on a CPU)")
    parser.add_argument("--batches", default="1,4,8,16,32")
    parser.add_argument("--rounds", type=int, default=5, help="batches of each size and side")
    parser.add_argument("--left", default="2048,512,128,32", help="MB of graphics memory that are left, one by one")
    parser.add_argument("--pools", default="1x1,1x16,2x1,2x16", help="workers x batch, to which the speakers speak")
    parser.add_argument("--speakers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15.0, help="that they speak")
    parser.add_argument("--only", default=",".join(STAGES), help="of these stages")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="little of everything, and nothing is written")
    options = parser.parse_args()
    if unknown := set(options.only.split(",")) - set(STAGES):
        parser.error(f"--only must be some of {', '.join(STAGES)}, not {', '.join(sorted(unknown))}")
    options.types = options.types or ("float16,int8_float16" if options.device == "cuda" else "int8")
    if options.short:
        vars(options).update(batches="1,2", rounds=1, pools="1x2", speakers=4, seconds=PERIOD_S)
    return options


def _card(device: str) -> dict[str, object]:
    if device == "cpu":
        return {}
    card = Card()
    return {"name": card.name, "memory_mb": card.memory_mb()[1]}


def _model(options: argparse.Namespace, scratch: Path) -> Path:
    from backends.speech.models import resolve_whisper
    from bench._shapes import SHAPES, write_model

    folder = resolve_whisper(options.model, scratch)
    return folder if options.shape is None else write_model(SHAPES[options.shape], folder, scratch / options.shape)


def _read(folder: Path) -> list[bytes]:
    return [_samples(file) for file in sorted(folder.glob("*.wav"))]


def _samples(file: Path) -> bytes:
    with wave.open(str(file)) as source:
        if (source.getframerate(), source.getnchannels(), source.getsampwidth()) != (RATE_HZ, 1, 2):
            sys.exit(f"clips must be 16 kHz mono 16-bit, and {file} is not")
        pcm: bytes = source.readframes(source.getnframes())
        return pcm


def _spoken() -> list[bytes]:
    from bench.load.clips import SENTENCES, spoken

    return [clip.pcm for clip in spoken(SENTENCES)]


def _seconds(clips: Clips) -> float:
    return sum(len(pcm) for pcm in clips) / 2 / RATE_HZ


def _words(text: str) -> str:
    return " ".join("".join(char for char in text.lower() if char.isalnum() or char == " ").split())


def _settings(folder: Path, options: argparse.Namespace, **changes: object) -> TranscriptionSettings:
    usual = {"model": str(folder), "embedded.device": options.device, "embedded.spare_workers": 0, "vocabulary": False}
    named = {f"transcription.{name}": value for name, value in {**usual, **changes}.items()}
    return load(None, {}, named).settings.transcription


# --- throughput and latency ----------------------------------------------------------------------


@attrs.frozen
class Timed:
    """One batch by one side."""

    side: str
    compute_type: str
    batch: int
    audio_s: float
    took_s: float
    texts: tuple[str, ...]
    clips: tuple[int, ...]


def _throughput(folder: Path, clips: Clips, options: argparse.Namespace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for compute_type in options.types.split(","):
        sides = _sides(folder, compute_type, options)
        timed = list(_by_turns(sides, clips, compute_type, options))
        base = sides["transcribe"](clips)
        rows += _rows(timed, base)
        del sides
    print(f"\n{'side':22}{'type':14}{'batch':>6}{'audio s/s':>11}{'ms each':>9}{'p50 ms':>9}{'p95 ms':>9}{'same':>7}")
    for row in rows:
        shown = f"{row['side']:22}{row['type']:14}{row['batch']:6}{row['audio_s_per_s']:11.0f}{row['ms_each']:9.2f}"
        print(f"{shown}{row['p50_ms']:9.1f}{row['p95_ms']:9.1f}{row['same']:7.0%}", flush=True)
    return rows


def _sides(folder: Path, compute_type: str, options: argparse.Namespace) -> dict[str, Side]:
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    from backends.speech.whisper_engine import to_floats

    model = WhisperModel(str(folder), device=options.device, compute_type=compute_type, cpu_threads=1)
    pipeline = BatchedInferencePipeline(model)

    def batched(clips: Clips) -> list[str]:
        ends = [sum(len(pcm) for pcm in clips[: number + 1]) / 2 / RATE_HZ for number in range(len(clips))]
        spans = [{"start": start, "end": end} for start, end in zip([0.0, *ends], ends, strict=False)]
        segments, _ = pipeline.transcribe(
            to_floats(b"".join(clips)),
            language="en",
            beam_size=5,
            batch_size=len(clips),
            vad_filter=False,
            clip_timestamps=spans,
        )
        texts = [""] * len(clips)
        for segment in segments:
            number = min(range(len(spans)), key=lambda i: abs(spans[i]["start"] - segment.start))
            texts[number] += segment.text
        return texts

    def plain(clips: Clips) -> list[str]:
        found = [model.transcribe(to_floats(pcm), language="en", beam_size=5)[0] for pcm in clips]
        return [" ".join(segment.text for segment in segments) for segments in found]

    ours = _worker(folder, options, compute_type=compute_type)
    return {"sayso": partial(_transcribed, ours), "batched pipeline": batched, "transcribe": plain}


def _worker(folder: Path, options: argparse.Namespace, **changes: object) -> Any:
    from backends.speech.whisper import WhisperWorker

    return WhisperWorker(whisper_params(_settings(folder, options, **changes), folder))


def _transcribed(worker: Any, clips: Clips) -> list[str]:
    job = TranscribeClips(tuple(Clip(len(pcm), "en") for pcm in clips))
    return [found.text for found in worker.transcribe(job, b"".join(clips)).clips]


def _by_turns(
    sides: Mapping[str, Side], clips: Clips, compute_type: str, options: argparse.Namespace
) -> Iterator[Timed]:
    next_clip = 0
    for batch in (int(size) for size in options.batches.split(",")):
        rounds = max(options.rounds, len(clips)) if batch == 1 and not options.short else options.rounds
        for number in range(-1, rounds):  # the first warms up
            chosen = tuple((next_clip + place) % len(clips) for place in range(batch))
            next_clip += batch if number >= 0 else 0
            names = [name for name in sides if name != "transcribe" or batch == 1]
            for name in names[number % len(names) :] + names[: number % len(names)]:
                picked = [clips[place] for place in chosen]
                began_s = time.perf_counter()
                texts = sides[name](picked)
                took_s = time.perf_counter() - began_s
                if number >= 0:
                    yield Timed(name, compute_type, batch, _seconds(picked), took_s, tuple(texts), chosen)


def _rows(timed: Sequence[Timed], base: Sequence[str]) -> Iterator[dict[str, Any]]:
    for batch, side in dict.fromkeys((one.batch, one.side) for one in timed):
        mine = [one for one in timed if (one.batch, one.side) == (batch, side)]
        took_ms = [1_000 * one.took_s for one in mine]
        same = [
            _words(text) == _words(base[place])
            for one in mine
            for text, place in zip(one.texts, one.clips, strict=True)
        ]
        yield {
            "side": side,
            "type": mine[0].compute_type,
            "batch": batch,
            "audio_s_per_s": sum(one.audio_s for one in mine) / sum(one.took_s for one in mine),
            "ms_each": sum(took_ms) / len(mine) / batch,
            "p50_ms": percentile(took_ms, 50),
            "p95_ms": percentile(took_ms, 95),
            "same": sum(same) / len(same),
        }


# --- memory --------------------------------------------------------------------------------------


def _memory(folder: Path, clips: Clips, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure a batch on a nearly full card, and the start of a worker on a full one."""
    if options.device == "cpu":
        return []
    card = Card()
    batch = [clips[number % len(clips)] for number in range(MEMORY_BATCH)]
    wanted = _transcribed(_worker(folder, options), batch)
    rows: list[dict[str, Any]] = []
    for is_loaded_before in (True, False):
        for left_mb in map(int, options.left.split(",")):
            worker = _worker(folder, options) if is_loaded_before else None
            free_mb = card.take_all_but(left_mb)
            began_s = time.perf_counter()
            try:
                given = batch if worker else batch[:START_BATCH]
                worker = worker or _worker(folder, options)
                texts = _transcribed(worker, given)
            finally:
                card.give_back()
            row = {"loaded_before": is_loaded_before, "free_mb": free_mb, "took_s": time.perf_counter() - began_s}
            row |= {name: getattr(worker.describe(), name) for name in ("device", "compute_type", "max_batch")}
            row |= {"same": sum(_words(a) == _words(b) for a, b in zip(texts, wanted, strict=False)), "of": len(texts)}
            print(row, flush=True)
            rows.append(row)
            del worker
    return rows


# --- many speakers -------------------------------------------------------------------------------


class _Figures(Actor[MetricsMessage]):
    """Receives the recogniser's metrics, and keeps the sizes of batches."""

    def __init__(self, batches: list[float]) -> None:
        self._batches = batches

    async def handle(self, message: MetricsMessage) -> None:
        """Keep the sizes of batches."""
        if isinstance(message, Observe) and message.name == "stt_batch_size":
            self._batches.append(message.value)


@attrs.define
class Crowd:
    """The speakers with their clips, and the outcome of each command."""

    clips: Clips
    ask: Callable[[str, bytes], Awaitable[bool]]
    """Transcribes a speaker's command; returns whether there were words."""
    options: argparse.Namespace
    took_ms: list[float] = attrs.field(factory=list)
    refused: int = 0

    async def speak(self) -> None:
        """Run all speakers, each with a command every five seconds."""
        rng = random.Random(self.options.seed)
        async with trio.open_nursery() as nursery:
            for number in range(self.options.speakers):
                nursery.start_soon(self._speaker, f"s{number}", random.Random(rng.random()))

    async def _speaker(self, name: str, rng: random.Random) -> None:
        """Say the next command when it is due, whether or not the last one was transcribed."""
        ends_s = trio.current_time() + self.options.seconds
        due_s = trio.current_time() + rng.uniform(0, PERIOD_S)
        async with trio.open_nursery() as nursery:
            while due_s < ends_s:
                await trio.sleep_until(due_s)
                nursery.start_soon(self._say, name, rng.choice(self.clips))
                due_s += PERIOD_S

    async def _say(self, name: str, pcm: bytes) -> None:
        began_s = trio.current_time()
        if await self.ask(name, pcm):
            self.took_ms.append(1_000 * (trio.current_time() - began_s))
        else:
            self.refused += 1


def _speakers(folder: Path, clips: Clips, options: argparse.Namespace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for workers, batch_size in (map(int, each.split("x")) for each in options.pools.split(",")):
        settings = _settings(folder, options, workers=workers, batch_size=batch_size, queue_per_worker=256)
        crowd, seen = trio.run(_to_us, settings, clips, options)
        rows.append({"workers": workers, "batch_size": batch_size} | _shown("sayso", crowd) | seen)
        print(rows[-1], flush=True)
    rows.append({"workers": PEER_WORKERS} | _shown("transcribe", trio.run(_to_peer, folder, clips, options)))
    print(rows[-1], flush=True)
    return rows


def _shown(side: str, crowd: Crowd) -> dict[str, Any]:
    percentiles = {f"p{percent}_ms": round(percentile(crowd.took_ms, percent), 1) for percent in (50, 95, 99)}
    return {"side": side, "speakers": crowd.options.speakers, "heard": len(crowd.took_ms), "refused": crowd.refused} | (
        percentiles
    )


async def _to_us(
    settings: TranscriptionSettings, clips: Clips, options: argparse.Namespace
) -> tuple[Crowd, dict[str, float]]:
    spec = WorkerSpec(
        name="stt",
        target="backends.speech.whisper:WhisperWorker",
        params=whisper_params(settings, Path(settings.model)),
        start_timeout_s=settings.start_timeout_s,
        threads=1,
    )
    pool = Pool(spec, settings.workers, limits=WorkerLimits(is_data_limited=False))
    engine: Ref[TranscriptionMessage] = Ref("transcription")
    metrics: Ref[MetricsMessage] = Ref("metrics")
    batches: list[float] = []
    make = partial(Transcription, settings, pool, metrics, reports=Published())
    specs: list[ChildSpec[Any]] = [ChildSpec(metrics, partial(_Figures, batches))]
    specs.append(ChildSpec(engine, make, start_timeout_s=settings.start_timeout_s))
    crowd = Crowd(clips, partial(_ask, engine), options)
    async with trio.open_nursery() as nursery:
        await nursery.start(run_tree, Supervisor(specs))
        while pool.ready < settings.workers:  # noqa: ASYNC110 - a pool tells of the first only
            await trio.sleep(0.1)
        await crowd.speak()
        seen = {"mean_batch": sum(batches) / max(1, len(batches)), "largest_batch": max(batches, default=0)}
        seen |= {"pss_mb": pool.statistics().pss_bytes >> 20, **_used(settings.embedded.device)}
        nursery.cancel_scope.cancel()
    return crowd, seen


def _used(device: str) -> dict[str, float]:
    if device == "cpu":
        return {}
    free_mb, total_mb = Card().memory_mb()
    return {"card_used_mb": total_mb - free_mb}


async def _ask(engine: Ref[TranscriptionMessage], name: str, pcm: bytes) -> bool:
    utterance = Utterance(pcm, start_ms=0, end_ms=len(pcm) * 500 // RATE_HZ)
    request = Transcribe(name, utterance, language="en", vocabulary=(), urgency="final")
    try:
        answer = await engine.ask(request, timeout_s=ASK_TIMEOUT_S)
    except (DomainError, trio.TooSlowError):
        return False
    return isinstance(answer, Recognition)


async def _to_peer(folder: Path, clips: Clips, options: argparse.Namespace) -> Crowd:
    """Run the speakers against one ``WhisperModel`` with two workers, called from threads."""
    from faster_whisper import WhisperModel

    from backends.speech.whisper_engine import to_floats

    kind = options.types.split(",")[0]
    model = WhisperModel(str(folder), device=options.device, compute_type=kind, cpu_threads=1, num_workers=PEER_WORKERS)
    room = trio.CapacityLimiter(PEER_WORKERS)

    def transcribe(pcm: bytes) -> bool:
        segments, _ = model.transcribe(to_floats(pcm), language="en", beam_size=5)
        return any(segment.text for segment in segments)

    async def ask(_: str, pcm: bytes) -> bool:
        return await trio.to_thread.run_sync(transcribe, pcm, limiter=room)

    transcribe(clips[0])
    crowd = Crowd(clips, ask, options)
    await crowd.speak()
    return crowd


if __name__ == "__main__":
    main()
