"""What the SDK logs about tool servers, made fit to be read: one line each, and not thousands of them.

Rules kept here:

* A message comes once in ``WINDOW_S`` for each server; how often it was left out is told with the next one.
* What a server wrote wrongly is that server's mistake: a line with its name and the beginning of it, no traceback.
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
)  # what these tell is the server's mistake, not the SDK's
SERVER: Final[ContextVar[str]] = ContextVar("SERVER", default="?")
"""The server whose connection the running task belongs to."""


@attrs.define
class Told:
    """When a message was let through, and how many of its kind were not since."""

    at_s: float
    left_out: int = 0


class Quiet(logging.Filter):
    """Lets a kind of message through once in a while; belongs to a logger, so that no handler sees the others."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, str], Told] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be logged; what is logged is shortened."""
        kind = (SERVER.get(), record.msg)
        last = self._told.get(kind)
        if last is not None and record.created - last.at_s < WINDOW_S:
            last.left_out += 1
            return False
        if len(self._told) >= MAX_KINDS:
            self._told.clear()
        self._told[kind] = Told(record.created)
        text = record.getMessage()
        if record.msg in FOREIGN and record.exc_info:
            text = f"{text}: {record.exc_info[1]}"
            record.exc_info = None
        more = f" ({last.left_out} more like it were not logged)" if last is not None and last.left_out else ""
        record.msg = f"tool server {kind[0]}: {' '.join(text.split())[:MAX_TEXT_CHARS]}{more}"
        record.args = ()
        return True


def quieten() -> None:
    """Give each of the SDK's loggers its filter; calling it again changes nothing."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, Quiet) for each in logger.filters):
            logger.addFilter(Quiet())
