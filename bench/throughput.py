"""Many speakers at once: seconds of speech transcribed in a second, by our pool and by ``faster_whisper``'s own model.

Each side has the same model, the same compute type and all cores, and serves the same clips to as many clients, each of
which sends its next clip when it has the text of the last. Ours is the server's own: queue, batching and worker
processes with its own settings. The peer is ``WhisperModel`` in the two ways that it offers: one thread and as many
workers as there are cores, called from threads; and all cores for one call after the other. The sides take turns.

    sayso bench throughput                            8 clients, commands made by Piper
    sayso bench throughput --corpus DIR               the WAV files of a folder
    sayso bench throughput --clients 8 --clips 4 --rounds 3
"""

# ruff: noqa: PLC0415 - numeric libraries read the number of threads from the environment when they are imported

import argparse
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Never

import trio

from actors.transcription import Transcription
from assembly.adapters import Adapters
from backends.speech.vad import EarshotDetector
from bench._report import compared, heading, show, write
from bench.load import options as flags
from bench.load.callers import RATE_HZ
from bench.load.clips import clips
from config.load import load
from protocol.audio.endpointing import Ended, Endpointer
from protocol.messages.hearing import Recognition, Transcribe, Utterance
from protocol.messages.inboxes import TranscriptionMessage
from runtime import Actor, ChildSpec, Ref, Supervisor, run_tree

START_TIMEOUT_S: Final = 60.0
ASK_TIMEOUT_S: Final = 120.0
BASE: Final = "faster-whisper, a worker a core"
Queue = Sequence[Sequence[bytes]]
"""For each client, its clips one after the other."""
Side = Callable[[bytes], Awaitable[str]]


def main() -> None:
    """Measure, print a table, write bench/results/throughput.json."""
    options = _options()
    os.environ["OMP_NUM_THREADS"] = "1"  # CTranslate2 is told its own number
    spoken = [utterance for clip in clips(options.corpus) for utterance in _utterances(clip.pcm)]
    rng = random.Random(options.seed)
    queue = [rng.choices(spoken, k=options.clips) for _ in range(options.clients)]
    audio_s = sum(len(pcm) / 2 / RATE_HZ for mine in queue for pcm in mine)
    taken, texts = trio.run(_measure, queue, options)
    rows = compared({name: [took_s / audio_s for took_s in sides] for name, sides in taken.items()}, BASE)
    show(f"{options.clients} clients, {audio_s:.0f} s of speech: seconds for a second of speech", "s", rows, BASE)
    same = {name: sum(a == b for a, b in zip(found, texts[BASE], strict=True)) for name, found in texts.items()}
    print(f"texts like those of {BASE!r}: {same} of {len(texts[BASE])}")
    for name, row in rows.items():
        print(f"{name}: {1 / row['median']:.1f} s of speech a second, {1 / row['ratio_median']:.2f} x {BASE}")
    write(
        "throughput",
        heading(options, "faster-whisper", "ctranslate2") | {"sides": rows, "same": same},
    )


def _options() -> argparse.Namespace:
    parser = flags.parser(__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--clips", type=int, default=4, help="for each client in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="tiny.en")
    return flags.parsed(parser)


def _utterances(pcm: bytes) -> Iterator[bytes]:
    """Yield the utterances that the server's detector and endpointer find in a clip; both sides get the same."""
    endpointer = Endpointer(load(None, {}, {}).settings.audio)
    for event in endpointer.feed(EarshotDetector().probabilities(pcm)):
        if isinstance(event, Ended):
            yield pcm[2 * event.start_sample : 2 * event.end_sample]


async def _measure(queue: Queue, options: argparse.Namespace) -> tuple[dict[str, list[float]], dict[str, list[str]]]:
    with tempfile.TemporaryDirectory() as scratch:
        settings = load(None, {}, {"transcription.model": options.model, "supervisor.data_dir": scratch}).settings
        engine: Ref[TranscriptionMessage] = Ref("transcription")
        make = partial(Transcription, settings.transcription, Adapters(settings).whisper_pool(), Ref("metrics"))
        specs: list[ChildSpec[Never]] = [
            ChildSpec(Ref("metrics"), _NullMetrics),
            ChildSpec(engine, make, start_timeout_s=START_TIMEOUT_S),
        ]
        cores = os.cpu_count() or 1
        peers = {
            BASE: _peer(options.model, settings.supervisor.models_dir, threads=1, workers=cores),
            "faster-whisper, all cores for one": _peer(
                options.model, settings.supervisor.models_dir, threads=cores, workers=1
            ),
        }
        async with trio.open_nursery() as nursery:
            await nursery.start(run_tree, Supervisor(specs))
            sides: Mapping[str, Side] = {"sayso": partial(_ours, engine), **peers}
            taken: dict[str, list[float]] = {name: [] for name in sides}
            texts: dict[str, list[str]] = {}
            for number in range(-1, options.rounds):  # the first warms up
                for name in [*sides][number % len(sides) :] + [*sides][: number % len(sides)]:
                    took_s, texts[name] = await _served(sides[name], queue)
                    if number >= 0:
                        taken[name].append(took_s)
            nursery.cancel_scope.cancel()
    return taken, texts


class _NullMetrics(Actor[object]):
    """Receives metrics and discards them."""

    async def handle(self, message: object) -> None:
        """Discard the metric."""


async def _served(side: Side, queue: Queue) -> tuple[float, list[str]]:
    """Return the seconds that all clients took, and their transcripts."""
    told: list[list[str]] = [[] for _ in queue]
    began_s = time.perf_counter()

    async def client(mine: Sequence[bytes], texts: list[str]) -> None:
        """Send all clips, one after the other."""
        texts += [_plain(await side(pcm)) for pcm in mine]

    async with trio.open_nursery() as nursery:
        for mine, texts in zip(queue, told, strict=True):
            nursery.start_soon(client, mine, texts)
    return time.perf_counter() - began_s, [text for texts in told for text in texts]


async def _ours(engine: Ref[TranscriptionMessage], pcm: bytes) -> str:
    utterance = Utterance(pcm, start_ms=0, end_ms=len(pcm) * 500 // RATE_HZ)
    request = Transcribe("bench", utterance, language="en", vocabulary=(), urgency="final")
    answer = await engine.ask(request, timeout_s=ASK_TIMEOUT_S)
    return answer.text if isinstance(answer, Recognition) else ""


def _peer(model: str, models_dir: Path, *, threads: int, workers: int) -> Side:
    from faster_whisper import WhisperModel

    from backends.speech.models import resolve_whisper
    from backends.speech.whisper_engine import to_floats

    folder = str(resolve_whisper(model, models_dir))
    whisper = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads, num_workers=workers)
    room = trio.CapacityLimiter(workers)

    def transcribe(pcm: bytes) -> str:
        segments, _ = whisper.transcribe(to_floats(pcm), language="en")
        return " ".join(segment.text for segment in segments)

    async def side(pcm: bytes) -> str:
        return await trio.to_thread.run_sync(transcribe, pcm, limiter=room)

    return side


def _plain(text: str) -> str:
    return " ".join("".join(char for char in text.lower() if char.isalnum() or char == " ").split())


if __name__ == "__main__":
    main()
