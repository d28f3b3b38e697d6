"""``sayso models``: the speech models of a running server; load one before it is wanted, unload one for its memory."""

from collections.abc import Mapping
from typing import Any, Final

import click
import httpx2
from rich.console import Console
from rich.table import Table

from cli.access import ServerAccess, access_options
from cli.status import DEFAULT_URL, Unreachable, http_address, verification

TIMEOUT_S: Final = 180.0  # a large model from a slow disk takes minutes
BYTES_PER_MB: Final = 1_000_000


class BadAnswer(Exception):
    """The server refuses, or is none of sayso; the message says why."""


@click.group(invoke_without_command=True)
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the server is.")
@access_options
@click.pass_context
def models(context: click.Context, url: str, *, access: ServerAccess) -> None:
    """List the speech models of a running server: loaded, loading, or loaded for the first who asks."""
    context.obj = (url, access)
    if context.invoked_subcommand is None:
        page = _answered(url, access, "GET", "/api/models")
        Console().print(picture(page.get("models") or []))


@models.command()
@click.argument("name")
@click.pass_obj
def load(target: tuple[str, ServerAccess], name: str) -> None:
    """Load a model now, so that its first user does not wait."""
    shown = _answered(*target, "POST", "/api/models/load", name)
    click.echo(f"{shown.get('name')} is {shown.get('state')}: {megabytes(shown)}")


@models.command()
@click.argument("name")
@click.pass_obj
def unload(target: tuple[str, ServerAccess], name: str) -> None:
    """Unload a model that nobody uses; the next who asks for it waits until it is loaded again."""
    shown = _answered(*target, "POST", "/api/models/unload", name)
    click.echo(f"{shown.get('name')} is {shown.get('state')}")


def picture(found: list[Mapping[str, Any]]) -> Table:
    """Return the models as a table: the default one first, then those that are loaded."""
    table = Table(box=None, pad_edge=False)
    for head in ("model", "state", "memory", "idle", "in work", "on"):
        table.add_column(head, justify="right" if head in ("memory", "idle", "in work") else "left")
    order = {"loaded": 0, "loading": 1}
    for model in sorted(found, key=lambda one: (not one.get("is_usual"), order.get(str(one.get("state")), 2))):
        is_loaded = model.get("state") == "loaded"
        figures = (
            (megabytes(model), f"{model.get('idle_s') or 0:.0f} s", str(model.get("in_work") or 0), _place(model))
            if is_loaded
            else ("", "", "", "")
        )
        name = f"{model.get('name')} (default)" if model.get("is_usual") else str(model.get("name"))
        table.add_row(name, str(model.get("state")), *figures)
    return table


def megabytes(model: Mapping[str, Any]) -> str:
    """Return a model's memory."""
    return f"{(model.get('memory_bytes') or 0) / BYTES_PER_MB:.0f} MB"


def _place(model: Mapping[str, Any]) -> str:
    return " ".join(str(model[part]) for part in ("device", "compute_type") if model.get(part))


def _answered(url: str, access: ServerAccess, method: str, path: str, name: str | None = None) -> Mapping[str, Any]:
    """Return the server's answer; ends the command with its reason where it refuses."""
    try:
        return ask(url, access, method, path, name)
    except (BadAnswer, Unreachable) as error:
        raise click.ClickException(str(error)) from error


def ask(url: str, access: ServerAccess, method: str, path: str, name: str | None = None) -> Mapping[str, Any]:
    """Send a request about models, about ``name`` if any; raises ``BadAnswer`` and ``Unreachable``."""
    address = f"{http_address(url)}{path}"
    try:
        response = httpx2.request(
            method,
            address,
            json=None if name is None else {"name": name},
            headers=dict(access.headers),
            verify=verification(access, address),
            timeout=TIMEOUT_S,
            trust_env=False,
        )
        page = response.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise Unreachable(f"no answer from {address}: {error}") from error
    if not isinstance(page, dict):
        raise BadAnswer(f"{address} is none of sayso")
    if not response.is_success:
        why = page.get("error")
        told = why.get("message") if isinstance(why, dict) else why
        raise BadAnswer(str(told or f"{address} answers {response.status_code}"))
    return page
