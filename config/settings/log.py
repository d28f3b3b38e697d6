"""Structured logs."""

from typing import Literal

import attrs
from attrs.validators import in_


@attrs.frozen(kw_only=True)
class LogSettings:
    """Structured logs."""

    level: Literal["debug", "info", "warning", "error"] = attrs.field(
        validator=in_(("debug", "info", "warning", "error"))
    )
    json: bool
