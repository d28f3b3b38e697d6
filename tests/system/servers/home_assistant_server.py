"""A fake Home Assistant on a free port: its WebSocket API, its MCP server, and pages by which a test changes it.

The first line of its output is its address.
"""

import json
import logging
import sys

import attrs
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from quart import Response, request, websocket
from quart_trio import QuartTrio

from tests.fake_home_assistant import FakeHome, small_home


@attrs.define(eq=False)
class Pages:
    """The pages of one home."""

    home: FakeHome
    listeners: set[trio.MemorySendChannel[str]] = attrs.field(factory=set)

    async def link(self) -> None:
        """Serve one WebSocket."""
        await websocket.send(json.dumps(self.home.hello()))
        greeting = self.home.greet(json.loads(await websocket.receive()))
        await websocket.send(json.dumps(greeting))
        if greeting["type"] != "auth_ok":
            return
        events, coming = trio.open_memory_channel[str](100)
        self.listeners.add(events)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pass_on, coming)
                while True:
                    message = json.loads(await websocket.receive())
                    await websocket.send(json.dumps(self.home.answer(message)))
        finally:
            self.listeners.discard(events)

    async def mcp(self) -> Response:
        """Answer one message of MCP."""
        if request.headers.get("authorization") != f"Bearer {self.home.token}":
            return Response("401: Unauthorized", 401)
        if request.method != "POST":
            return Response("Only POST method is supported", 405)
        answer = self.home.mcp(await request.get_json())
        return Response("", 202) if answer is None else as_json(answer)

    async def rename(self) -> Response:
        """Give an entity another name."""
        event = json.dumps(self.home.rename(**await request.get_json()))
        for listener in self.listeners:
            listener.send_nowait(event)
        return Response("")

    async def revoke(self) -> Response:
        """Accept the token no more."""
        self.home.token = "another"
        for listener in tuple(self.listeners):
            listener.close()
        return Response("")

    async def calls(self) -> Response:
        """Tell which tools were called."""
        return as_json(self.home.calls)


async def pass_on(coming: trio.MemoryReceiveChannel[str]) -> None:
    """Send events until there are no more, then close the WebSocket of this task."""
    async for event in coming:
        await websocket.send(event)
    await websocket.close(1000)


def as_json(body: object) -> Response:
    """Return a page of JSON."""
    return Response(json.dumps(body), 200, content_type="application/json")


def make_app(home: FakeHome) -> QuartTrio:
    """Return the app of one home."""
    pages = Pages(home)
    app = QuartTrio("home_assistant")
    app.add_websocket("/api/websocket", view_func=pages.link)
    app.add_url_rule("/api/mcp", view_func=pages.mcp, methods=["GET", "POST", "DELETE"])
    app.add_url_rule("/test/rename", view_func=pages.rename, methods=["POST"])
    app.add_url_rule("/test/revoke", view_func=pages.revoke, methods=["POST"])
    app.add_url_rule("/test/calls", view_func=pages.calls)
    return app


async def main() -> None:
    """Serve until the process is ended."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    async with trio.open_nursery() as nursery:
        [address] = await nursery.start(serve, make_app(small_home()), config)
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    trio.run(main)
