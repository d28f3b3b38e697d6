"""FastAPI on uvicorn, uvloop and httptools: what other servers of this kind are made of, to compare ours with.

It is run by the interpreter of an environment of its own, made of ``requirements/peers.txt``. Serves ``/ws``, which
takes frames and answers texts (with ``--echo`` all of them), and ``/health``; prints its port.
"""

import socket
import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect


async def health() -> dict[str, str]:
    """Return what our own page of that path does."""
    return {"status": "healthy"}


async def frames(websocket: WebSocket) -> None:
    """Receive frames until the client leaves."""
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") is not None:
                await websocket.send_text(message["text"])
            elif "--echo" in sys.argv:
                await websocket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        return


def main() -> None:
    """Serve until terminated."""
    app = FastAPI()
    app.add_api_route("/health", health)
    app.add_api_websocket_route("/ws", frames)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="websockets-sansio", log_level="warning", access_log=False
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
