"""The settings: one file a section, one frozen class an actor.

``config/defaults.toml`` holds the default of each setting with its unit and reason. A field has its unit in its name
and, if it is a number, both bounds. Single values are checked here; files, environment and flags are checked in
``config/load.py``, which reports every problem at once.
"""

import attrs

from config.settings.audio import AudioSettings
from config.settings.dialogue import DialogueSettings
from config.settings.gateway import GatewaySettings, RateSettings, WebSocketSettings
from config.settings.history import HistorySettings, PostgresSettings, SqliteSettings, StoreName
from config.settings.home_assistant import HomeAssistantSettings
from config.settings.inference import (
    EmbeddedModelSettings,
    InferenceSettings,
    LanguageModelName,
    OllamaSettings,
    OpenAIModelSettings,
)
from config.settings.load import LoadSettings
from config.settings.log import LogSettings
from config.settings.media import MediaSettings
from config.settings.metrics import MetricsSettings
from config.settings.replicas import ReplicasSettings
from config.settings.session import SessionSettings
from config.settings.shared import SharedSettings
from config.settings.speech import OpenAISpeechSettings, PiperSettings, SpeechSettings, SynthesiserName
from config.settings.supervisor import Role, SupervisorSettings
from config.settings.tools import Consent, ToolsSettings
from config.settings.traces import TracesSettings
from config.settings.transcription import (
    OpenAITranscriptionSettings,
    RecogniserName,
    TranscriptionSettings,
    WhisperSettings,
)
from config.settings.understanding import UnderstandingSettings
from config.settings.wake import WakeSettings

__all__ = [
    "AudioSettings",
    "Consent",
    "DialogueSettings",
    "EmbeddedModelSettings",
    "GatewaySettings",
    "HistorySettings",
    "HomeAssistantSettings",
    "InferenceSettings",
    "LanguageModelName",
    "LoadSettings",
    "LogSettings",
    "MediaSettings",
    "MetricsSettings",
    "OllamaSettings",
    "OpenAIModelSettings",
    "OpenAISpeechSettings",
    "OpenAITranscriptionSettings",
    "PiperSettings",
    "PostgresSettings",
    "RateSettings",
    "RecogniserName",
    "ReplicasSettings",
    "Role",
    "SessionSettings",
    "Settings",
    "SharedSettings",
    "SpeechSettings",
    "SqliteSettings",
    "StoreName",
    "SupervisorSettings",
    "SynthesiserName",
    "ToolsSettings",
    "TracesSettings",
    "TranscriptionSettings",
    "UnderstandingSettings",
    "WakeSettings",
    "WebSocketSettings",
    "WhisperSettings",
]


@attrs.frozen(kw_only=True)
class Settings:
    """All settings; each actor gets its own section."""

    gateway: GatewaySettings
    session: SessionSettings
    audio: AudioSettings
    wake: WakeSettings
    transcription: TranscriptionSettings
    understanding: UnderstandingSettings
    inference: InferenceSettings
    speech: SpeechSettings
    media: MediaSettings
    tools: ToolsSettings
    home_assistant: HomeAssistantSettings
    dialogue: DialogueSettings
    history: HistorySettings
    metrics: MetricsSettings
    traces: TracesSettings
    supervisor: SupervisorSettings
    load: LoadSettings
    shared: SharedSettings
    replicas: ReplicasSettings
    log: LogSettings
