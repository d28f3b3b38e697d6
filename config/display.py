"""Settings for display: flat, and without secrets."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from config.keys import KEYS
from config.settings import Settings

HIDDEN: Final = "***"
HIDDEN_TABLES: Final = frozenset({"env", "headers"})  # where MCP clients keep tokens


def shown(settings: Settings) -> dict[str, Any]:
    """Return every key's value as JSON can hold it, with secrets replaced by ``***``."""
    return {name: _shown(key.is_secret, _value(settings, name)) for name, key in KEYS.items()}


def _value(settings: Settings, name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _shown(is_secret: bool, value: Any) -> Any:
    if is_secret:
        return HIDDEN if value else ""
    return _plain(value)


def _plain(value: Any) -> Any:
    match value:
        case Path():
            return str(value)
        case str():
            return _without_password(value)
        case Mapping():
            return {name: _masked(inner) if name in HIDDEN_TABLES else _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _:
            return value


def _masked(table: Any) -> Any:
    return dict.fromkeys(table, HIDDEN) if isinstance(table, Mapping) else HIDDEN


def _without_password(text: str) -> str:
    """Hide the user's part and the query's values of an address, where tokens may stand."""
    if "://" not in text:
        return text
    return re.sub(r"([?&][^=&\s]+=)[^&\s]+", rf"\1{HIDDEN}", re.sub(r"//[^/@\s]+@", f"//{HIDDEN}@", text))
