"""A server of the native protocol that plays a script: an independent WebSocket library, and real sockets."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

Script = Callable[["Client"], Awaitable[None]]


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
        await self.send("connection_accepted", session_id="s1", resume_token="t")
        data: dict[str, Any] = first["data"]
        return data

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
