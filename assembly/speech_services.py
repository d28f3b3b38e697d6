"""Functions for the HTTP API that ask the actors for speech.

All uploaded recordings count as one session in the queue of utterances, so they cannot starve live sessions. Utterances
that another server sends are live, and those of each such server count as one session.
"""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from backends.ingress.audio_services import AudioServices, RecordingDecoder, RecordingPace, TranscriptionOptions
from backends.ingress.http_models import ModelServices
from backends.protocols import SpeechDetector
from protocol.messages.hearing import NoWords, Recognition, Transcribe, Utterance
from protocol.messages.inboxes import MediaMessage, MetricsMessage, SpeechMessage, TranscriptionMessage
from protocol.messages.models import ListModels, LoadModel, ModelShown, UnloadModel
from protocol.messages.recordings import CloseRecording, DecodedBlock, ReadRecording, RecordingRefused
from protocol.messages.records import Count
from protocol.messages.speaking import SpokenAudio, Synthesise
from runtime import Ref

RECORDINGS: Final = "recordings"  # session in the queue of utterances
UTTERANCES: Final = "utterances of "  # the same for those of another server, with its tenant behind
SEGMENT_TIMEOUT_S: Final = 60.0  # for one piece of a recording, with its wait behind live sessions
READ_TIMEOUT_S: Final = 60.0  # for one block of a recording, with its wait behind another one and a new process


@attrs.frozen
class SpeechServices:
    """Asks the actors ``transcription``, ``speech`` and ``media``."""

    transcription: Ref[TranscriptionMessage]
    speech: Ref[SpeechMessage]
    media: Ref[MediaMessage]
    metrics: Ref[MetricsMessage]

    def audio(
        self,
        make_detector: Callable[[], SpeechDetector],
        *,
        pace: RecordingPace,
        models: Callable[[], Sequence[str]],
        hearing_problem: Callable[[str | None, str | None], str | None],
        translator: Callable[[str | None], str | None],
        voices: Callable[[], Sequence[str] | None],
    ) -> AudioServices:
        """Return the functions of the audio API."""
        media = RecordingDecoder(self._read, self._close, self._count)
        speak, hear = self._synthesise, self._transcribe
        known = models, hearing_problem, voices, translator
        return AudioServices(media, hear, speak, make_detector, pace, *known)

    def models(self, start_timeout_s: float) -> ModelServices:
        """Return the functions of the routes about models."""

        async def load(name: str) -> ModelShown:
            return await self.transcription.ask(LoadModel(name), timeout_s=start_timeout_s)

        return ModelServices(self._models, load, self._unload)

    async def _read(self, message: ReadRecording) -> DecodedBlock | RecordingRefused:
        return await self.media.ask(message, timeout_s=READ_TIMEOUT_S)

    def _close(self, message: CloseRecording) -> None:
        self.media.tell_nowait(message)

    def _count(self, outcome: str) -> None:
        self.metrics.tell_nowait(Count("recordings_total", (outcome,)))

    async def _transcribe(self, utterance: Utterance, wanted: TranscriptionOptions) -> Recognition | NoWords:
        live = wanted.live
        message = Transcribe(
            RECORDINGS if live is None else f"{UTTERANCES}{live.tenant}",
            utterance,
            wanted.language,
            wanted.vocabulary if live is None else live.vocabulary,
            urgency="background" if live is None else "final",
            model=wanted.model,
            words=wanted.words,
            translate=wanted.translate,
            tenant="" if live is None else live.tenant,
        )
        return await self.transcription.ask(
            message, timeout_s=SEGMENT_TIMEOUT_S if live is None else min(live.within_s, SEGMENT_TIMEOUT_S)
        )

    async def _synthesise(self, text: str, voice: str | None, speed: float) -> SpokenAudio:
        message = Synthesise(RECORDINGS, text, voice, speed)
        return await self.speech.ask(message, timeout_s=SEGMENT_TIMEOUT_S)

    async def _models(self) -> tuple[ModelShown, ...]:
        return await self.transcription.ask(ListModels())

    async def _unload(self, name: str) -> ModelShown:
        return await self.transcription.ask(UnloadModel(name))
