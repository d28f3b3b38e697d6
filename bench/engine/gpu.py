"""Whisper on a graphics card: throughput, latency, running out of memory, many speakers on one card.

Ours is the server's own worker (``WhisperWorker`` with its rules, its five hypotheses and Silero before it), the peers
are ``faster_whisper``: ``BatchedInferencePipeline`` and plain ``transcribe``, beam of five, the same model files and
compute type, no Silero. The sides take turns, batch by batch, on the same clips. The speakers speak to the server's
own queue, pool and processes. ``--shape`` measures a model of that shape with invented weights (shapes.py):
its times and memory are real, its words are not.

    sayso bench gpu                                     tiny.en, commands made by Piper
    sayso bench gpu --clips DIR --shape large-v3-turbo  the WAV files of a folder (16 kHz mono)
    sayso bench gpu --device cpu --short                that it runs, without a card
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from backends.speech.models import resolve_whisper
from backends.speech.whisper_params import whisper_params
from bench.engine.card import Card
from bench.engine.recogniser import (
    Clips,
    Peer,
    Recogniser,
    samples,
    seconds,
    transcribed,
    transcription_settings,
    worker,
)
from bench.engine.shapes import SHAPES, write_model
from bench.load.clips import SENTENCES, spoken
from bench.load.figures import percentile
from bench.part import Flag, Part, Report, some_of
from bench.report import rotated, table
from bench.text import plain_words, share_alike
from config.settings import TranscriptionSettings
from runtime import DomainError
from runtime.workers.pool import Pool, WorkerLimits, WorkerSpec

PERIOD_S: Final = 5.0  # from one command of a speaker to the next
ASK_TIMEOUT_S: Final = 30.0
MEMORY_BATCH: Final = 32
START_BATCH: Final = 2  # for a worker that starts on a full card, and may end on the CPU
PEER_WORKERS: Final = 2
SHORT_CLIPS: Final = 3
SHORT: Final[Mapping[str, Any]] = {
    "batches": "1,2",
    "rounds": 1,
    "pools": "1x2",
    "speakers": 4,
    "seconds": PERIOD_S,
    "dry": True,
}
Side = Callable[[Clips], list[str]]


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Measure stage after stage, each on the same clips."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    options.types = options.types or ("float16,int8_float16" if options.device == "cuda" else "int8")
    if options.short:
        vars(options).update(SHORT)
    with tempfile.TemporaryDirectory() as scratch:
        files = sorted(options.clips.glob("*.wav")) if options.clips else []
        clips = [samples(file) for file in files] or [clip.pcm for clip in spoken(SENTENCES)]
        random.Random(options.seed).shuffle(clips)
        clips = clips[:SHORT_CLIPS] if options.short else clips
        folder = resolve_whisper(options.model, Path(scratch))
        report: dict[str, Any] = {"card": _card(options.device), "model": options.model}
        if options.shape is not None:
            folder = write_model(SHAPES[options.shape], folder, Path(scratch) / options.shape)
            report |= {"name": f"gpu-{options.shape}", "model": f"the shape of {options.shape}, invented weights"}
        print(report, flush=True)
        for stage in options.only:
            report[stage] = STAGES[stage](folder, clips, options)
            yield report


def _card(device: str) -> dict[str, object]:
    if device == "cpu":
        return {}
    card = Card()
    return {"name": card.name, "memory_mb": card.memory_mb()[1]}


def _settings(folder: Path, options: argparse.Namespace, **changes: object) -> TranscriptionSettings:
    usual = {"embedded__device": options.device, "embedded__spare_workers": 0, "vocabulary": False}
    return transcription_settings(folder, **{**usual, **changes})


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
    names = ("type", "batch", "audio_s_per_s", "ms_each", "p50_ms", "p95_ms", "same")
    table("", names, [[row["side"], *(_figure(row[name]) for name in names)] for row in rows])
    return rows


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _sides(folder: Path, compute_type: str, options: argparse.Namespace) -> dict[str, Side]:
    from faster_whisper import BatchedInferencePipeline  # noqa: PLC0415 - after the number of threads is set

    from backends.speech.whisper_engine import to_floats  # noqa: PLC0415

    peer = Peer(folder, device=options.device, compute_type=compute_type)
    pipeline = BatchedInferencePipeline(peer.model)

    def batched(clips: Clips) -> list[str]:
        ends = [seconds(clips[: number + 1]) for number in range(len(clips))]
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

    ours = worker(_settings(folder, options, embedded__compute_type=compute_type))
    return {
        "sayso": partial(transcribed, ours),
        "batched pipeline": batched,
        "transcribe": lambda clips: [peer.transcribe(pcm) for pcm in clips],
    }


def _by_turns(
    sides: Mapping[str, Side], clips: Clips, compute_type: str, options: argparse.Namespace
) -> Iterator[Timed]:
    next_clip = 0
    for batch in (int(size) for size in options.batches.split(",")):
        rounds = max(options.rounds, len(clips)) if batch == 1 and not options.short else options.rounds
        for number in range(-1, rounds):  # the first warms up
            chosen = tuple((next_clip + place) % len(clips) for place in range(batch))
            next_clip += batch if number >= 0 else 0
            for name in rotated((name for name in sides if name != "transcribe" or batch == 1), number):
                picked = [clips[place] for place in chosen]
                began_s = time.perf_counter()
                texts = sides[name](picked)
                took_s = time.perf_counter() - began_s
                if number >= 0:
                    yield Timed(name, compute_type, batch, seconds(picked), took_s, tuple(texts), chosen)


def _rows(timed: Sequence[Timed], base: Sequence[str]) -> Iterator[dict[str, Any]]:
    for batch, side in dict.fromkeys((one.batch, one.side) for one in timed):
        mine = [one for one in timed if (one.batch, one.side) == (batch, side)]
        took_ms = [1_000 * one.took_s for one in mine]
        found = [text for one in mine for text in one.texts]
        yield {
            "side": side,
            "type": mine[0].compute_type,
            "batch": batch,
            "audio_s_per_s": sum(one.audio_s for one in mine) / sum(one.took_s for one in mine),
            "ms_each": sum(took_ms) / len(mine) / batch,
            "p50_ms": percentile(took_ms, 50),
            "p95_ms": percentile(took_ms, 95),
            "same": share_alike(found, [base[place] for one in mine for place in one.clips]),
        }


# --- memory --------------------------------------------------------------------------------------


def _memory(folder: Path, clips: Clips, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure a batch on a nearly full card, and the start of a worker on a full one."""
    if options.device == "cpu":
        return []
    card = Card()
    batch = [clips[number % len(clips)] for number in range(MEMORY_BATCH)]
    wanted = transcribed(worker(_settings(folder, options)), batch)
    rows: list[dict[str, Any]] = []
    for is_loaded_before in (True, False):
        for left_mb in map(int, options.left.split(",")):
            whisper = worker(_settings(folder, options)) if is_loaded_before else None
            free_mb = card.take_all_but(left_mb)
            began_s = time.perf_counter()
            try:
                given = batch if whisper else batch[:START_BATCH]
                whisper = whisper or worker(_settings(folder, options))
                texts = transcribed(whisper, given)
            finally:
                card.give_back()
            row = {"loaded_before": is_loaded_before, "free_mb": free_mb, "took_s": time.perf_counter() - began_s}
            row |= {name: getattr(whisper.describe(), name) for name in ("device", "compute_type", "max_batch")}
            same = sum(plain_words(a) == plain_words(b) for a, b in zip(texts, wanted, strict=False))
            row |= {"same": same, "of": len(texts)}
            print(row, flush=True)
            rows.append(row)
            del whisper
    return rows


# --- many speakers -------------------------------------------------------------------------------


@attrs.define
class Speakers:
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


def _shown(side: str, crowd: Speakers) -> dict[str, Any]:
    percentiles = {f"p{percent}_ms": round(percentile(crowd.took_ms, percent), 1) for percent in (50, 95, 99)}
    return {"side": side, "speakers": crowd.options.speakers, "heard": len(crowd.took_ms), "refused": crowd.refused} | (
        percentiles
    )


async def _to_us(
    settings: TranscriptionSettings, clips: Clips, options: argparse.Namespace
) -> tuple[Speakers, dict[str, float]]:
    spec = WorkerSpec(
        name="stt",
        target="backends.speech.whisper:WhisperWorker",
        params=whisper_params(settings, Path(settings.model)),
        start_timeout_s=settings.start_timeout_s,
        threads=1,
    )
    pool = Pool(spec, settings.workers, limits=WorkerLimits(is_data_limited=False))
    async with Recogniser.running(settings, pool) as ours:

        async def ask(name: str, pcm: bytes) -> bool:
            try:
                return await ours.ask(name, pcm, ASK_TIMEOUT_S) is not None
            except (DomainError, trio.TooSlowError):
                return False

        speakers = Speakers(clips, ask, options)
        while pool.ready < settings.workers:  # noqa: ASYNC110 - a pool tells of the first only
            await trio.sleep(0.1)
        await speakers.speak()
        batches = ours.batches
        seen = {"mean_batch": sum(batches) / max(1, len(batches)), "largest_batch": max(batches, default=0)}
        seen |= {"pss_mb": pool.statistics().pss_bytes >> 20, **_used(settings.embedded.device)}
    return speakers, seen


def _used(device: str) -> dict[str, float]:
    if device == "cpu":
        return {}
    free_mb, total_mb = Card().memory_mb()
    return {"card_used_mb": total_mb - free_mb}


async def _to_peer(folder: Path, clips: Clips, options: argparse.Namespace) -> Speakers:
    """Run the speakers against one ``WhisperModel`` with two workers, called from threads."""
    peer = Peer(folder, device=options.device, compute_type=options.types.split(",")[0], workers=PEER_WORKERS)

    async def ask(_: str, pcm: bytes) -> bool:
        return bool(await peer.ask(pcm))

    peer.transcribe(clips[0])
    speakers = Speakers(clips, ask, options)
    await speakers.speak()
    return speakers


STAGES: Final[Mapping[str, Callable[[Path, Clips, argparse.Namespace], list[dict[str, Any]]]]] = {
    "throughput": _throughput,
    "memory": _memory,
    "speakers": _speakers,
}
PART: Final = Part(
    "gpu",
    measure,
    (
        Flag("--device", "cuda", more={"choices": ("cuda", "cpu")}),
        Flag("--model", "tiny.en", "embedded name or folder"),
        Flag("--shape", None, "measure invented weights of this shape; --model gives the tokenizer"),
        Flag("--clips", None, "a folder of WAV files instead of commands by Piper", Path),
        Flag("--types", "", "compute types (float16,int8_float16; int8 on a CPU)"),
        Flag("--batches", "1,4,8,16,32"),
        Flag("--rounds", 5, "batches of each size and side"),
        Flag("--left", "2048,512,128,32", "MB of graphics memory that are left, one by one"),
        Flag("--pools", "1x1,1x16,2x1,2x16", "workers x batch, to which the speakers speak"),
        Flag("--speakers", 200),
        Flag("--seconds", 15.0, "that they speak"),
        Flag("--only", list(STAGES), "of these stages", some_of(tuple(STAGES))),
        Flag("--seed", 1),
        Flag("--short", False, "little of everything, and nothing is written"),
    ),
    ("faster-whisper", "ctranslate2"),
)
