"""Filters the SDK's log records about tool servers: one line each, repeated ones counted.

Rules kept here:

* A message is logged once in ``WINDOW_S`` for each server; the next one says how many were left out.
* A server's invalid output is logged as a line with its name and the beginning of it, without a traceback.
"""

import logging
from contextvars import ContextVar
from typing import Final

import attrs

WINDOW_S: Final = 600.0
MAX_KINDS: Final = 256  # of message and server that are remembered
MAX_TEXT_CHARS: Final = 200
LOGGERS: Final = (
    "mcp.client.session",
    "mcp.client.stdio",
    "mcp.client.streamable_http",
    "mcp.shared.jsonrpc_dispatcher",
    "mcp.shared.tool_name_validation",
)
FOREIGN: Final = frozenset(
    {
        "Failed to parse JSONRPC message from server",
        "Error parsing SSE message",
        "Error parsing JSON response",
    }
)  # these report a mistake of the server, not of the SDK
SERVER: Final[ContextVar[str]] = ContextVar("SERVER", default="?")
"""The server whose connection the running task belongs to."""


@attrs.define
class LastLogged:
    """When a message was last logged, and how many equal ones were left out since."""

    at_s: float
    left_out: int = 0


class RepeatFilter(logging.Filter):
    """Passes equal messages once in ``WINDOW_S``; a filter of loggers, so that no handler sees the others."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, str], LastLogged] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be logged; what is logged is shortened."""
        kind = (SERVER.get(), record.msg)
        last = self._told.get(kind)
        if last is not None and record.created - last.at_s < WINDOW_S:
            last.left_out += 1
            return False
        if len(self._told) >= MAX_KINDS:
            self._told.clear()
        self._told[kind] = LastLogged(record.created)
        text = record.getMessage()
        if record.msg in FOREIGN and record.exc_info:
            text = f"{text}: {record.exc_info[1]}"
            record.exc_info = None
        more = f" ({last.left_out} more like it were not logged)" if last is not None and last.left_out else ""
        record.msg = f"tool server {kind[0]}: {' '.join(text.split())[:MAX_TEXT_CHARS]}{more}"
        record.args = ()
        return True


def filter_sdk_logs() -> None:
    """Add the filter to each of the SDK's loggers; idempotent."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, RepeatFilter) for each in logger.filters):
            logger.addFilter(RepeatFilter())
