"""Many speakers at once: seconds of speech transcribed in a second, by our pool and by ``faster_whisper``'s own model.

Each side has the same model, the same compute type and all cores, and serves the same clips to as many clients, each of
which sends its next clip when it has the text of the last. Ours is the server's own: queue, batching and worker
processes with its own settings. The peer is ``WhisperModel`` in the two ways that it offers: one thread and as many
workers as there are cores, called from threads; and all cores for one call after the other. The sides take turns.

    sayso bench throughput                            8 clients, commands made by Piper
    sayso bench throughput --corpus DIR               the WAV files of a folder
    sayso bench throughput --clients 8 --clips 4 --rounds 3
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

import trio

from assembly.adapters import Adapters
from backends.speech.models import resolve_whisper
from backends.speech.vad import EarshotDetector
from bench.engine.recogniser import Peer, Recogniser, seconds
from bench.load.clips import clips
from bench.load.options import CORPUS, SEED
from bench.part import Flag, Part, Report
from bench.report import compared, rotated, show
from bench.text import plain_words
from config.load import load
from protocol.audio.endpointing import Ended, Endpointer

ASK_TIMEOUT_S: Final = 120.0
BASE: Final = "faster-whisper, a worker a core"
Queue = Sequence[Sequence[bytes]]
"""For each client, its clips one after the other."""
Side = Callable[[bytes], Awaitable[str]]


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Let the same clients ask each side by turns."""
    os.environ["OMP_NUM_THREADS"] = "1"  # CTranslate2 is told its own number
    spoken = [utterance for clip in clips(options.corpus) for utterance in _utterances(clip.pcm)]
    rng = random.Random(options.seed)
    queue = [rng.choices(spoken, k=options.clips) for _ in range(options.clients)]
    audio_s = sum(seconds(mine) for mine in queue)
    taken, texts = trio.run(_by_turns, queue, options)
    rows = compared({name: [took_s / audio_s for took_s in sides] for name, sides in taken.items()}, BASE)
    show(f"{options.clients} clients, {audio_s:.0f} s of speech: seconds for a second of speech", "s", rows, BASE)
    same = {name: sum(a == b for a, b in zip(found, texts[BASE], strict=True)) for name, found in texts.items()}
    print(f"texts like those of {BASE!r}: {same} of {len(texts[BASE])}")
    for name, row in rows.items():
        print(f"{name}: {1 / row['median']:.1f} s of speech a second, {1 / row['ratio_median']:.2f} x {BASE}")
    yield {"sides": rows, "same": same}


def _utterances(pcm: bytes) -> Iterator[bytes]:
    """Yield the utterances that the server's detector and endpointer find in a clip; both sides get the same."""
    endpointer = Endpointer(load(None, {}, {}).settings.audio)
    for event in endpointer.feed(EarshotDetector().probabilities(pcm)):
        if isinstance(event, Ended):
            yield pcm[2 * event.start_sample : 2 * event.end_sample]


async def _by_turns(
    queue: Queue, options: argparse.Namespace
) -> tuple[dict[str, list[float]], dict[str, list[list[str]]]]:
    with tempfile.TemporaryDirectory() as scratch:
        settings = load(None, {}, {"transcription.model": options.model, "supervisor.data_dir": scratch}).settings
        folder, cores = resolve_whisper(options.model, settings.supervisor.models_dir), os.cpu_count() or 1
        peers = {
            BASE: Peer(folder, threads=1, workers=cores).ask,
            "faster-whisper, all cores for one": Peer(folder, threads=cores, workers=1).ask,
        }
        async with Recogniser.running(settings.transcription, Adapters(settings).whisper_pool()) as ours:

            async def ask(pcm: bytes) -> str:
                return await ours.ask("bench", pcm, ASK_TIMEOUT_S) or ""

            sides: Mapping[str, Side] = {"sayso": ask, **peers}
            taken: dict[str, list[float]] = {name: [] for name in sides}
            texts: dict[str, list[list[str]]] = {}
            for number in range(-1, options.rounds):  # the first warms up
                for name in rotated(sides, number):
                    took_s, texts[name] = await _served(sides[name], queue)
                    if number >= 0:
                        taken[name].append(took_s)
    return taken, texts


async def _served(side: Side, queue: Queue) -> tuple[float, list[list[str]]]:
    """Return the seconds that all clients took, and the words of each clip."""
    told: list[list[list[str]]] = [[] for _ in queue]
    began_s = time.perf_counter()

    async def client(mine: Sequence[bytes], texts: list[list[str]]) -> None:
        """Send all clips, one after the other."""
        texts += [plain_words(await side(pcm)) for pcm in mine]

    async with trio.open_nursery() as nursery:
        for mine, texts in zip(queue, told, strict=True):
            nursery.start_soon(client, mine, texts)
    return time.perf_counter() - began_s, [text for texts in told for text in texts]


PART: Final = Part(
    "throughput",
    measure,
    (
        SEED,
        CORPUS,
        Flag("--clients", 8),
        Flag("--clips", 4, "for each client in each round"),
        Flag("--rounds", 3),
        Flag("--model", "tiny.en"),
    ),
    ("faster-whisper", "ctranslate2"),
)
