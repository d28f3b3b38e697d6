"""What a session remembers while its actors come and go: three parts, each written by one actor.

The vault hands an actor the part that it writes, and the client's to read.
"""

from collections.abc import Mapping

import attrs

from protocol.audio.audio_memory import AudioMemory
from protocol.dialects.client_memory import ClientMemory, ClientView
from protocol.messages.ask import Ask
from protocol.turns.turn_memory import TurnMemory


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


@attrs.frozen(kw_only=True)
class SessionMemory:
    """One session; outlives crashes of connection, audio and dialogue."""

    client: ClientMemory
    """Written by connection."""
    audio: AudioMemory
    """Written by audio."""
    turns: TurnMemory = attrs.field(factory=TurnMemory)
    """Written by dialogue."""

    def statistics(self) -> Mapping[str, object]:
        """Show how much is kept."""
        return {**self.client.statistics(), **self.audio.statistics(), **self.turns.statistics()}
