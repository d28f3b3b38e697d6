"""The addresses of the actors, and how much may wait in front of each."""

import attrs

from config.settings import AudioSettings
from protocol.dialects.attach import ConnectionMessage
from protocol.messages.inboxes import (
    AudioMessage,
    DialogueMessage,
    GatewayMessage,
    HistoryMessage,
    InferenceMessage,
    MeaningMessage,
    MediaMessage,
    MetricsMessage,
    MonitorMessage,
    SpeechMessage,
    ToolsMessage,
    TracesMessage,
    TranscriptionMessage,
)
from protocol.turns.session_memory import VaultMessage
from runtime import MailboxSpec, Overflow, Ref, SupervisorMessage

# mailbox sizes: each bounds what may wait in front of one actor, and says what happens beyond
WORDS = MailboxSpec(capacity=64, overflow=Overflow.BLOCK)
OUTBOUND = MailboxSpec(capacity=256, overflow=Overflow.BLOCK)
JOBS = MailboxSpec(capacity=256, overflow=Overflow.REJECT)
RECORDS = MailboxSpec(capacity=4_096, overflow=Overflow.DROP_NEWEST)
FRAME_S = 0.02  # the shortest frame that clients send; with longer ones the mailbox of audio holds more


@attrs.frozen
class Refs:
    """The stable addresses of the permanent actors."""

    metrics: Ref[MetricsMessage] = attrs.field(factory=lambda: Ref("metrics", RECORDS))
    history: Ref[HistoryMessage] = attrs.field(factory=lambda: Ref("history", RECORDS))
    tools: Ref[ToolsMessage] = attrs.field(factory=lambda: Ref("tools.router", JOBS))
    inference: Ref[InferenceMessage] = attrs.field(factory=lambda: Ref("inference", JOBS))
    transcription: Ref[TranscriptionMessage] = attrs.field(factory=lambda: Ref("transcription", JOBS))
    speech: Ref[SpeechMessage] = attrs.field(factory=lambda: Ref("speech", JOBS))
    meaning: Ref[MeaningMessage] = attrs.field(factory=lambda: Ref("meaning", JOBS))
    media: Ref[MediaMessage] = attrs.field(factory=lambda: Ref("media", JOBS))
    sessions: Ref[SupervisorMessage] = attrs.field(factory=lambda: Ref("sessions", JOBS))
    gateway: Ref[GatewayMessage] = attrs.field(factory=lambda: Ref("gateway", JOBS))
    traces: Ref[TracesMessage] = attrs.field(factory=lambda: Ref("traces", RECORDS), init=False)
    monitor: Ref[MonitorMessage] = attrs.field(factory=lambda: Ref("monitor", RECORDS), init=False)
    tool_servers: Ref[SupervisorMessage] = attrs.field(factory=lambda: Ref("tools", JOBS), init=False)


@attrs.frozen
class SessionRefs:
    """The stable addresses of the actors of one session."""

    vault: Ref[VaultMessage]
    connection: Ref[ConnectionMessage]
    audio: Ref[AudioMessage]
    dialogue: Ref[DialogueMessage]


def new_session_refs(session_id: str, audio: AudioSettings) -> SessionRefs:
    """Return new addresses; the mailbox of audio is sized in time: beyond it TCP pushes back."""
    frames = MailboxSpec(capacity=max(1, round(audio.buffer_s / FRAME_S)), overflow=Overflow.BLOCK)
    return SessionRefs(
        vault=Ref(f"{session_id}.vault", JOBS),
        connection=Ref(f"{session_id}.connection", OUTBOUND),
        audio=Ref(f"{session_id}.audio", frames),
        dialogue=Ref(f"{session_id}.dialogue", WORDS),
    )
