"""The models of the recogniser: listed, loaded and unloaded by operators."""

from typing import Literal

import attrs

from protocol.messages.ask import Ask


@attrs.frozen
class ListModels(Ask["tuple[ModelShown, ...]"]):
    """To transcription; answered by ``tuple[ModelShown, ...]``."""


@attrs.frozen
class LoadModel(Ask["ModelShown"]):
    """To transcription: load this model, by any name that the setting takes; answered by ``ModelShown``."""

    name: str


@attrs.frozen
class UnloadModel(Ask["ModelShown"]):
    """To transcription: unload this model unless it is in use; answered by ``ModelShown``."""

    name: str


@attrs.frozen
class ModelShown:
    """One recogniser model as operators see it; figures only of one that is loaded."""

    name: str
    state: Literal["loaded", "loading", "available"]
    is_usual: bool = False
    device: str | None = None
    compute_type: str | None = None
    is_multilingual: bool | None = None
    memory_bytes: int = 0
    idle_s: float = 0.0
    """Seconds since it was last used."""
    in_work: int = 0
    """Utterances."""
