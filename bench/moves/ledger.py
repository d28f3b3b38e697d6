"""The tool server of these benchmarks: ``python ledger.py FILE`` writes down every call before it answers.

A line of the file is the Unix time, the session, the id of the call and what was asked for.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import anyio
from mcp.server.mcpserver import Context, MCPServer


def main(file: Path) -> None:
    """Serve until the standard input ends."""
    server = MCPServer("ledger", log_level="ERROR")

    @server.tool(structured_output=False)
    async def enter(what: str, ctx: Context) -> str:
        """Write down what was asked for."""
        meta: dict[str, Any] = {**(ctx.request_context.meta or {})}
        line = f"{time.time():.3f} {meta['sayso/session']} {meta['sayso/call']} {what}\n"
        with file.open("a", encoding="utf-8") as ledger:  # one write, which no other replica's comes between
            ledger.write(line)
            ledger.flush()
            os.fsync(ledger.fileno())
        await anyio.lowlevel.checkpoint()
        return f"I wrote down {what}."

    anyio.run(server.run_stdio_async, backend="trio")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
