"""``${NAME}`` in the environments and headers of tool servers, as MCP clients write them; pure.

Rules kept here:

* ``${NAME}`` is the variable's value, ``${NAME:-text}`` the text where it is not set or empty.
* A variable that is not set and has no such text is an error that names it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}", re.ASCII)
EXPANDED: Final = ("env", "headers")


def expanded_servers(
    servers: Mapping[str, Mapping[str, Any]], environ: Mapping[str, str]
) -> tuple[Mapping[str, Mapping[str, Any]], list[str]]:
    """Return the tool servers with the values of variables, and the problems in words."""
    problems: list[str] = []
    found = {name: _expanded_server(name, server, environ, problems) for name, server in servers.items()}
    return found, problems


def _expanded_server(
    name: str, server: Mapping[str, Any], environ: Mapping[str, str], problems: list[str]
) -> Mapping[str, Any]:
    tables = {table: server[table] for table in EXPANDED if table in server}
    for table, texts in tables.items():
        tables[table] = {
            key: _expanded(text, f"{name}.{table}.{key}", environ, problems) for key, text in texts.items()
        }
    return {**server, **tables}


def _expanded(text: str, where: str, environ: Mapping[str, str], problems: list[str]) -> str:
    def value(match: re.Match[str]) -> str:
        variable, default = match.groups()
        if environ.get(variable) or (default is None and variable in environ):
            return environ[variable]
        if default is None:
            problems.append(f"{where}: the variable {variable} is not set")
        return default or ""

    return _REFERENCE.sub(value, text)
