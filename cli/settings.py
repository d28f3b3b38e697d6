"""Loads the settings for a subcommand, or ends the process with an explanation."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

import click

from config.load import Loaded, load
from config.paths import find_config
from config.problems import ConfigError

EXIT_CONFIG: Final = 2


def settings_or_exit(config_path: Path | None, flags: Mapping[str, str]) -> Loaded:
    """Return the settings in force; prints every problem and exits with 2 if there are any."""
    try:
        return load(config_path or find_config(os.environ, Path.cwd()), os.environ, flags)
    except ConfigError as error:
        _exit_with(error)


def parse_assignments(assignments: tuple[str, ...]) -> dict[str, str]:
    """Return ``KEY=VALUE`` texts as a mapping; raises ``click.BadParameter``."""
    pairs = [assignment.partition("=") for assignment in assignments]
    for (key, equals, _), assignment in zip(pairs, assignments, strict=True):
        if not key or not equals:
            raise click.BadParameter(f"expected KEY=VALUE, such as log.level=debug, not {assignment!r}")
    return {key.strip(): value for key, _, value in pairs}


def _exit_with(error: ConfigError) -> NoReturn:
    count = len(error.problems)
    click.echo(f"sayso: the configuration has {count} problem{'s' if count > 1 else ''}:", err=True)
    for problem in error.problems:
        click.echo(f"  {problem}", err=True)
    sys.exit(EXIT_CONFIG)
