"""What a tool server at an address answers instead of MCP, in words with its status.

The SDK replaces such an answer by an error of its own, which names neither. So the responses are looked at here.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import attrs
import httpx2
from mcp import MCPError

FIRST_ERROR: Final = 400
FIRST_SERVER_ERROR: Final = 500
MCP_TYPES: Final = ("application/json", "text/event-stream")
SDK_WORDS: Final = (
    "Server returned an error response",
    "Not Found",
    "Session terminated",
    "Unexpected content type",
    "server answered a request with",
    "Error parsing JSON response",
)
"""Beginnings of the SDK's own messages about an answer that is not MCP."""
HINTS: Final[Mapping[int, str]] = {
    401: "it wants a key: set headers, such as Authorization",
    403: "the key in its headers is not enough",
    404: "there is no MCP server at that path",
    405: "there is no MCP server at that path, or one of the older kind (SSE), which is not supported",
    406: "it does not speak MCP over streamable HTTP",
    429: "it gets too many requests",
}


@attrs.define
class HttpAnswers:
    """Keeps what was wrong with the newest answer of one server."""

    problem: str | None = None
    """In words; ``None`` if it was right."""

    async def take(self, response: httpx2.Response) -> None:
        """Look at the head of an answer; a hook of the HTTP client."""
        if response.request.method == "POST":  # a GET asks whether the server has news, and may be refused
            self.problem = http_problem(response.status_code, response.headers.get("content-type", ""))

    def words_for(self, error: BaseException) -> str | None:
        """Return what the server answered, if ``error`` is the SDK's own word for that."""
        is_sdks = isinstance(error, MCPError) and error.error.message.startswith(SDK_WORDS)
        return self.problem if is_sdks else None


def http_problem(status: int, content_type: str) -> str | None:
    """Return why an answer is not one of an MCP server; ``None`` if it may be.

    >>> http_problem(404, "text/html")
    'it answered 404 Not Found: there is no MCP server at that path'
    """
    if status >= FIRST_ERROR:
        hint = HINTS.get(status, "it has failed" if status >= FIRST_SERVER_ERROR else "it refuses the request")
        return f"it answered {_named(status)}: {hint}"
    kind = content_type.partition(";")[0].strip().lower()
    if status == HTTPStatus.OK and kind not in MCP_TYPES:
        return f"it answered {_named(status)} with {kind or 'no content type'}: that is no MCP server"
    return None


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
