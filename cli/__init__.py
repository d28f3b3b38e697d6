"""The command line: one file a subcommand, thin.

Subcommands are imported when they are called, so that ``sayso --help`` does not load models' libraries.
"""

import errno
import importlib
import importlib.metadata
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "Run the server.",
    "restart": "Replace the replicas of this machine, one after the other.",
    "say": "Talk to a running server.",
    "status": "Show a running server, once or live.",
    "models": "List, load and unload the speech models of a running server.",
    "pair": "Make a key for a device, and show it as a QR code.",
    "keys": "Make, list, replace and revoke the keys of those who may use the server.",
    "history": "List, search, show, export and delete the conversations that were kept.",
    "backup": "Copy the database to a file, also while the server runs.",
    "logs": "Show what a log says of a turn or a session.",
    "doctor": "Check what the server needs, and say the fix.",
    "config": "Show the settings in force, and where each came from.",
    "schema": "Print JSON Schema of the native protocol.",
    "bench": "Run a benchmark of the checkout.",
}  # each is a module of this folder that holds a command of the same name


class Subcommands(click.Group):
    """A click group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; where its tasks find that the reader of its output has gone, click ends it without a word."""
        try:
            return super().invoke(ctx)
        except BaseExceptionGroup as group:
            if group.split(BrokenPipeError)[1] is None:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def version() -> str:
    """Return the installed version."""
    return importlib.metadata.version("sayso")


def _keep_path(ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    """Store the path for the commands; the last one on the command line wins."""
    if path is not None:
        ctx.obj = ctx.find_root().obj = path


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    expose_value=False,
    callback=_keep_path,
    help="Settings to read instead of ./sayso.toml or the user's.",
)
"""For ``sayso`` and each command that reads settings, so that it may stand on either side of the command's name."""


@click.group(cls=Subcommands, invoke_without_command=False, context_settings={"help_option_names": ["-h", "--help"]})
@config_option
@click.version_option(version=None, package_name="sayso", message="%(prog)s %(version)s")
def main() -> None:
    """Run a voice-control server: it hears, understands, acts through MCP tools and answers."""
