"""A coffee bar as an MCP server over stdio: it takes orders, and writes down each with the call that it came by.

python bench/accuracy/bar/server.py FILE      one line of JSON for each order is added to FILE
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import anyio
from mcp.server.mcpserver import Context, MCPServer

from backends.mcp.announcements import CALL_META_KEY


class Bar:
    """Takes orders."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def order_drink(
        self,
        coffeeDrink: str,  # noqa: N803 - the corpus names its slots so
        *,
        ctx: Context,
        size: str = "",
        roast: str = "",
        numberOfShots: str = "",  # noqa: N803
        milkAmount: str = "",  # noqa: N803
        sugarAmount: str = "",  # noqa: N803
    ) -> str:
        """Order a drink."""
        said = {
            "coffeeDrink": coffeeDrink,
            "size": size,
            "roast": roast,
            "numberOfShots": numberOfShots,
            "milkAmount": milkAmount,
            "sugarAmount": sugarAmount,
        }
        meta = cast("Mapping[str, Any]", ctx.request_context.meta or {})
        order = {"call": meta.get(CALL_META_KEY), "arguments": {name: value for name, value in said.items() if value}}
        with self._file.open("a") as book:
            book.write(json.dumps(order) + "\n")
        return f"One {coffeeDrink}."


if __name__ == "__main__":
    bar = MCPServer("bar")
    bar.add_tool(Bar(Path(sys.argv[1])).order_drink)
    anyio.run(bar.run_stdio_async, backend="trio")
