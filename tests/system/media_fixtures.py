"""The decoder of uploaded recordings with its real process, in a tree with its actor."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from actors.media import Media
from assembly.adapters import Adapters
from config.settings import MediaSettings
from protocol.messages.recordings import DecodedBlock, ReadRecording, RecordingRefused
from runtime import ChildSpec, Ref, Supervisor, run_tree
from runtime.workers.pool import Pool
from runtime.workers.pool_statistics import WorkerStatistics
from tests.fakes import Script, default_settings, scripted

READ_TIMEOUT_S = 60.0  # as in the server


@attrs.define(eq=False)
class Decoder:
    """The decoder, and its counts."""

    pool: Pool
    ref: Ref
    metrics: Script

    async def read(self, path: Path, from_sample: int = 0) -> DecodedBlock | RecordingRefused:
        """Ask for one block."""
        message = ReadRecording(path.name, str(path), from_sample)
        return await self.ref.ask(message, timeout_s=READ_TIMEOUT_S)

    async def read_all(self, path: Path) -> int | RecordingRefused:
        """Return how many samples a file has, or why it is refused."""
        samples = 0
        while True:
            found = await self.read(path, samples)
            if isinstance(found, RecordingRefused):
                return found
            samples += len(found.pcm) // 2
            if found.is_last:
                return samples

    @property
    def worker(self) -> WorkerStatistics:
        """What the pool shows of its process."""
        return self.pool.statistics().workers[0]

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self.worker.pid is not None
        return self.worker.pid


@asynccontextmanager
async def decoding(**changes: Any) -> AsyncIterator[Decoder]:
    """Run the actor with the pool of an installation that configures nothing, but for ``changes``."""
    settings = default_settings()
    media: MediaSettings = attrs.evolve(settings.media, **changes)
    pool = Adapters(attrs.evolve(settings, media=media)).media_pool()
    script = Script()
    metrics = scripted("metrics", script)
    ref = Ref("media")
    specs = (metrics, ChildSpec(ref, lambda: Media(media, pool, metrics.ref), start_timeout_s=media.start_timeout_s))
    async with trio.open_nursery() as nursery:
        await nursery.start(run_tree, Supervisor(specs))
        decoder = Decoder(pool, ref, script)
        with tempfile.NamedTemporaryFile() as nothing:
            await decoder.read(Path(nothing.name))  # the process is loaded for the first recording
        yield decoder
        nursery.cancel_scope.cancel()
