"""Who is compared: the server's Whisper worker, its recogniser with queue and processes, and ``faster_whisper``."""

# ruff: noqa: PLC0415 - numeric libraries read the number of threads from the environment when they are imported

import sys
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Never

import attrs
import trio

from actors.transcription import Transcription
from backends.jobs import Clip, TranscribeClips
from backends.protocols import JobPool
from backends.speech.whisper_params import whisper_params
from config.load import load
from config.settings import TranscriptionSettings
from protocol.messages.hearing import Recognition, Transcribe, Utterance
from protocol.messages.inboxes import MetricsMessage, TranscriptionMessage
from protocol.messages.records import Observe
from runtime import Actor, ChildSpec, Ref, Supervisor, run_tree
from runtime.messaging.published import Published

if TYPE_CHECKING:
    from backends.speech.whisper import WhisperWorker

RATE_HZ: Final = 16_000
Clips = Sequence[bytes]
"""Each s16le, 16 kHz, mono."""


def samples(file: Path) -> bytes:
    """Return the samples of a WAV file; exits where they are not 16 kHz mono s16le."""
    with wave.open(str(file)) as source:
        if (source.getframerate(), source.getnchannels(), source.getsampwidth()) != (RATE_HZ, 1, 2):
            sys.exit(f"clips must be 16 kHz mono 16-bit, and {file} is not")
        pcm: bytes = source.readframes(source.getnframes())
        return pcm


def seconds(clips: Clips) -> float:
    """Return how long they are together."""
    return sum(len(pcm) for pcm in clips) / 2 / RATE_HZ


# --- ours ----------------------------------------------------------------------------------------


def transcription_settings(folder: Path, **changes: object) -> TranscriptionSettings:
    """Return the settings for the model in ``folder``; a ``__`` in a name of ``changes`` stands for its dot."""
    named = {f"transcription.{name.replace('__', '.')}": str(value).lower() for name, value in changes.items()}
    return load(None, {}, {"transcription.model": str(folder), **named}).settings.transcription


def worker(settings: TranscriptionSettings) -> "WhisperWorker":
    """Return what does a worker's jobs, in this process."""
    from backends.speech.whisper import WhisperWorker

    return WhisperWorker(whisper_params(settings, Path(settings.model)))


def transcribed(whisper: "WhisperWorker", clips: Clips) -> list[str]:
    """Return the texts of a batch."""
    job = TranscribeClips(tuple(Clip(len(pcm), "en") for pcm in clips))
    return [found.text for found in whisper.transcribe(job, b"".join(clips)).clips]


class _Metrics(Actor[MetricsMessage]):
    """Receives the recogniser's metrics, and keeps the sizes of batches."""

    def __init__(self, batches: list[float]) -> None:
        self._batches = batches

    async def handle(self, message: MetricsMessage) -> None:
        """Keep the sizes of batches."""
        if isinstance(message, Observe) and message.name == "stt_batch_size":
            self._batches.append(message.value)


@attrs.frozen
class Recogniser:
    """The server's recogniser, running."""

    batches: list[float] = attrs.field(factory=list)
    """The size of each batch that was decoded."""
    _ref: Ref[TranscriptionMessage] = attrs.field(factory=lambda: Ref("transcription"))

    async def ask(self, name: str, pcm: bytes, timeout_s: float) -> str | None:
        """Return what the client ``name`` said, ``None`` if no words; raises ``DomainError`` and ``TooSlowError``."""
        utterance = Utterance(pcm, start_ms=0, end_ms=len(pcm) * 500 // RATE_HZ)
        request = Transcribe(name, utterance, language="en", vocabulary=(), urgency="final")
        answer = await self._ref.ask(request, timeout_s=timeout_s)
        return answer.text if isinstance(answer, Recognition) else None

    @classmethod
    @asynccontextmanager
    async def running(cls, settings: TranscriptionSettings, pool: JobPool) -> AsyncIterator["Recogniser"]:
        """Run one with ``pool`` for the block."""
        made, metrics = cls(), Ref[MetricsMessage]("metrics")

        def make_metrics() -> _Metrics:
            return _Metrics(made.batches)

        def make_transcription() -> Transcription:
            return Transcription(settings, pool, metrics, reports=Published())

        specs: list[ChildSpec[Never]] = [
            ChildSpec(metrics, make_metrics),
            ChildSpec(made._ref, make_transcription, start_timeout_s=settings.start_timeout_s),
        ]
        async with trio.open_nursery() as nursery:
            await nursery.start(run_tree, Supervisor(specs))
            yield made
            nursery.cancel_scope.cancel()


# --- the peer ------------------------------------------------------------------------------------


class Peer:
    """``faster_whisper.WhisperModel``, also called from as many threads as it has workers."""

    def __init__(
        self, folder: Path, *, device: str = "cpu", compute_type: str = "int8", threads: int = 1, workers: int = 1
    ) -> None:
        from faster_whisper import WhisperModel

        self.model: Any = WhisperModel(
            str(folder), device=device, compute_type=compute_type, cpu_threads=threads, num_workers=workers
        )
        self._room = trio.CapacityLimiter(workers)

    def transcribe(self, pcm: bytes, beam_size: int = 5) -> str:
        """Return the text of a clip."""
        from backends.speech.whisper_engine import to_floats

        segments, _ = self.model.transcribe(to_floats(pcm), language="en", beam_size=beam_size)
        return " ".join(segment.text.strip() for segment in segments)

    async def ask(self, pcm: bytes) -> str:
        """Return the text of a clip, as soon as a worker is free."""
        return await trio.to_thread.run_sync(self.transcribe, pcm, limiter=self._room)
