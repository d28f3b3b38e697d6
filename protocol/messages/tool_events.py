"""The events of tool calls: consent, calls, and what came of them.

They are known as parts of ``events.py``, which has them all.
"""

from collections.abc import Mapping
from typing import Any

import attrs

# --- client to server ---------------------------------------------------------------------------


@attrs.frozen
class Confirm:
    """The answer to a ``ConfirmRequest``."""

    call_id: str
    approve: bool


@attrs.frozen
class ToolOutput:
    """What a tool of the client has returned, or why it could not be called."""

    call_id: str
    output: str = ""
    error: str | None = None


# --- server to client ---------------------------------------------------------------------------


@attrs.frozen
class ConfirmRequest:
    """The user must agree before this call is made."""

    turn_id: str
    call_id: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    say: str
    expires_in_s: float


@attrs.frozen
class ToolCall:
    """A tool is being called. One of the server ``client`` is the client's own, which answers with ``ToolOutput``."""

    turn_id: str
    call_id: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    undoes: str | None = None
    """The call that this one takes back."""


@attrs.frozen
class ToolProgress:
    """The progress of the call, if its server reports it."""

    turn_id: str
    call_id: str
    done: float
    total: float | None = None
    message: str | None = None


@attrs.frozen
class ToolResult:
    """The tool's result."""

    turn_id: str
    call_id: str
    ok: bool
    duration_ms: int
    content: str | None = None
    error: str | None = None
