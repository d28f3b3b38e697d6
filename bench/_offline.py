"""The server's speech recognition and grammar without a server, faster than real time. No benchmark itself.

Detector, endpointer, recogniser and grammar are the server's own with its own settings, one after the other in this
process. The decisions on pauses are missing, because they depend on the clock.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from backends.commands.grammar import HassilGrammar
from backends.jobs import Clip, TranscribeClips
from backends.speech.vad import EarshotDetector
from backends.speech.whisper import WhisperWorker
from backends.speech.whisper_params import whisper_params
from config.load import load
from protocol.audio.endpointing import Ended, Endpointer
from protocol.messages.hearing import INTERNAL_RATE_HZ
from protocol.messages.understanding import CommandMatch

BLOCK_BYTES: Final = INTERNAL_RATE_HZ // 5  # 100 ms, as clients send it


@attrs.frozen
class Heard:
    """The result for one utterance."""

    start_s: float
    end_s: float
    text: str
    """Empty if the utterance was rejected."""
    reason: str | None
    """The reason if there is no text."""
    match: CommandMatch | None


class OfflineRecogniser:
    """Recognises and understands one stream after the other."""

    def __init__(self, commands: Path | None, **settings: object) -> None:
        """Load the model; ``commands`` holds a user's files, ``settings`` are some of the transcription's."""
        flags = {f"transcription.{name}": str(value).lower() for name, value in settings.items()}
        self._settings = load(None, {}, flags).settings
        self._grammar = HassilGrammar([] if commands is None else [commands])
        transcription = self._settings.transcription
        self._vocabulary = self._grammar.vocabulary("en") if transcription.vocabulary else ()
        self._worker = WhisperWorker(whisper_params(transcription, self._settings.supervisor.models_dir))

    def hear(self, pcm: bytes) -> Iterator[Heard]:
        """Yield the results for a stream of 16 kHz mono s16le; an utterance that has not ended is left out."""
        detector, endpointer = EarshotDetector(), Endpointer(self._settings.audio)
        for at in range(0, len(pcm), BLOCK_BYTES):
            for event in endpointer.feed(detector.probabilities(pcm[at : at + BLOCK_BYTES])):
                if isinstance(event, Ended):
                    yield self._understood(pcm, event)

    def _understood(self, pcm: bytes, ended: Ended) -> Heard:
        said = pcm[2 * ended.start_sample : 2 * ended.end_sample]
        job = TranscribeClips((Clip(len(said), "en", self._vocabulary),))
        [found] = self._worker.transcribe(job, said).clips
        match = None
        if found.no_speech is None:
            match = self._grammar.match((found.text, *found.alternatives), "en")
        times = (ended.start_sample / INTERNAL_RATE_HZ, ended.end_sample / INTERNAL_RATE_HZ)
        return Heard(*times, found.text, found.no_speech, match)
