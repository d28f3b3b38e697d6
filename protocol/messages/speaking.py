"""From text to samples."""

from typing import ClassVar

import attrs

from protocol.messages.ask import Ask


@attrs.frozen
class Synthesise(Ask["SpokenAudio"]):
    """Dialogue to speech; answered by ``SpokenAudio``."""

    has_steady_cost: ClassVar[bool] = True

    session_id: str
    text: str
    voice: str | None = None
    speed: float = 1.0
    """1.0 is the voice's own pace."""


@attrs.frozen
class SpokenAudio:
    """Speech as samples."""

    pcm: bytes
    """s16le mono."""
    sample_rate: int
