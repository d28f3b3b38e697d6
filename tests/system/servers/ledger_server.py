"""An MCP server for tests that writes down every call before it answers: ``python ledger_server.py FILE``."""

import os
import sys
from pathlib import Path

import anyio
import trio
from mcp.server.mcpserver import Context, MCPServer

LEDGER = Path(sys.argv[1])
server = MCPServer("ledger", log_level="ERROR")


def write_down(line: str) -> None:
    """Add a line so that no death can take it back."""
    with LEDGER.open("a") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


@server.tool(structured_output=False)
async def enter(ctx: Context) -> str:
    """Write down the call's id, and answer a little later."""
    meta = ctx.request_context.meta or {}
    write_down(f"{meta['sayso/call']} {os.getpid()}\n")
    await trio.sleep(0.05)
    return "entered"


anyio.run(server.run_stdio_async, backend="trio")
