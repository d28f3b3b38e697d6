"""Converts a value of a file, a variable or a flag to the type of a field of the settings.

Rules kept here:

* One table from a field's type to its converter, so that a new field needs no code.
* A file has types and must use them: ``port = "8000"`` is an error. Variables and flags are text and are parsed.
* A converter raises ``Unfit`` with what was expected; the caller knows the place and the value.
"""

import contextlib
import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from config.settings import Consent
from config.settings.bounds import ServerUrl

TRUE: Final = frozenset({"1", "true", "yes", "on"})
FALSE: Final = frozenset({"0", "false", "no", "off"})
Converter = Callable[[Any, bool], Any]


class Unfit(ValueError):
    """The value cannot be converted to the field's type; the message says what was expected."""


def convert(value: object, kind: Any, *, is_text: bool) -> Any:
    """Return ``value`` as a ``kind``; ``is_text`` says that it comes from a place without types.

    ``kind`` is a field's annotation: ``bool``, ``int``, ``float``, ``str``, ``Path``, a ``Literal`` of strings, a
    tuple of strings, or a mapping to mappings (tools.servers), to tuples of strings (tools.programs), to one of three
    words (tools.policy) or to strings (inference.task_models).
    Raises ``Unfit``.
    """
    if get_origin(kind) is Literal:
        return _choice(value, get_args(kind))
    return CONVERTERS[kind](value, is_text)


def _choice(value: object, choices: tuple[object, ...]) -> object:
    if value not in choices:
        raise Unfit(f"expected one of {', '.join(map(str, choices))}")
    return value


def _bool(value: object, is_text: bool) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if not is_text or word not in TRUE | FALSE:
        raise Unfit("expected true or false")
    return word in TRUE


def _int(value: object, is_text: bool) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if is_text:
        with contextlib.suppress(ValueError):
            return int(str(value).strip())
    raise Unfit("expected a whole number")


def _float(value: object, is_text: bool) -> float:
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    elif is_text:
        with contextlib.suppress(ValueError):
            number = float(str(value).strip())
    if not math.isfinite(number):
        raise Unfit("expected a number")
    return number


def _str(value: object, _is_text: bool) -> str:
    if not isinstance(value, str):
        raise Unfit("expected text")
    if "\0" in value:
        raise Unfit("expected text without NUL characters")
    return value


def _path(value: object, is_text: bool) -> Path:
    return Path(_str(value, is_text)).expanduser()


def _table(value: object, is_text: bool) -> Mapping[str, Any]:
    """Return a table; text must be the JSON of one."""
    if is_text:
        try:
            value = json.loads(str(value))
        except ValueError as error:
            raise Unfit(f"expected a JSON object ({error})") from None
    if not isinstance(value, Mapping):
        raise Unfit("expected a table (in a variable: a JSON object)")
    return value


def _servers(value: object, is_text: bool) -> Mapping[str, Mapping[str, Any]]:
    """Take MCP servers as MCP clients write them, with or without their ``mcpServers`` around."""
    table = _table(value, is_text)
    if set(table) == {"mcpServers"}:
        table = _table(table["mcpServers"], is_text=False)
    return {name: _server(name, entry) for name, entry in table.items()}


def _server(name: str, entry: object) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping) or ("command" in entry) == ("url" in entry):
        raise Unfit(f"{name}: expected either command (with args, env, cwd) or url (with headers)")
    if entry.get("type") == "sse":
        raise Unfit(f'{name}: SSE is not supported; use streamable HTTP (type = "http")')
    for key, is_fit, expected in SERVER_FIELDS:
        if key in entry and not is_fit(entry[key]):
            raise Unfit(f"{name}.{key}: expected {expected}")
    return dict(entry)


def _is_text(value: object) -> bool:
    return _is_plain(value) and bool(value)


def _is_plain(value: object) -> bool:
    """Return whether a value is text that may be a path or an argument of a program."""
    return isinstance(value, str) and "\0" not in value


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_plain, value))


def _are_named_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_plain, value.values()))


SERVER_FIELDS: Final[tuple[tuple[str, Callable[[object], bool], str], ...]] = (
    ("command", _is_text, "the name of a program"),
    ("args", _are_texts, "a list of texts"),
    ("env", _are_named_texts, "a table of texts"),
    ("cwd", _is_text, "a folder"),
    ("url", _is_text, "an address"),
    ("headers", _are_named_texts, "a table of texts"),
)  # further keys of other MCP clients are ignored


def _programs(value: object, is_text: bool) -> Mapping[str, tuple[str, ...]]:
    table = _table(value, is_text)
    for name, vector in table.items():
        if not _are_texts(vector) or not vector:
            raise Unfit(f'{name}: expected a program and its arguments, such as ["code", "--new-window"]')
    return {name: tuple(vector) for name, vector in table.items()}


POLICIES: Final = get_args(Consent)
TOOL_NAME: Final = re.compile(r"\*|[^/\s]+/[^/\s]+")


def _names(value: object, is_text: bool) -> Mapping[str, str]:
    table = _table(value, is_text)
    for name, text in table.items():
        if not _is_text(text):
            raise Unfit(f"{name}: expected a name")
    return dict(table)


def _texts(value: object, is_text: bool) -> tuple[str, ...]:
    if is_text:
        return tuple(word for word in map(str.strip, str(value).split(",")) if word)
    if not _are_texts(value):
        raise Unfit("expected a list of texts (in a variable: words between commas)")
    return tuple(value) if isinstance(value, list) else ()


def _addresses(value: object, is_text: bool) -> tuple[str, ...]:
    """Take one address, or several: as a list, or between commas."""
    try:
        return _texts(value, is_text or isinstance(value, str))
    except Unfit:
        raise Unfit("expected an address or a list of addresses (in a variable: between commas)") from None


def _policies(value: object, is_text: bool) -> Mapping[str, str]:
    table = _table(value, is_text)
    for name, policy in table.items():
        if not TOOL_NAME.fullmatch(name):
            raise Unfit(f'{name}: expected "server/tool", "server/*" or "*"')
        if policy not in POLICIES:
            raise Unfit(f"{name}: expected one of {', '.join(POLICIES)}")
    return dict(table)


CONVERTERS: Final[Mapping[Any, Converter]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    Path: _path,
    Mapping[str, Mapping[str, Any]]: _servers,
    Mapping[str, tuple[str, ...]]: _programs,
    Mapping[str, Consent]: _policies,
    Mapping[str, str]: _names,
    tuple[str, ...]: _texts,
    tuple[ServerUrl, ...]: _addresses,
}
