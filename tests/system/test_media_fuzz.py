"""Damaged recordings of many formats against the decoder's real process.

Every file is decoded or refused, and nothing dies but the worker process. ``SAYSO_FUZZ_FILES`` sets how many files,
``SAYSO_FUZZ_SEED`` which ones; with ``--log-cli-level=info`` what became of them is shown.
"""

import logging
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import av
import numpy as np
import pytest
import trio

from protocol.messages.recordings import RecordingRefused
from protocol.messages.records import Count
from runtime.workers.process import read_memory
from tests.backends.speech.sounds import sound
from tests.system.media_fixtures import Decoder, decoding

pytestmark = pytest.mark.system
log = logging.getLogger(__name__)

FILES = int(os.environ.get("SAYSO_FUZZ_FILES", "500"))
SEED = int(os.environ.get("SAYSO_FUZZ_SEED", "1"))
LIMIT_S = 60.0 + FILES  # usually 3 ms a file; those that take the worker 10 s are few
AT_ONCE = 2  # as in the server
GROWTH_MAX_BYTES = 40 << 20  # of this process
HEAD_BYTES = 400  # where most of a format's numbers are
EXTREMES = (0, 1, 127, 128, 254, 255)

# file name extension, encoder, rate, sample format
FORMATS = (
    ("wav", "pcm_s16le", 16_000, "s16"),
    ("wav", "pcm_s24le", 48_000, "s32"),
    ("wav", "pcm_f32le", 44_100, "flt"),
    ("wav", "adpcm_ms", 16_000, "s16"),
    ("au", "pcm_s16be", 16_000, "s16"),
    ("aiff", "pcm_s16be", 16_000, "s16"),
    ("w64", "pcm_s16le", 16_000, "s16"),
    ("caf", "pcm_s16le", 16_000, "s16"),
    ("flac", "flac", 16_000, "s16"),
    ("mp3", "libmp3lame", 16_000, "s16p"),
    ("aac", "aac", 16_000, "fltp"),
    ("m4a", "aac", 44_100, "fltp"),
    ("m4a", "alac", 16_000, "s16p"),
    ("3gp", "aac", 16_000, "fltp"),
    ("ogg", "libopus", 48_000, "s16"),
    ("webm", "libopus", 48_000, "s16"),
    ("mkv", "aac", 44_100, "fltp"),
    ("amr", "libopencore_amrnb", 8_000, "s16"),
)


def sample_files(folder: Path) -> dict[str, bytes]:
    """Return one good recording of each format."""
    found = {}
    for extension, codec, rate_hz, sample_format in FORMATS:
        path = folder / f"good.{codec}.{extension}"
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=rate_hz, layout="mono", format=sample_format)
            stream.codec_context.open(strict=False)
            size = stream.codec_context.frame_size or 1_024
            resampler = av.AudioResampler(format=sample_format, layout="mono", rate=rate_hz, frame_size=size)
            samples = np.frombuffer(sound(("loud", 0.5), ("quiet", 0.5)), "<i2")[None, :]
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate = 16_000
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                part.pts = None
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        found[path.name] = path.read_bytes()
    return found


def damaged(good: bytes, rng: random.Random) -> bytes:
    """Return a recording with some of its bytes changed, cut, put twice or left out."""
    data = bytearray(good)
    region = min(len(data), HEAD_BYTES) if rng.random() < 0.7 else len(data)
    for _ in range(rng.choice((1, 2, 5, 20, 100))):
        data[rng.randrange(region)] = rng.choice((*EXTREMES, rng.randrange(256)))
    kind = rng.random()
    if kind < 0.1:
        del data[rng.randrange(1, len(data)) :]
    elif kind < 0.2:
        start, size = rng.randrange(len(data)), rng.randrange(1, 64)
        del data[start : start + size]
    elif kind < 0.3:
        start, size = rng.randrange(len(data)), rng.randrange(1, 4_096)
        data[start:start] = data[start : start + size]
    elif kind < 0.4:
        start = rng.randrange(max(1, region - 4))
        data[start : start + 4] = rng.randbytes(4)
    return bytes(data)


@attrs.define(eq=False)
class Round:
    """What became of the files."""

    endings: Counter[str] = attrs.field(factory=Counter)
    slowest: tuple[float, str] = (0.0, "")

    async def read(self, decoder: Decoder, path: Path, number: int, data: bytes) -> None:
        """Write one file, and have it decoded."""
        file = path.with_name(f"{number}.{path.name}")
        file.write_bytes(data)
        began_s = time.monotonic()
        found = await decoder.read_all(file)
        self.slowest = max(self.slowest, (time.monotonic() - began_s, file.name))
        self.endings["400" if isinstance(found, RecordingRefused) else "200"] += 1
        file.unlink()

    def shown(self, decoder: Decoder, seconds: float, grown_bytes: int, exits: Counter[str]) -> str:
        """Return the table."""
        worker_bytes = read_memory(decoder.pid).rss_bytes
        counts = Counter(count.labels[0] for count in decoder.metrics.of(Count) if count.name == "recordings_total")
        return "\n".join(
            [
                "",
                f"files {sum(self.endings.values())}, seed {SEED}, {seconds:.1f} s",
                f"answers {dict(self.endings)}; outcomes {dict(counts)}",
                f"worker processes that ended: {sum(exits.values())} {dict(exits)}",
                f"slowest {self.slowest[0]:.2f} s {self.slowest[1]}",
                f"this process grew by {grown_bytes / 1e6:.1f} MB; the worker has {worker_bytes / 1e6:.0f} MB",
            ]
        )


async def test_every_damaged_recording_is_decoded_or_refused_and_nothing_dies_but_the_worker(tmp_path: Path) -> None:
    goods = await trio.to_thread.run_sync(sample_files, tmp_path)
    rng = random.Random(SEED)
    todo = iter([(number, rng.choice(sorted(goods)), rng.randrange(1 << 32)) for number in range(FILES)])
    done, exits = Round(), Counter[str]()

    async def work() -> None:
        for number, name, seed in todo:
            restarts = decoder.worker.restarts
            await done.read(decoder, tmp_path / name, number, damaged(goods[name], random.Random(seed)))
            if decoder.worker.restarts > restarts:
                exits[f"{decoder.worker.last_exit}"] += 1

    with trio.fail_after(LIMIT_S):
        async with decoding() as decoder:
            for name in goods:
                assert not isinstance(await decoder.read_all(tmp_path / name), RecordingRefused), name
            before = read_memory(os.getpid()).rss_bytes
            began_s = time.monotonic()
            async with trio.open_nursery() as nursery:
                for _ in range(AT_ONCE):
                    nursery.start_soon(work)
            grown_bytes = read_memory(os.getpid()).rss_bytes - before
            log.info("%s", done.shown(decoder, time.monotonic() - began_s, grown_bytes, exits))
            assert sum(done.endings.values()) == FILES
            assert grown_bytes < GROWTH_MAX_BYTES
            for name in goods:
                assert not isinstance(await decoder.read_all(tmp_path / name), RecordingRefused), name
