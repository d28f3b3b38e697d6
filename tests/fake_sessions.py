"""What the tests of a session begin with: its memory, and a client that speaks the native protocol."""

from protocol.audio.audio_memory import AudioMemory
from protocol.audio.pcm_buffer import PcmBuffer
from protocol.dialects.client_memory import ClientMemory
from protocol.dialects.dialect import ClientLink
from protocol.dialects.native import NativeDialect
from protocol.messages.socket import Socket
from protocol.turns.session_memory import SessionMemory
from tests.fakes import FakeSocket


def session_memory(session_id: str = "s", resume_token: str = "t", *, samples: int = 16) -> SessionMemory:
    """Return what a new session keeps, with room for so many samples of audio."""
    return SessionMemory(client=ClientMemory(session_id, resume_token), audio=AudioMemory(PcmBuffer(samples)))


def native(socket: Socket | None = None) -> ClientLink:
    """Return a client that speaks the native protocol."""
    return ClientLink(FakeSocket() if socket is None else socket, NativeDialect())
