"""The context that the parts of a connection share."""

from collections.abc import Awaitable, Callable, Sequence

import attrs

from actors.connection.checkpoint import Checkpoint
from actors.connection.directory import SessionDirectory
from config.settings import AudioSettings, GatewaySettings, SessionSettings
from protocol.dialects.client_memory import ClientMemory
from protocol.dialects.session import SessionState
from protocol.messages.events import ConnectionRefused, ConnectionRequest, ServerInfo, Status
from protocol.messages.inboxes import AudioMessage, DialogueMessage, HistoryMessage, MetricsMessage
from protocol.turns.session_memory import VaultMessage
from runtime import Ref


@attrs.frozen
class ConnectionPeers:
    """The actors that the connection asks and tells."""

    vault: Ref[VaultMessage]
    audio: Ref[AudioMessage]
    dialogue: Ref[DialogueMessage]
    history: Ref[HistoryMessage]
    metrics: Ref[MetricsMessage]


@attrs.frozen
class ConnectionSettings:
    """The settings that the connection needs, and the server's name and version."""

    gateway: GatewaySettings
    session: SessionSettings
    audio: AudioSettings
    server: ServerInfo
    hearing_problem: Callable[[str | None, str | None], str | None] = lambda _language, _model: None
    """Returns why a language cannot be transcribed, by the given model if any; ``None`` if it can."""
    wake_word: str = ""
    """Of sessions that name none; empty for none."""
    wake_word_problem: Callable[[str], str | None] = lambda _word: None
    """Returns why a wake word cannot be listened for; ``None`` if it can."""
    wake_words: Sequence[str] = ()
    """Those that clients may ask for."""


async def nothing_to_revive(_request: ConnectionRequest) -> None:
    """Find no session at another replica."""


@attrs.frozen
class SessionMoves:
    """A session's ways from and to other replicas; without a shared store there are none."""

    checkpoint: Checkpoint | None = None
    """What is kept of this session."""
    revive: Callable[[ConnectionRequest], Awaitable[None]] = nothing_to_revive
    """Opens the session that the client wants back, if another replica has kept it."""


@attrs.frozen
class ConnectionContext:
    """The same for every part of one session's connection."""

    memory: ClientMemory
    peers: ConnectionPeers
    settings: ConnectionSettings
    directory: SessionDirectory
    refusal: ConnectionRefused | None
    """The refusal for a client that does not resume another session; ``None`` if it may have this one."""
    server_status: Callable[[], Status]
    stt_models: Callable[[], Sequence[str]]
    unix_time: Callable[[], float]
    moves: SessionMoves = attrs.field(factory=SessionMoves)
    state: SessionState = attrs.field(factory=SessionState)
