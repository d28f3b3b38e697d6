"""Structured logs."""

from typing import Literal

import attrs

from config.settings.bounds import one_of

LogLevel = Literal["debug", "info", "warning", "error"]


@attrs.frozen(kw_only=True)
class LogSettings:
    """Structured logs."""

    level: LogLevel = attrs.field(validator=one_of(LogLevel))
    json: bool
