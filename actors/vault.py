"""The session's memory: keeps state and has no logic that can fail.

It is the first child of a session, so under ``rest_for_one`` a crash of any other actor leaves it untouched.
"""

from collections.abc import Callable

from protocol.audio.audio_memory import AudioMemory
from protocol.dialects.client_memory import ClientMemory
from protocol.turns.session_memory import (
    RecallAudio,
    RecallClient,
    RecallTurns,
    SessionMemory,
    SessionMemoryStatistics,
    VaultMessage,
    ViewClient,
)
from protocol.turns.turn_memory import TurnMemory
from runtime import Actor


class Vault(Actor[VaultMessage]):
    """Owns the ``SessionMemory`` of one session."""

    def __init__(self, make_memory: Callable[[], SessionMemory]) -> None:
        self._memory = make_memory()

    async def handle(self, message: VaultMessage) -> ClientMemory | AudioMemory | TurnMemory:
        """Return the part that is asked for."""
        match message:
            case RecallClient() | ViewClient():
                return self._memory.client
            case RecallAudio():
                return self._memory.audio
            case RecallTurns():
                return self._memory.turns
            case _:
                return self.unhandled(message)

    def statistics(self) -> SessionMemoryStatistics:
        """Return the figures of the three parts."""
        return self._memory.statistics()
