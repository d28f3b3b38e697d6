"""``sayso status``: a running server in the terminal, once or live.

Rules kept here:

* It reads ``/api/status``: a field that an older or newer server does not send is left out.
* A server that does not answer is polled again by the live display; with ``--once`` it is an error (exit code 1).
"""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click
import httpx2
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cli.access import NO_ACCESS, BadAccess, ServerAccess, access_options

DEFAULT_URL: Final = "http://127.0.0.1:8000"
INTERVAL_S: Final = 1.0
TIMEOUT_S: Final = 3.0
EXIT_NOBODY: Final = 1
MAX_SESSIONS: Final = 10  # shown by name; there may be thousands
STYLES: Final[Mapping[str, str]] = {
    "ready": "green",
    "starting": "cyan",
    "stopping": "cyan",
    "backoff": "yellow",
    "zombie": "bold red",
    "stopped": "dim",
    "skipped": "dim",
}


class Unreachable(Exception):
    """The server does not answer, or not with a status; the message has its address."""


@click.command()
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the server is.")
@access_options
@click.option("--once", is_flag=True, help="Show one picture and end.")
@click.option("--json", "is_json", is_flag=True, help="Print what the server sent, once.")
def status(url: str, *, access: ServerAccess, once: bool, is_json: bool) -> None:
    """Show a running server: the tree, workers, load and drain; live in a terminal, once where there is none."""
    console = Console()
    if once or is_json or not console.is_terminal:
        try:
            page = ask(url, access)
        except Unreachable as error:
            raise click.ClickException(str(error)) from error
        console.print_json(json.dumps(page)) if is_json else console.print(picture(page))
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.update(current(url, access), refresh=True)
                time.sleep(INTERVAL_S)
        except KeyboardInterrupt:
            return


def current(url: str, access: ServerAccess = NO_ACCESS) -> RenderableType:
    """Return the display, or the reason if there is none."""
    try:
        return picture(ask(url, access))
    except Unreachable as error:
        return Text(f"{error}; trying again", style="yellow")


def ask(url: str, access: ServerAccess = NO_ACCESS) -> Mapping[str, Any]:
    """Fetch the status; raises ``Unreachable``."""
    address = f"{http_address(url)}/api/status"
    try:
        response = httpx2.get(
            address, headers=access.headers, verify=verification(access, address), timeout=TIMEOUT_S, trust_env=False
        )
        response.raise_for_status()
        page = response.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise Unreachable(f"no status from {address}: {error}") from error
    if not isinstance(page, dict) or "tree" not in page:
        raise Unreachable(f"{address} is no status of sayso")
    return page


def verification(access: ServerAccess, address: str) -> ssl.SSLContext | bool:
    """Return what an HTTP client checks certificates by; raises ``Unreachable``."""
    try:
        return access.ssl_context(address) or True
    except BadAccess as error:
        raise Unreachable(str(error)) from error


def http_address(url: str) -> str:
    """Return the base of a server's pages, also from the address of its WebSocket; raises ``Unreachable``."""
    scheme, _, rest = url.partition("://")
    known = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
    if scheme not in known or not rest:
        raise Unreachable(f"the address must begin with http:// or ws://, not {url!r}")
    return f"{known[scheme]}://{rest.removesuffix('/').removesuffix('/ws')}"


# --- the picture ---------------------------------------------------------------------------------


def picture(page: Mapping[str, Any]) -> RenderableType:
    """Return a status as a rich renderable."""
    return Group(headline(page), loads(page.get("load") or {}), tree_of(page["tree"]))


def headline(page: Mapping[str, Any]) -> Text:
    """Return a summary in a line."""
    drain = page.get("drain") or {}
    roles = page.get("roles") or ()
    parts = [
        f"{page.get('name', 'sayso')} {page.get('version', '')}",
        f"up {page.get('uptime_s', 0):.0f} s",
        f"for others: {', '.join(roles)}" if roles else f"{page.get('sessions', 0)} sessions",
        f"load level {page.get('load_level', 0)}",
    ]
    if drain.get("phase", "serving") != "serving":
        parts.append(f"{drain['phase']}: {drain.get('reason')}, {drain.get('deadline_in_s')} s left")
    return Text(" · ".join(parts), style="bold")


def loads(load: Mapping[str, Any]) -> RenderableType:
    """Return the signals of the load and where their levels begin."""
    signals = load.get("signals") or {}
    if not signals:
        return Text("load is not measured", style="dim")
    table = Table("signal", "value", "unit", "levels begin at", box=None, pad_edge=False)
    for name, signal in signals.items():
        value = signal.get("value")
        marks = ", ".join(f"L{level} {high:g}" for level, (high, _) in signal.get("marks", {}).items())
        style = "bold yellow" if name == load.get("driver") else ""
        table.add_row(name, "-" if value is None else f"{value:g}", signal.get("unit", ""), marks, style=style)
    return table


def tree_of(root: Mapping[str, Any]) -> Tree:
    """Return the supervision tree; of many sessions some, and how many more."""
    shown = Tree(line_of(root))
    for child in root.get("children", ()):
        below = shown.add(line_of(child))
        if child.get("id") == "sessions":
            details: Iterator[RenderableType] = sessions_of(child)
        else:
            details = details_of(child)
        for line in details:
            below.add(line)
    return shown


def sessions_of(node: Mapping[str, Any]) -> Iterator[str]:
    """Yield some sessions, how many more there are, and where most messages wait."""
    sessions, summary = node.get("children", ()), node.get("summary") or {}
    shown = sessions[:MAX_SESSIONS]
    for session in shown:
        yield line_of(session)
    more = summary.get("count", len(sessions)) - len(shown)
    if more > 0:
        yield f"[dim]and {more} more[/]"
    for mailbox in summary.get("worst_mailboxes", ()):
        waiting = f"{mailbox.get('queued')} queued, the oldest for {mailbox.get('head_age_s', 0):.1f} s"
        yield f"[yellow]{escape(str(mailbox.get('id')))}[/]  {waiting}"


def details_of(node: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield what is below an actor: its workers, the servers that do their jobs, and its children."""
    pool = (node.get("statistics") or {}).get("pool") or {}
    for worker in pool.get("workers", ()):
        figures = " ".join(f"{name} {worker[name]}" for name in ("role", "pid", "jobs", "restarts") if name in worker)
        yield f"[dim]worker[/] {escape(str(worker.get('state')))} {escape(figures)}"
    for address in (pool.get("remote") or {}).get("addresses", ()):
        shown = ("breaker", "in_work", "answers", "failures", "overtaken")
        figures = " ".join(f"{name} {address[name]}" for name in shown if name in address)
        yield f"[dim]server[/] {escape(str(address.get('url')))} {escape(figures)}"
    for child in node.get("children", ()):
        yield line_of(child)


def line_of(node: Mapping[str, Any]) -> str:
    """Return one actor in a line."""
    state = str(node.get("state"))
    parts = [f"[{STYLES.get(state, '') or 'none'}]{escape(str(node.get('id')))}[/] {escape(state)}"]
    mailbox = node.get("mailbox") or {}
    if node.get("restarts"):
        parts.append(f"[yellow]{node['restarts']} restarts[/]")
    if mailbox.get("queued"):
        parts.append(f"{mailbox['queued']} queued, the oldest for {mailbox.get('head_age_s', 0):.1f} s")
    ended = node.get("last_exit")
    if ended and node.get("restarts"):
        parts.append(f"[dim]{escape(str(ended.get('kind')))}: {escape(str(ended.get('reason')))[:80]}[/]")
    return "  ".join(parts)
