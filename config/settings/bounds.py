"""Bounds and validators that several sections share."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, NewType, get_args

from attrs.validators import in_

# Upper bounds are generous: they catch typing errors (a million workers) and mixed-up units.
HOUR_S = 3_600
DAY_S = 86_400
YEAR_S = 31_536_000  # in practice never
MOST_CONNECTIONS = 1_000_000  # what one Linux process may have of open files, by default
MOST_EVENTS = 1_000_000
MOST_WORKERS = 1_024  # of processes, threads or requests at once; more than any machine can use
MOST_MEMORY_MB = 1 << 24  # 16 TiB

ServerUrl = NewType("ServerUrl", str)
"""An address of a server, such as ``http://10.0.0.7:8000/v1``; several are written as a list, or between commas."""


def each(pattern: str, expected: str) -> Callable[[Any, Any, tuple[str, ...]], None]:
    """Return a validator for a tuple of strings that match ``pattern``."""

    def validate(_instance: Any, _field: Any, values: tuple[str, ...]) -> None:
        if not all(re.fullmatch(pattern, value) for value in values):
            raise ValueError(f"expected {expected}")

    return validate


def server_urls(_instance: Any, _field: Any, values: tuple[ServerUrl, ...]) -> None:
    """Raise ``ValueError`` unless all begin like addresses of HTTP servers and differ."""
    if not all(re.match(r"https?://[^/?#\s]", value) for value in values):
        raise ValueError("expected addresses such as http://10.0.0.7:8000/v1")
    if len({value.rstrip("/") for value in values}) < len(values):
        raise ValueError("expected each address once")


def networks(_instance: Any, _field: Any, values: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless all are networks or addresses."""
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError:
            raise ValueError("expected networks or addresses such as 10.0.0.0/8, 192.0.2.1 or fd00::/8") from None


def one_of(alternatives: object) -> Callable[[Any, Any, Any], None]:
    """Return a validator for the values of a ``Literal``."""
    return in_(get_args(alternatives))


def matches(pattern: str, expected: str) -> Callable[[Any, Any, Any], None]:
    """Return a validator for a string that matches ``pattern``; the error does not have the value."""

    def validate(_instance: Any, _field: Any, value: Any) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")

    return validate
