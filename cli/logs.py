"""Configures logging: lines for a terminal, or one JSON object a line. Modules use ``logging``; structlog renders.

Rules kept here:

* Records go to the standard error; the standard output belongs to the command.
* Records of libraries are shown from warnings on; ``sayso.*`` from the level in the settings.
"""

import logging
import sys
from typing import Any, TextIO

import structlog

from config.settings import LogSettings


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
            structlog.processors.TimeStamper(fmt=moment, utc=is_json),
            *([structlog.processors.format_exc_info] if is_json else []),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
