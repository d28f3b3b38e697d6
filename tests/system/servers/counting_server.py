"""An MCP server for tests: counts its calls in a file, is slow, stops answering, and talks on stderr when asked to.

``python counting_server.py FILE [--http PORT]``
"""

import os
import signal
import sys
import time
from pathlib import Path

import anyio
import trio
from mcp.server.mcpserver import MCPServer

LOG = Path(sys.argv[1])
server = MCPServer("counting", log_level="ERROR")


def note(word: str) -> None:
    """Append a word to the file that the test reads."""
    with LOG.open("a") as file:
        file.write(f"{word}\n")


@server.tool(structured_output=False)
async def slow(seconds: float) -> str:
    """Answer late."""
    note("began")
    try:
        await trio.sleep(seconds)
    except trio.Cancelled:
        note("cancelled")
        raise
    note("ended")
    return "late"


@server.tool(structured_output=False)
async def block(seconds: float) -> str:
    """Block the loop that answers pings, as many servers do."""
    time.sleep(seconds)  # noqa: ASYNC251 - that is the point
    return "unblocked"


@server.tool(structured_output=False)
async def freeze() -> str:
    """Stop this process right after answering."""
    trio.lowlevel.spawn_system_task(_freeze_soon)
    return "freezing"


async def _freeze_soon() -> None:
    await trio.sleep(0.3)
    os.kill(os.getpid(), signal.SIGSTOP)


@server.tool(structured_output=False)
async def pid() -> str:
    """Tell the process."""
    return str(os.getpid())


@server.tool(structured_output=False)
async def complain() -> str:
    """Write on stderr."""
    sys.stderr.write("the beans are out\n")
    sys.stderr.flush()
    return "complained"


if sys.argv[2:3] == ["--http"]:
    anyio.run(lambda: server.run_streamable_http_async(host="127.0.0.1", port=int(sys.argv[3])))
else:
    anyio.run(server.run_stdio_async, backend="trio")
