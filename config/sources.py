"""The sources of settings: TOML files and ``SAYSO_`` variables, read into entries without checking values."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from config.keys import KEYS, SECTIONS
from config.problems import ConfigError, Problem

PREFIX: Final = "SAYSO_"
OF_CLIENTS: Final = frozenset({"SAYSO_KEY"})  # variables of `sayso say` and others that are no settings
SERVERS: Final = "tools.servers"
PASTED_SERVERS: Final = "mcpServers"  # the name of the same table in MCP clients
HEADER: Final = re.compile(r"^\s*\[([^\[\]]+)\]")
ASSIGNMENT: Final = re.compile(r"""^\s*([A-Za-z0-9_."' -]+?)\s*=""")


@attrs.frozen
class SettingEntry:
    """A value as it was written."""

    key: str
    value: Any
    origin: str
    """The place of the value, for messages: a file and line, or a variable."""
    is_text: bool
    """Whether the source has no types, so that the value is a text to parse."""
    is_optional: bool = False
    """Whether it may be meant for another program, so that an invalid value is ignored with a warning."""


def variable_of(key: str) -> str:
    """Return the variable that sets ``key``: ``SAYSO_GATEWAY__PORT`` for ``gateway.port``."""
    return PREFIX + key.upper().replace(".", "__")


def read_toml(path: Path, shown_as: str | None = None) -> list[SettingEntry]:
    """Return the entries of a file; raises ``ConfigError`` if it cannot be read or is no TOML."""
    name = shown_as or str(path)
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise ConfigError([Problem(name, f"cannot be read: {error.strerror}")]) from error
    except ValueError as error:  # no UTF-8, or no TOML: both say where
        raise ConfigError([Problem(name, f"expected TOML: {error}")]) from error
    lines = line_numbers(text)
    return [
        SettingEntry(SERVERS if key == PASTED_SERVERS else key, value, f"{name}:{_line(lines, key)}", is_text=False)
        for key, value in _flattened(tables, "")
    ]


def _flattened(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values; a table that is no section is a value itself."""
    for name, value in table.items():
        key = f"{prefix}{name}"
        is_section = key in SECTIONS or any(section.startswith(f"{key}.") for section in SECTIONS)
        if isinstance(value, Mapping) and is_section:
            yield from _flattened(value, f"{key}.")
        elif isinstance(value, Mapping) and key not in KEYS and key != PASTED_SERVERS:
            yield from ((f"{key}.{inner}", below) for inner, below in value.items())
        else:
            yield key, value


def line_numbers(text: str) -> dict[str, int]:
    """Return the line on which each table and key begins, from 1; a scan, because ``tomllib`` keeps no places."""
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(line):
            section = _plain(header[1])
            found.setdefault(section, number)
        elif assignment := ASSIGNMENT.match(line):
            key = _plain(assignment[1])
            found.setdefault(f"{section}.{key}" if section else key, number)
    return found


def _plain(written: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in written.split("."))


def _line(lines: Mapping[str, int], key: str) -> int:
    """Return the line of ``key``, or of the nearest thing in it or around it that has one."""
    if key in lines:
        return lines[key]
    within = [number for name, number in lines.items() if name.startswith(f"{key}.")]
    if within:
        return min(within)
    around = key.rpartition(".")[0]
    return _line(lines, around) if around else 1


def read_environment(environ: Mapping[str, str]) -> list[SettingEntry]:
    """Return the entries of the ``SAYSO_SECTION__KEY`` variables."""
    return [
        SettingEntry(name.removeprefix(PREFIX).lower().replace("__", "."), value, name, is_text=True)
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and name not in OF_CLIENTS
    ]
