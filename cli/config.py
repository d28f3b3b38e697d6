"""``sayso config``: the settings in force, and where each value came from."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli import config_option
from cli.settings import parse_assignments, settings_or_exit
from config.display import shown
from config.load import DEFAULT_ORIGIN, DEFAULTS, Loaded
from config.reference import reference as page_of


@click.group(invoke_without_command=True)
@config_option
@click.option("--json", "is_json", is_flag=True, help="Print JSON: key to value and origin.")
@click.option("--changed", is_flag=True, help="Only what is not the default.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="As for serve.")
@click.pass_context
def config(ctx: click.Context, is_json: bool, changed: bool, assignments: tuple[str, ...]) -> None:
    """Show the settings in force, and where each came from."""
    if ctx.invoked_subcommand is not None:
        return
    loaded = settings_or_exit(_path(ctx), parse_assignments(assignments))
    rows = {
        key: {"value": value, "origin": loaded.origins[key]}
        for key, value in shown(loaded.settings).items()
        if not changed or loaded.origins[key] != DEFAULT_ORIGIN
    }
    if is_json:
        click.echo(json.dumps({"settings": rows, "warnings": loaded.warnings}, indent=1))
        return
    Console().print(_table(rows))
    _warn(loaded)


@config.command()
@config_option
@click.pass_context
def check(ctx: click.Context) -> None:
    """Check the settings; the exit code is 2 if there is anything wrong."""
    _warn(settings_or_exit(_path(ctx), {}))
    click.echo("the configuration is good")


@config.command()
def reference() -> None:
    """Print the page of all settings (docs/configuration.md) as Markdown."""
    click.echo(page_of(DEFAULTS.read_text()), nl=False)


def _path(ctx: click.Context) -> Path | None:
    path = ctx.find_root().obj
    return path if isinstance(path, Path) else None


def _warn(loaded: Loaded) -> None:
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)


def _table(rows: dict[str, dict[str, object]]) -> Table:
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for key, row in rows.items():
        style = "dim" if row["origin"] == DEFAULT_ORIGIN else "bold"
        table.add_row(key, escape(json.dumps(row["value"])), str(row["origin"]), style=style)
    return table
