"""Voice detectors of sessions: earshot, and Silero behind it if settings and load allow it."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from assembly.providers.provider import Finding
from backends.protocols import SpeechDetector
from backends.speech.models import ModelError, resolve_silero
from backends.speech.silero import SileroModel
from backends.speech.two_stage_vad import SileroService, TwoStageDetector
from backends.speech.vad import EarshotDetector
from config.settings import Settings
from protocol.audio.second_detector import DetectorPlaces
from protocol.messages.records import Count

log = logging.getLogger("sayso.audio")
EARSHOT_ALONE: Final = "in noise more is taken for speech, and it ends later"


class VoiceDetectors:
    """Makes voice detectors; has loaded Silero once, for all of them."""

    def __init__(self, settings: Settings, count: Callable[[Count], None], now_s: Callable[[], float]) -> None:
        """Load Silero; if it cannot be loaded, say so in the log and go on without. ``now_s`` is any steady clock."""
        self._service: SileroService | None = None
        self._count = count
        if not (settings.audio.silero_sessions and settings.supervisor.has_sessions):
            return
        try:
            model = load_silero(settings)
        except ModelError as error:
            log.warning("earshot detects voices alone, %s: %s", EARSHOT_ALONE, error)
            return
        self._service = SileroService(
            model,
            DetectorPlaces(settings.audio.silero_sessions),
            now_s=now_s,
            on_judged=lambda chunks: count(Count("silero_frames_total", (), chunks)),
        )

    def for_session(self, load_level: Callable[[], int]) -> SpeechDetector:
        """Return a detector for one session; under load it is earshot alone."""
        if self._service is None:
            return EarshotDetector()

        def refused() -> None:
            self._count(Count("shed_total", (str(load_level()), "silero")))

        return TwoStageDetector(self._service, load_level=load_level, on_refused=refused)


def load_silero(settings: Settings) -> SileroModel:
    """Return Silero's weights; raises ``ModelError``."""
    return SileroModel.load(resolve_silero(Path(settings.supervisor.models_dir)))


def findings(settings: Settings) -> Iterator[Finding]:
    """Check that Silero is there, if it is wanted."""
    if not settings.audio.silero_sessions:
        return
    try:
        load_silero(settings)
    except ModelError as error:
        yield Finding("voice detector", "warn", f"earshot alone, {EARSHOT_ALONE}: {error}", "")
    else:
        yield Finding("voice detector", "ok", "earshot, and Silero behind it", "")
