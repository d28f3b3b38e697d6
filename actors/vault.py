"""The session's memory: keeps state and has no logic that can fail.

It is the first child of a session, so under ``rest_for_one`` a crash of any other actor leaves it untouched.
"""

from collections.abc import Callable

from protocol.messages.session import Recall
from protocol.turns.vault import SessionMemory, SessionMemoryStatistics
from runtime import Actor


class Vault(Actor):
    """Owns the ``SessionMemory`` of one session."""

    def __init__(self, make_memory: Callable[[], SessionMemory]) -> None:
        self._memory = make_memory()

    async def handle(self, message: object) -> SessionMemory:
        """Hand out the memory."""
        if not isinstance(message, Recall):
            raise TypeError(f"vault takes Recall, not {type(message).__name__}")
        return self._memory

    def statistics(self) -> SessionMemoryStatistics:
        """Show how much is kept."""
        return self._memory.statistics()
