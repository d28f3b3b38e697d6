"""``sayso keys``: the keys of those who may use the server.

Rules kept here:

* A key is printed once, on standard output and alone, so that it can be piped; only a digest of it is kept.
* The server's data folder is that of its settings. A server that runs notices a change within seconds.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backends.keys.audit_file import AuditFile
from backends.keys.key_file import KeyFile, KeyFileError
from cli import config_option
from cli.settings import parse_assignments, settings_or_exit
from config.settings import Settings
from protocol.admission.audit import AuditAct, AuditEntry
from protocol.admission.keys import (
    AccessKey,
    KeyOrder,
    KeyRefused,
    duration_s,
    with_new_key,
    with_new_secret,
    without_key,
)
from protocol.messages.identity import LOCAL_USER, Scope

DAY_S: Final = 86_400.0
COMMAND_LINE: Final = "command line"
Change = Callable[[tuple[AccessKey, ...]], tuple[tuple[AccessKey, ...], str]]

set_option = click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting, such as supervisor.data_dir=DIR."
)
scope_option = click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    default=[Scope.TALK.value],
    show_default=True,
    help="What it is for; may be given more than once. talk: sessions and /v1/; read: status, metrics, history;"
    " operate: draining, models.",
)
expires_option = click.option("--expires", metavar="TIME", help="Such as 90d or 12h; never without it.")


@click.group()
def keys() -> None:
    """Make, list, replace and revoke keys. With a key the server is usable beyond this machine."""


@keys.command()
@config_option
@set_option
@click.argument("name")
@scope_option
@click.option("--user", default=LOCAL_USER, show_default=True, help="Whose history and notes it is for.")
@expires_option
@click.pass_obj
def new(  # noqa: PLR0917 - click calls it by name
    config_path: Path | None,
    assignments: tuple[str, ...],
    name: str,
    scopes: tuple[str, ...],
    user: str,
    expires: str | None,
) -> None:
    """Make a key called NAME, and print it: it is shown this once."""
    settings = settings_or_exit(config_path, parse_assignments(assignments)).settings
    click.echo(made_key(settings, name, user, frozenset(map(Scope, scopes)), expires))
    click.echo("keep it: it is not shown again", err=True)


def made_key(settings: Settings, name: str, user: str, scopes: frozenset[Scope], expires: str | None) -> str:
    """Make a key and return it; ends the command with a sentence if it cannot be made."""

    def change(before: tuple[AccessKey, ...]) -> tuple[tuple[AccessKey, ...], str]:
        lasts_s = None if expires is None else duration_s(expires)
        order = KeyOrder(name=name, user=user, scopes=scopes, lasts_s=lasts_s)
        return with_new_key(before, order, time.time(), secrets.token_bytes)

    return _changed(KeyFile.in_folder(settings.supervisor.data_dir), change)


@keys.command()
@config_option
@set_option
@click.argument("name")
@expires_option
@click.pass_obj
def rotate(config_path: Path | None, assignments: tuple[str, ...], name: str, expires: str | None) -> None:
    """Replace the secret of a key, by its NAME or identifier, and print the new key; the old one is invalid."""

    def change(before: tuple[AccessKey, ...]) -> tuple[tuple[AccessKey, ...], str]:
        lasts_s = None if expires is None else duration_s(expires)
        return with_new_secret(before, name, time.time(), secrets.token_bytes, lasts_s)

    click.echo(_changed(_file(config_path, assignments), change))
    click.echo("keep it: it is not shown again", err=True)


@keys.command()
@config_option
@set_option
@click.argument("name")
@click.pass_obj
def revoke(config_path: Path | None, assignments: tuple[str, ...], name: str) -> None:
    """Revoke a key, by its NAME or identifier; its sessions are closed within seconds."""

    def change(before: tuple[AccessKey, ...]) -> tuple[tuple[AccessKey, ...], str]:
        after, gone = without_key(before, name)
        return after, f"revoked {gone.name} ({gone.key_id})"

    click.echo(_changed(_file(config_path, assignments), change))


@keys.command("list")
@config_option
@set_option
@click.pass_obj
def list_keys(config_path: Path | None, assignments: tuple[str, ...]) -> None:
    """List the keys, without their secrets."""
    with _in_words():
        found = _file(config_path, assignments).read()
    Console().print(table_of(found, time.time()))


def table_of(found: tuple[AccessKey, ...], now_s: float) -> Table:
    """Return the keys as a table; ``now_s`` is Unix time."""
    table = Table("name", "identifier", "user", "scopes", "expires", box=None, pad_edge=False)
    for key in found:
        scopes = ", ".join(scope.value for scope in Scope if scope in key.scopes)
        table.add_row(escape(key.name), key.key_id, escape(key.user), scopes, expiry_of(key, now_s))
    return table


def expiry_of(key: AccessKey, now_s: float) -> str:
    """Return when a key expires, in words."""
    if key.expires_at_s is None:
        return "never"
    if key.has_expired(now_s):
        return "expired"
    left_s = key.expires_at_s - now_s
    return f"in {left_s / DAY_S:.0f} days" if left_s >= 2 * DAY_S else f"in {left_s / 3_600:.1f} hours"


def _file(config_path: Path | None, assignments: tuple[str, ...]) -> KeyFile:
    settings = settings_or_exit(config_path, parse_assignments(assignments)).settings
    return KeyFile.in_folder(settings.supervisor.data_dir)


def _changed(file: KeyFile, change: Change) -> str:
    """Change the keys under their lock; return what is to be printed."""
    with _in_words(), file.locked():
        before = file.read()
        after, text = change(before)
        file.write(after)
        _write_down(file, before, after)
    return text


def _write_down(file: KeyFile, before: Sequence[AccessKey], after: Sequence[AccessKey]) -> None:
    """Write down which keys were made, replaced or revoked."""
    old, new = ({key.key_id: key for key in keys} for keys in (before, after))
    acts = [
        AuditAct(
            "keys", "revoked" if key_id not in new else "replaced" if key_id in old else "made", COMMAND_LINE, key_id
        )
        for key_id in sorted(old.keys() | new.keys())
        if old.get(key_id) != new.get(key_id)
    ]
    AuditFile.in_folder(file.path.parent).append([AuditEntry(time.time(), act) for act in acts])


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (KeyFileError, KeyRefused, OSError) as error:
        raise click.ClickException(str(error)) from error
