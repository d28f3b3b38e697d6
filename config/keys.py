"""The names of all settings, such as ``gateway.websocket.ping_interval_s``, read off the settings classes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from config.settings import Settings


@attrs.frozen
class Key:
    """One setting."""

    name: str
    """Sections and field, joined by dots."""
    field: "attrs.Attribute[Any]"

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown."""
        return not self.field.repr


def _keys(settings_class: type, prefix: str) -> Iterator[Key]:
    for field in attrs.fields(settings_class):
        name = f"{prefix}{field.name}"
        if isinstance(field.type, type) and attrs.has(field.type):
            yield from _keys(field.type, f"{name}.")
        else:
            yield Key(name, field)


KEYS: Final[Mapping[str, Key]] = {key.name: key for key in _keys(Settings, "")}
SECTIONS: Final = frozenset(name.rpartition(".")[0] for name in KEYS)


def build(settings_class: type, values: Mapping[str, Any], prefix: str = "") -> Any:
    """Return the settings made of a value for every key; runs the validators of every class."""
    arguments = {}
    for field in attrs.fields(settings_class):
        name = f"{prefix}{field.name}"
        is_nested = isinstance(field.type, type) and attrs.has(field.type)
        arguments[field.name] = build(field.type, values, f"{name}.") if is_nested else values[name]
    return settings_class(**arguments)
