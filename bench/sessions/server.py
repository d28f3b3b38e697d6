"""The server without its workers, and silent clients: simulated ones, and those of a process of their own."""

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Never

import trio

from config.load import load
from config.settings import Settings
from protocol.dialects.dialect import ClientLink
from protocol.dialects.native import NativeDialect
from protocol.messages.identity import Identity
from protocol.messages.socket import SocketClosed
from runtime import Actor, ChildSpec, CountChildren, DynamicSupervisor, StartChild, Supervisor, Tree, run_tree
from sayso_client import ClientOptions, Endpoint, WebSocket
from sayso_client.requests import connection_request
from supervisor import Server

REQUEST: Final = connection_request(ClientOptions(client_id="bench", capabilities=("stt",)))
LIMIT_S: Final = 300.0


class Sink(Actor[object]):
    """Receives the messages of sessions to actors that are not started."""

    async def handle(self, _message: object) -> None:
        """Ignore the message."""


class SilentSocket:
    """A client that makes its handshake and is silent until it leaves."""

    def __init__(self, number: int) -> None:
        self.identity = Identity(f"192.0.2.1:{number}", "192.0.2.1")
        self.has_heard = trio.Event()
        self._has_asked = False
        self._closed = trio.Event()

    async def receive(self) -> str | bytes:
        """Return the handshake, then nothing until it leaves."""
        if not self._has_asked:
            self._has_asked = True
            return REQUEST
        await self._closed.wait()
        raise SocketClosed(1001)

    async def send(self, _frame: str | bytes) -> None:
        """Note that the session is open."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._closed.is_set():
            raise SocketClosed(1001)
        self.has_heard.set()

    async def send_speech(self, _frame: str | bytes) -> None:
        """Ignore the frame."""
        await trio.lowlevel.checkpoint_if_cancelled()

    def drop_speech(self) -> int:
        """Drop nothing: nothing is queued."""
        return 0

    def start_close(self, _code: int, _reason: str, *, timeout_s: float | None = None) -> None:  # noqa: ARG002 - as the real one
        """Leave."""
        self._closed.set()

    async def wait_closed(self) -> int:
        """Wait until it has left."""
        await self._closed.wait()
        return 1001


def settings_for(count: int, utterance_s: float, folder: str) -> Settings:
    """Return an installation's settings, with room for ``count`` sessions on a port that the system chooses."""
    environment = {
        "SAYSO_SESSION__RESUME_WINDOW_S": "0",  # a closed socket counts as the client's leaving
        "SAYSO_AUDIO__MAX_UTTERANCE_S": str(utterance_s),
        "HOME": folder,
        "SAYSO_GATEWAY__PORT": "0",
        "SAYSO_GATEWAY__HOST": "127.0.0.1",
        "SAYSO_GATEWAY__BACKLOG": "1024",
        "SAYSO_GATEWAY__WEBSOCKET__MAX_CONNECTIONS": str(count),
        "SAYSO_SESSION__IDLE_TIMEOUT_S": "3600",
    }
    return load(None, environment, {}).settings


@asynccontextmanager
async def bare_server(count: int, utterance_s: float, *, has_gateway: bool) -> AsyncIterator[tuple[Server, Tree]]:
    """Run the actors that a session needs, its supervisor, and the listener if wanted."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(settings_for(count, utterance_s, folder))

        def make_sessions() -> DynamicSupervisor:
            return DynamicSupervisor(count)

        specs: list[ChildSpec[Never]] = [
            ChildSpec(server.refs.metrics, Sink),
            ChildSpec(server.refs.history, Sink),
            ChildSpec(server.refs.sessions, make_sessions),
        ]
        if has_gateway:
            specs.append(ChildSpec(server.refs.gateway, server.make.make_gateway))
        async with trio.open_nursery() as nursery:
            yield server, await nursery.start(run_tree, Supervisor(specs))
            nursery.cancel_scope.cancel()


async def start_session(server: Server, socket: SilentSocket) -> None:
    """Start a session for the client of ``socket``, as the listener does."""
    link = ClientLink(socket, NativeDialect())
    await server.refs.sessions.ask(StartChild(server.sessions.open(link)), timeout_s=LIMIT_S)


async def population(server: Server, count: int) -> None:
    """Wait until there are ``count`` sessions; for 0 also until their supervisor has removed them."""
    with trio.fail_after(LIMIT_S):
        while len(server.sessions.live) != count:  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.01)
        while (await server.refs.sessions.ask(CountChildren())).specs != count:  # noqa: ASYNC110
            await trio.sleep(0.01)


# --- the clients' process ------------------------------------------------------------------------


async def open_session(port: int) -> WebSocket:
    """Open a session by the WebSocket alone: half the memory of a ``ClientSession``."""
    socket = await Endpoint(f"ws://127.0.0.1:{port}/ws", timeout_s=LIMIT_S).open()
    await socket.send(REQUEST)
    while "connection_accepted" not in str(await socket.receive()):
        pass
    return socket


async def run_clients(count: int, port: int) -> None:
    """Wait for a line, connect one after the other, report that all are connected, stay until stdin ends."""
    await trio.to_thread.run_sync(sys.stdin.readline)
    sockets = []
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            sockets.append(await open_session(port))
            nursery.start_soon(swallow, sockets[-1])
        print("there", flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()
    for socket in sockets:
        await socket.abort()


async def swallow(socket: WebSocket) -> None:
    while True:
        await socket.receive()
