"""Addresses at which something else than an MCP server answers."""

from functools import partial

import pytest
import trio

from backends.mcp.client import McpServers, McpSettings
from backends.protocols import ToolServerLost

pytestmark = pytest.mark.system


async def answer(head: str, body: str, stream: trio.SocketStream) -> None:
    """Answer every request of a connection alike."""
    async with stream:
        while data := await stream.receive_some(65_536):
            while b"\r\n\r\n" not in data:
                data += await stream.receive_some(65_536)
            lines = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
            await stream.send_all(lines.encode())
            return


@pytest.mark.parametrize(
    ("head", "body", "told"),
    [
        (
            "401 Unauthorized\r\nContent-Type: application/json",
            '{"error":"unauthorized"}',
            "it does not accept the credentials (status 401)",
        ),
        ("404 Not Found\r\nContent-Type: text/html", "<h1>Nothing</h1>", "404 Not Found: there is no MCP server"),
        ("500 Internal Server Error", "", "500 Internal Server Error: it has failed"),
        ("200 OK\r\nContent-Type: text/html", "<h1>Hello</h1>", "200 OK with text/html: that is no MCP server"),
    ],
)
async def test_what_it_answers_is_told_with_the_status(nursery: trio.Nursery, head: str, body: str, told: str) -> None:
    serve = partial(trio.serve_tcp, partial(answer, head, body), 0, host="127.0.0.1")
    [listener] = await nursery.start(serve)
    config = {"url": f"http://127.0.0.1:{listener.socket.getsockname()[1]}/mcp"}
    servers = McpServers({"web": config}, McpSettings(connect_timeout_s=20.0, result_max_chars=100))
    with trio.fail_after(60), pytest.raises(ToolServerLost) as lost:
        async with servers("web", on_announcement=lambda _told: None):
            pass
    assert told in str(lost.value)
    nursery.cancel_scope.cancel()
