"""What the parts of a connection work with, in their tests."""

from actors.connection.context import ConnectionContext, ConnectionPeers, ConnectionSettings
from actors.connection.directory import SessionDirectory
from protocol.dialects.dialect import ClientLink
from protocol.messages.events import ConnectionRefused, ServerInfo, Status
from runtime import Ref
from tests.fake_sessions import native, session_memory
from tests.fakes import default_settings


def context_of(
    name: str = "s",
    directory: SessionDirectory | None = None,
    *,
    client: ClientLink | None = None,
    refusal: ConnectionRefused | None = None,
) -> ConnectionContext:
    """Return the context of a new session; the messages to its peers are not read."""
    settings = default_settings()
    memory = session_memory(name, "t1").client
    memory.attach(client or native())
    return ConnectionContext(
        memory,
        ConnectionPeers(Ref("vault"), Ref("audio"), Ref("dialogue"), Ref("history"), Ref("metrics")),
        ConnectionSettings(settings.gateway, settings.session, settings.audio, ServerInfo("sayso", "0")),
        directory or SessionDirectory(),
        refusal=refusal,
        server_status=lambda: Status(load_level=0, sessions=1, uptime_s=1.5),
        stt_models=lambda: ("tiny.en", "base"),
        unix_time=float,
    )
