"""What can be said to a running server, as ``sayso say --help-me`` shows it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx2
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cli.access import NO_ACCESS, ServerAccess
from cli.status import Unreachable, http_address, verification

TIMEOUT_S: Final = 5.0


def fetch_commands(url: str, language: str, access: ServerAccess = NO_ACCESS) -> Sequence[Mapping[str, Any]]:
    """Return the commands of the server at ``url`` in a language; raises ``Unreachable`` that says what is wrong."""
    address = f"{http_address(url)}/api/commands"
    try:
        response = httpx2.get(
            address,
            params={"language": language},
            headers=access.headers,
            verify=verification(access, address),
            timeout=TIMEOUT_S,
            trust_env=False,
        )
        page = response.json()
        response.raise_for_status()
    except (httpx2.HTTPError, ValueError) as error:
        raise Unreachable(f"no commands from {address}: {error}") from error
    commands = page.get("commands") if isinstance(page, dict) else None
    if not isinstance(commands, list):
        raise Unreachable(f"{address} is no list of commands of sayso")
    if not commands:
        others = ", ".join(map(str, page.get("languages", ())))
        raise Unreachable(f"there are no sentences in {language!r} (--language), only in: {others or 'no language'}")
    return commands


def sentences(commands: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return the sentences, grouped by tool server and tool; long lines wrap to the width of the terminal."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for command in commands:
        tools = grouped.setdefault(str(command.get("server")), {})
        tools.setdefault(str(command.get("tool")), []).extend(map(str, command.get("samples") or ()))
    parts: list[RenderableType] = []
    for server, tools in grouped.items():
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column()
        for tool, samples in tools.items():
            if samples:
                table.add_row(f"  [dim]{escape(tool.replace('_', ' '))}[/]", escape("\n".join(dict.fromkeys(samples))))
        parts += [Text(server, style="bold"), table]
    return Group(*parts)
