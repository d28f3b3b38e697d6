"""What may vary: one file a section, one frozen class an actor.

``config/defaults.toml`` holds the default of each setting with its unit and reason. A field has its unit in its name
and, if it is a number, both bounds. Single values are checked here; files, environment and flags are checked in
``config/load.py``, which reports every problem at once.
"""

import attrs

from config.settings.audio import AudioSettings
from config.settings.dialogue import DialogueSettings
from config.settings.gateway import GatewaySettings, WebSocketSettings
from config.settings.history import HistorySettings
from config.settings.inference import InferenceSettings
from config.settings.load import LoadSettings
from config.settings.log import LogSettings
from config.settings.media import MediaSettings
from config.settings.metrics import MetricsSettings
from config.settings.session import SessionSettings
from config.settings.speech import SpeechSettings
from config.settings.supervisor import SupervisorSettings
from config.settings.tools import Consent, ToolsSettings
from config.settings.transcription import TranscriptionSettings

__all__ = [
    "AudioSettings",
    "Consent",
    "DialogueSettings",
    "GatewaySettings",
    "HistorySettings",
    "InferenceSettings",
    "LoadSettings",
    "LogSettings",
    "MediaSettings",
    "MetricsSettings",
    "SessionSettings",
    "Settings",
    "SpeechSettings",
    "SupervisorSettings",
    "ToolsSettings",
    "TranscriptionSettings",
    "WebSocketSettings",
]


@attrs.frozen(kw_only=True)
class Settings:
    """All of it; an actor gets its own slice."""

    gateway: GatewaySettings
    session: SessionSettings
    audio: AudioSettings
    transcription: TranscriptionSettings
    inference: InferenceSettings
    speech: SpeechSettings
    media: MediaSettings
    tools: ToolsSettings
    dialogue: DialogueSettings
    history: HistorySettings
    metrics: MetricsSettings
    supervisor: SupervisorSettings
    load: LoadSettings
    log: LogSettings
