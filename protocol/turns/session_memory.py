"""A session's memory, which outlives its actors: three parts, each written by one actor.

The vault hands an actor the part that it writes, and the client's to read.
"""

import attrs

from protocol.audio.audio_memory import AudioMemory, AudioMemoryStatistics
from protocol.dialects.client_memory import ClientMemory, ClientMemoryStatistics, ClientView
from protocol.messages.ask import Ask
from protocol.turns.turn_memory import TurnMemory, TurnMemoryStatistics


@attrs.frozen
class RecallClient(Ask[ClientMemory]):
    """Connection to vault; answered by the ``ClientMemory``."""


@attrs.frozen
class RecallAudio(Ask[AudioMemory]):
    """Audio to vault; answered by the ``AudioMemory``."""


@attrs.frozen
class RecallTurns(Ask[TurnMemory]):
    """Dialogue to vault; answered by the ``TurnMemory``."""


@attrs.frozen
class ViewClient(Ask[ClientView]):
    """Audio or dialogue to vault; answered by the ``ClientView``, to read."""


VaultMessage = RecallClient | RecallAudio | RecallTurns | ViewClient


@attrs.frozen(kw_only=True, slots=False)
class SessionMemoryStatistics(ClientMemoryStatistics, AudioMemoryStatistics, TurnMemoryStatistics):
    """A moment's view of what is kept of a session."""


@attrs.frozen(kw_only=True)
class SessionMemory:
    """One session; outlives crashes of connection, audio and dialogue."""

    client: ClientMemory
    """Written by connection."""
    audio: AudioMemory
    """Written by audio."""
    turns: TurnMemory = attrs.field(factory=TurnMemory)
    """Written by dialogue."""

    def statistics(self) -> SessionMemoryStatistics:
        """Return the figures of the three parts."""
        return SessionMemoryStatistics(
            **attrs.asdict(self.client.statistics()),
            **attrs.asdict(self.audio.statistics()),
            **attrs.asdict(self.turns.statistics()),
        )
