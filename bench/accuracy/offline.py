"""The server's speech recognition and grammar without a server, faster than real time.

Detector, endpointer, recogniser and grammar are the server's own with its own settings, one after the other in this
process. The decisions on pauses are missing, because they depend on the clock.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from assembly.providers.voice_detectors import VoiceDetectors
from backends.commands.grammar import HassilGrammar
from backends.jobs import Clip, TranscribeClips
from backends.speech.whisper import WhisperWorker
from backends.speech.whisper_params import whisper_params
from config.load import load
from protocol.audio.endpointing import Ended, Endpointer
from protocol.messages.hearing import INTERNAL_RATE_HZ
from protocol.messages.understanding import CommandMatch

BLOCK_BYTES: Final = INTERNAL_RATE_HZ // 5  # 100 ms, as clients send it


class OfflineRecogniser:
    """Recognises and understands one stream after the other."""

    def __init__(self, commands: Path, **settings: object) -> None:
        """Load the model; ``commands`` holds a user's files, ``settings`` are some of the transcription's."""
        flags = {f"transcription.{name}": str(value).lower() for name, value in settings.items()}
        self._settings = load(None, {}, flags).settings
        self._detectors = VoiceDetectors(self._settings, lambda _: None, time.monotonic)
        self._grammar = HassilGrammar([commands])
        transcription = self._settings.transcription
        self._vocabulary = self._grammar.vocabulary("en") if transcription.vocabulary else ()
        self._worker = WhisperWorker(whisper_params(transcription, self._settings.supervisor.models_dir))

    def hear(self, pcm: bytes) -> Iterator[tuple[str, CommandMatch | None]]:
        """Yield the text and the command of each utterance of 16 kHz mono s16le; rejected ones have an empty text."""
        detector, endpointer = self._detectors.for_session(int), Endpointer(self._settings.audio)
        for at in range(0, len(pcm), BLOCK_BYTES):
            probabilities = detector.probabilities(pcm[at : at + BLOCK_BYTES])
            endpointer.clear_share = detector.clear_share
            for event in endpointer.feed(probabilities):
                if isinstance(event, Ended):
                    yield self._understood(pcm[2 * event.start_sample : 2 * event.end_sample])
        detector.reset()

    def _understood(self, said: bytes) -> tuple[str, CommandMatch | None]:
        job = TranscribeClips((Clip(len(said), "en", self._vocabulary),))
        [found] = self._worker.transcribe(job, said).clips
        is_speech = found.no_speech is None
        return found.text, self._grammar.match((found.text, *found.alternatives), "en") if is_speech else None
