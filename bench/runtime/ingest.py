"""CPU per received frame: our own WebSocket against trio-websocket and FastAPI on uvicorn, by turns in one run.

Each server is a process of its own that takes binary frames at a steady pace, so that the figure is the server's CPU
time per frame and not how fast the client is; with ``--echo`` it sends each of them back. Compare the ratio, not
the microseconds.

    sayso bench ingest --connections 100 --rate 25 --seconds 8 --rounds 2
    sayso bench ingest --peers PYTHON        with FastAPI; PYTHON has what requirements/peers.txt names
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import psutil
import trio
import trio_websocket
from websockets.frames import Frame, Opcode

from backends.ingress.accepted_connection import IngressRoutes
from backends.ingress.server import TrioIngress
from backends.protocols import Request
from bench.part import Flag, Part, Report
from protocol.messages.socket import Socket, SocketClosed
from tests.backends.ingress.ingress_fixtures import NATIVE, FakeAdmission, FakeHandlers, gateway_settings

FRAME_BYTES = 1_280  # 40 ms of 16 kHz s16le
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@attrs.frozen
class Load:
    """The clients' parameters."""

    connections: int
    rate: float
    frames: int
    does_echo: bool


class Receiver(FakeHandlers):
    """A session that takes frames, and answers text frames or, with ``--echo``, every frame."""

    def __init__(self, *, does_echo: bool) -> None:
        super().__init__(places=10_000, session=self.run)
        self.does_echo = does_echo

    async def run(self, socket: Socket, _request: Request) -> None:
        """Receive frames until the client leaves, in a task of its own, as the actor of a session does."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, socket)

    async def _read(self, socket: Socket) -> None:
        try:
            while True:
                message = await socket.receive()
                if isinstance(message, str):
                    await socket.send(message)
                elif self.does_echo:
                    await socket.send_speech(message)
        except SocketClosed:
            return


async def serve_sayso(*, does_echo: bool) -> None:
    settings, handlers = gateway_settings(), Receiver(does_echo=does_echo)
    routes = IngressRoutes(NATIVE)
    ingress = TrioIngress(settings, handlers, FakeAdmission(settings, handlers), routes)
    async with trio.open_nursery() as nursery:
        addresses = await nursery.start(lambda task_status: ingress.serve(task_status=task_status))
        print(addresses[0][1], flush=True)


async def serve_trio_websocket(*, does_echo: bool) -> None:
    async def run(request: trio_websocket.WebSocketRequest) -> None:
        ws = await request.accept()
        try:
            while True:
                message = await ws.get_message()
                if does_echo or isinstance(message, str):
                    await ws.send_message(message)
        except trio_websocket.ConnectionClosed:
            return

    async with trio.open_nursery() as nursery:
        serve = partial(trio_websocket.serve_websocket, run, "127.0.0.1", 0, receive_buffer_size=65_536)
        server = await nursery.start(partial(serve, ssl_context=None))
        print(server.port, flush=True)


async def read_bytes(stream: trio.SocketStream, count: int) -> None:
    while count > 0:
        count -= len(await stream.receive_some(65_536))


async def talk(port: int, load: Load, delay_s: float, ready: trio.Event) -> None:
    """Send frames at a pace, then a text that is answered when all of them were taken."""
    data = bytes(FRAME_BYTES)
    frame, question = (Frame(opcode, data).serialize(mask=True) for opcode in (Opcode.BINARY, Opcode.TEXT))
    answer_bytes = len(Frame(Opcode.BINARY, data).serialize(mask=False))
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(UPGRADE)
        while b"\r\n\r\n" not in await stream.receive_some():
            pass
        await ready.wait()
        start = trio.current_time() + delay_s
        for number in range(load.frames):
            await trio.sleep_until(start + number / load.rate)
            await stream.send_all(frame)
            if load.does_echo:
                await read_bytes(stream, answer_bytes)
        await stream.send_all(question)
        await read_bytes(stream, answer_bytes)


def command_of(name: str, peers: str) -> list[str]:
    """Return the command of a server; FastAPI has an interpreter of its own."""
    if name == FASTAPI:
        return [peers, str(Path(__file__).with_name("fastapi_peer.py"))]
    return [sys.executable, "-m", "bench", "ingest", "--serve", name]


async def cpu_us_per_frame(command: Sequence[str], load: Load) -> float:
    """Return the server's CPU time per frame, in microseconds."""
    command = [*command, *(["--echo"] if load.does_echo else [])]
    async with trio.open_nursery() as nursery:
        process = await nursery.start(partial(trio.run_process, command, stdout=subprocess.PIPE, check=False))
        port = int(await process.stdout.receive_some())
        server, ready = psutil.Process(process.pid), trio.Event()
        async with trio.open_nursery() as clients:
            for number in range(load.connections):
                clients.start_soon(talk, port, load, number / load.connections / load.rate, ready)
            await trio.sleep(1 + load.connections / 200)
            before = server.cpu_times()
            ready.set()
        after = server.cpu_times()
        process.terminate()
    cpu_s = after.user + after.system - before.user - before.system
    return 1e6 * cpu_s / (load.connections * load.frames)


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Load both servers by turns."""
    if options.serve:
        trio.run(partial(SERVERS[options.serve], does_echo=options.echo))
        return
    load = Load(options.connections, options.rate, round(options.rate * options.seconds), options.echo)
    names = [*SERVERS, *([FASTAPI] if options.peers else [])]
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(options.rounds):
        for name, figures in found.items():
            figures.append(round(trio.run(cpu_us_per_frame, command_of(name, options.peers), load), 1))
    best = {name: min(figures) for name, figures in found.items()}
    report = {
        "load": attrs.asdict(load),
        "cpu_us_per_frame": found,
        "frames_per_cpu_s": {name: round(1e6 / us) for name, us in best.items()},
        "over_sayso": {name: round(us / best["sayso"], 2) for name, us in best.items() if name != "sayso"},
    }
    print(json.dumps(report, indent=2))
    yield report


FASTAPI: Final = "fastapi"
SERVERS: Final = {"sayso": serve_sayso, "trio-websocket": serve_trio_websocket}
PART: Final = Part(
    "ingest",
    measure,
    (
        Flag("--connections", 100),
        Flag("--rate", 25.0, "frames a second on each connection"),
        Flag("--seconds", 8.0),
        Flag("--rounds", 2),
        Flag("--echo", False),
        Flag("--peers", "", "the Python of an environment with requirements/peers.txt"),
        Flag("--serve", None, argparse.SUPPRESS, more={"choices": SERVERS}),
    ),
    ("trio", "trio-websocket", "websockets"),
)
