"""A server of the older protocol generation, by hand: JSON lines on stdin and stdout, nothing of the SDK."""

import json
import sys
import time
from typing import Any

TOOLS = [
    {"name": "echo", "description": "Say it again.", "inputSchema": {"type": "object"}},
    {"name": "announce", "description": "Say something later.", "inputSchema": {"type": "object"}},
    {"name": "hush", "description": "Answer nothing any more.", "inputSchema": {"type": "object"}},
]


def send(message: dict[str, Any]) -> None:
    """Write one message."""
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def result_of(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result of a request, None for a method that this generation does not have."""
    match method:
        case "initialize":
            return {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "old", "version": "1"},
            }
        case "ping":
            return {}
        case "tools/list":
            # two pages, the second behind a cursor
            return {"tools": TOOLS[2:]} if params.get("cursor") else {"tools": TOOLS[:2], "nextCursor": "more"}
        case "tools/call":
            text = json.dumps(params["_meta"], sort_keys=True) if params["name"] == "echo" else params["name"]
            return {"content": [{"type": "text", "text": text}]}
        case _:
            return None


def main() -> None:
    """Answer until stdin closes."""
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        params = message.get("params") or {}
        result = result_of(message["method"], params)
        if result is None:
            send({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})
            continue
        send({"id": message["id"], "result": result})
        if params.get("name") == "announce":
            said = {"session": params["_meta"]["sayso/session"], "text": "The old bell rings."}
            send({"method": "notifications/sayso/announcement", "params": said})
        if params.get("name") == "hush":
            time.sleep(60)


main()
