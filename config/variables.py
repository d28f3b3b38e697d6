"""``${NAME}`` in the settings of tool servers, as MCP clients write them; pure.

Rules kept here:

* ``${NAME}`` is the variable's value, ``${NAME:-text}`` the text where it is not set or empty; ``${env:NAME}`` is the
  same as ``${NAME}``. The text may hold such references itself.
* They stand in the command, its arguments, its folder and environment, in the address and in headers.
* A variable that is not set and has no such text is an error that names it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_INNER: Final = r"\$\{[^{}]*\}"
_REFERENCE: Final = re.compile(rf"\$\{{(?:env:)?([A-Za-z_]\w*)(?::-((?:[^{{}}$]|{_INNER}|\$(?!\{{))*))?\}}", re.ASCII)
TABLES: Final = ("env", "headers")
TEXTS: Final = ("command", "cwd", "url")


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
    def expanded(value: Any, where: str) -> Any:
        return _expanded(value, f"{name}.{where}", environ, problems) if isinstance(value, str) else value

    tables = {
        table: {key: expanded(text, f"{table}.{key}") for key, text in server[table].items()}
        for table in TABLES
        if isinstance(server.get(table), Mapping)
    }
    texts = {key: expanded(server[key], key) for key in TEXTS if key in server}
    if isinstance(server.get("args"), list | tuple):
        texts["args"] = [expanded(text, f"args[{at}]") for at, text in enumerate(server["args"])]
    return {**server, **tables, **texts}


def _expanded(text: str, where: str, environ: Mapping[str, str], problems: list[str]) -> str:
    def value(match: re.Match[str]) -> str:
        variable, default = match.groups()
        if environ.get(variable) or (default is None and variable in environ):
            return environ[variable]
        if default is None:
            problems.append(f"{where}: the variable {variable} is not set")
        return _expanded(default or "", where, environ, problems)

    return _REFERENCE.sub(value, text)
