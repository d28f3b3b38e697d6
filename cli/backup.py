"""``sayso backup``: a copy of the database, also while the server runs."""

from pathlib import Path

import click

from backends.protocols import StoreError
from backends.storage.sqlite_backup import back_up
from cli import config_option
from cli.keys import set_option
from cli.settings import parse_assignments, settings_or_exit


@click.command()
@config_option
@set_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup(config_path: Path | None, assignments: tuple[str, ...], file: Path) -> None:
    """Copy the database to a new FILE: history, timers, alarms, reminders, lists and notes. The server may run."""
    settings = settings_or_exit(config_path, parse_assignments(assignments)).settings
    if settings.history.database == "postgres":
        raise click.ClickException("the database is PostgreSQL (history.url): copy it with `pg_dump --format=custom`")
    try:
        size_bytes = back_up(settings.history.sqlite.path, file)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{file}: {size_bytes / 1e6:.1f} MB")
