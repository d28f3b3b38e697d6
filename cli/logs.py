"""The log: how it is written, and ``sayso logs``, which finds in it what happened in a turn or a session.

Lines are for a terminal, or one JSON object each. Modules use ``logging``; structlog renders.

Rules kept here:

* Records go to the standard error; the standard output belongs to the command.
* Records of libraries are shown from warnings on; ``sayso.*`` from the level in the settings.
* Each line of a task has the ids of what it works on (``runtime/messaging/log_ids.py``).
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, get_args

import click
import structlog

from cli.log_lines import Found, LineFilter, searched
from config.settings import LogSettings
from config.settings.log import LogLevel
from runtime.messaging.log_ids import log_ids

LINE_CHARS_MAX: Final = 1_000_000


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send all records to ``stream`` (the standard error), rendered as ``settings`` ask for."""
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(is_json=settings.json, has_colours=target.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sayso").setLevel(settings.level.upper())


def _formatter(*, is_json: bool, has_colours: bool) -> structlog.stdlib.ProcessorFormatter:
    moment = "iso" if is_json else "%H:%M:%S.%f"
    renderer: Any = structlog.processors.JSONRenderer(default=str)
    if not is_json:
        renderer = structlog.dev.ConsoleRenderer(
            colors=has_colours, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            _add_ids,
            structlog.processors.TimeStamper(fmt=moment, utc=is_json),
            *([structlog.processors.format_exc_info] if is_json else []),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _add_ids(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the ids of the task that writes; those that the record has are kept."""
    for name, value in log_ids().items():
        event.setdefault(name, value)
    return event


# --- the command ---------------------------------------------------------------------------------


@click.command()
@click.option("--turn", help="Lines of this turn.")
@click.option("--session", help="Lines of this session and its turns.")
@click.option("--level", type=click.Choice(get_args(LogLevel)), default="debug", help="From this level on.")
@click.option("--json", "is_json", is_flag=True, help="Print the lines as they are.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
def logs(turn: str | None, session: str | None, level: str, is_json: bool, file: str) -> None:
    r"""Show lines of a log, from FILE or the standard input, that a server has written with log.json = true.

    \b
    sayso logs --turn 3f9c2a51d07e server.log
    journalctl -u sayso -o cat | sayso logs --session 91d2c0a4b7e6f385 --level warning
    """
    found, wanted = Found(), LineFilter(turn, session, level)
    try:
        with click.open_file(file, errors="replace") as log:
            if log.isatty():
                raise click.UsageError("name a file, or give it the log: journalctl -u sayso -o cat | sayso logs")
            for line in searched(iter(lambda: log.readline(LINE_CHARS_MAX), ""), wanted, found, is_json=is_json):
                click.echo(line)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.FileError(file, error.strerror) from error
    if found.shown == 0:
        raise click.ClickException(found.nothing())
