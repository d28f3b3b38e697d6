"""The names of a smart home: what can be said of its devices and rooms."""

import attrs


@attrs.frozen
class HomeEntity:
    """A device, or a part of one, that may be controlled."""

    entity_id: str
    """Such as ``light.kitchen``."""
    names: tuple[str, ...]
    """As they are written; the first is its own, the others are aliases."""
    area: str | None = None
    """The name of its area."""
    floor: str | None = None
    """The name of its area's floor."""
    device_class: str | None = None
    """What it is among those of its domain, such as ``garage``."""

    @property
    def domain(self) -> str:
        """What it is: ``light``, ``cover``, ``lock`` and so on."""
        return self.entity_id.partition(".")[0]


@attrs.frozen
class HomePlace:
    """An area or a floor."""

    names: tuple[str, ...]
    """As they are written; the first is its own, the others are aliases."""


@attrs.frozen
class HomeNames:
    """All names of a home at one moment."""

    entities: tuple[HomeEntity, ...] = ()
    areas: tuple[HomePlace, ...] = ()
    floors: tuple[HomePlace, ...] = ()
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
