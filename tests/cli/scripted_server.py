"""A server of the native protocol that plays a script: an independent WebSocket library, and real sockets."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

Script = Callable[["Client"], Awaitable[None]]
ACCEPTED: dict[str, Any] = {
    "session_id": "s1",
    "resume_token": "t",
    "resume_window_s": 30.0,
    "server": {"name": "sayso", "version": "0"},
    "audio": {"format": "pcm_s16le", "sample_rate": 16_000, "channels": 1},
    "limits": {"max_message_bytes": 1_048_576, "max_utterance_s": 30.0, "idle_timeout_s": 300.0},
}


@attrs.define
class Client:
    """The script's end of a connection."""

    socket: WebSocketConnection
    seq: int = 0

    async def send(self, name: str, **data: Any) -> None:
        self.seq += 1
        await self.socket.send_message(json.dumps({"type": name, "data": data, "seq": self.seq}))

    async def receive(self) -> dict[str, Any] | bytes:
        frame = await self.socket.get_message()
        return frame if isinstance(frame, bytes) else json.loads(frame)

    async def accept(self) -> dict[str, Any]:
        """Take the first frame and accept it; return its data."""
        first = await self.receive()
        assert isinstance(first, dict)
        assert first["type"] == "connection_request"
        await self.send("connection_accepted", **ACCEPTED)
        data: dict[str, Any] = first["data"]
        return data

    async def ask(self) -> None:
        """Ask for a confirmation of the call ``c1``."""
        question = {"server": "files", "tool": "delete", "arguments": {}, "say": "Delete it?", "expires_in_s": 20.0}
        await self.send("confirm_request", turn_id="t1", call_id="c1", **question)

    async def complete(self, turn_id: str = "t1", outcome: str = "done") -> None:
        await self.send("turn_completed", turn_id=turn_id, outcome=outcome, latency_ms={"total": 12.0})


async def scripted_server(nursery: trio.Nursery, script: Script) -> str:
    """Serve ``script`` to every connection; return the address."""

    async def handle(request: WebSocketRequest) -> None:
        socket = await request.accept()
        try:
            await script(Client(socket))
            while True:
                await socket.get_message()
        except ConnectionClosed:
            pass  # the client has left

    server = await nursery.start(serve_websocket, handle, "127.0.0.1", 0, None)
    return f"ws://127.0.0.1:{server.port}/ws"
