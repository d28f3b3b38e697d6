"""The session's memory: keeps state and has no logic that can fail.

It is the first child of a session, so under ``rest_for_one`` a crash of any other actor leaves it untouched.
"""

from collections.abc import Callable, Mapping

from protocol.turns.vault import Recall, SessionMemory
from runtime import Actor


class Vault(Actor[Recall]):
    """Owns the ``SessionMemory`` of one session."""

    def __init__(self, make_memory: Callable[[], SessionMemory]) -> None:
        self._memory = make_memory()

    async def handle(self, message: Recall) -> SessionMemory:
        """Hand out the memory."""
        if not isinstance(message, Recall):
            self.unhandled(message)
        return self._memory

    def statistics(self) -> Mapping[str, object]:
        """Show how much is kept."""
        return self._memory.statistics()
