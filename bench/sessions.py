"""Ten thousand silent sessions: memory, start and stop of each, CPU while idle, and leaks.

First with simulated sockets: the real four actors of a session below the real dynamic supervisor, made by the real
server, without a network. Then over real WebSockets on the loopback, whose clients live in a process of their own.
Workers and models are not started: what is measured is what one session more costs.

    sayso bench sessions                              10,000 simulated, 1,000 over the loopback
    sayso bench sessions --count 500 --sockets 0      fewer
    sayso bench sessions --waves 5 --sockets 0        come and go five times: does what is left grow?
    sayso bench sessions --profile --count 500        which lines hold the memory (tracemalloc)
"""

import argparse
import gc
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Never

import attrs
import trio
from rich.console import Console
from rich.table import Table

from bench._present import Present, pss_bytes, walk
from bench._report import heading, write
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
AT_ONCE: Final = 32  # sessions that start together, as clients of a listener do
LOOK_EVERY: Final = 50  # sessions between looks at the memory
LIMIT_S: Final = 300.0
SETTLE_S: Final = 20.0  # for the handshakes of closing, and the tasks behind them
MIB: Final = 1 << 20


# --- the server without its workers ---------------------------------------------------------------


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


def settings_for(count: int, options: "Options", folder: str) -> Settings:
    """Return an installation's settings, with room for ``count`` sessions on a port that the system chooses."""
    environment = {
        "SAYSO_SESSION__RESUME_WINDOW_S": "0",  # a closed socket counts as the client's leaving
        "SAYSO_AUDIO__MAX_UTTERANCE_S": str(options.utterance_s),
        "HOME": folder,
        "SAYSO_GATEWAY__PORT": "0",
        "SAYSO_GATEWAY__HOST": "127.0.0.1",
        "SAYSO_GATEWAY__BACKLOG": "1024",
        "SAYSO_GATEWAY__WEBSOCKET__MAX_CONNECTIONS": str(count),
        "SAYSO_SESSION__IDLE_TIMEOUT_S": "3600",
    }
    return load(None, environment, {}).settings


@asynccontextmanager
async def bare_server(count: int, options: "Options", *, has_gateway: bool) -> AsyncIterator[tuple[Server, Tree]]:
    """Run the actors that a session needs, its supervisor, and the listener if wanted."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(settings_for(count, options, folder))
        specs: list[ChildSpec[Never]] = [
            ChildSpec(server.refs.metrics, Sink),
            ChildSpec(server.refs.history, Sink),
            ChildSpec(server.refs.sessions, partial(DynamicSupervisor, count)),
        ]
        if has_gateway:
            specs.append(ChildSpec(server.refs.gateway, server.make.make_gateway))
        async with trio.open_nursery() as nursery:
            yield server, await nursery.start(run_tree, Supervisor(specs))
            nursery.cancel_scope.cancel()


# --- measuring -----------------------------------------------------------------------------------


@attrs.frozen
class Options:
    """Numbers of sessions and durations."""

    count: int
    sockets: int
    idle_s: float
    max_mb: int
    utterance_s: float
    waves: int


async def simulated(options: Options) -> dict[str, Any]:
    """Return the cost of sessions on simulated sockets."""
    sockets: list[SilentSocket] = []

    async def start(server: Server) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(open_sessions, server)
        for socket in sockets:
            await socket.has_heard.wait()

    async def open_sessions(server: Server) -> None:
        while len(sockets) < options.count:
            if len(sockets) % LOOK_EVERY == 0 and pss_bytes() > options.max_mb * MIB:
                return
            sockets.append(socket := SilentSocket(len(sockets)))
            await server.refs.sessions.ask(
                StartChild(server.sessions.open(ClientLink(socket, NativeDialect()))), timeout_s=LIMIT_S
            )

    async def stop() -> None:
        while sockets:
            sockets.pop().start_close(1001, "")
        await trio.lowlevel.checkpoint()

    async with bare_server(options.count, options, has_gateway=False) as (server, tree):
        await server.refs.sessions.ask(
            StartChild(server.sessions.open(ClientLink(warm := SilentSocket(0), NativeDialect())))
        )
        await warm.has_heard.wait()
        warm.start_close(1001, "")
        await population(server, 0)
        before = Present.now()
        found = await measure(server, tree, before, partial(start, server), stop, idle_s=options.idle_s)
        for wave in range(2, options.waves + 1):
            await start(server)
            await leave(server, stop)
            found[f"left_behind_wave_{wave}"] = (await settled(before)).since(before)
        return found


async def over_loopback(options: Options) -> dict[str, Any]:
    """Return the cost of sessions over real WebSockets; the clients are another process."""
    async with (
        bare_server(options.sockets + 1, options, has_gateway=True) as (server, tree),
        trio.open_nursery() as nursery,
    ):
        port = server.status.addresses[0][1]
        command = [sys.executable, "-m", "bench.sessions", "--clients", str(options.sockets), "--port", str(port)]
        run = partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        await (await open_session(port)).abort()
        await population(server, 0)
        await trio.sleep(1)  # its descriptor is closed after its session has ended
        before = Present.now()
        process: trio.Process = await nursery.start(run)

        async def start() -> None:
            assert process.stdin is not None
            await process.stdin.send_all(b"go\n")
            assert process.stdout is not None
            await process.stdout.receive_some()
            await population(server, options.sockets)

        async def stop() -> None:
            assert process.stdin is not None
            await process.stdin.aclose()
            await process.wait()
            assert process.stdout is not None
            await process.stdout.aclose()

        found = await measure(server, tree, before, start, stop, idle_s=options.idle_s)
        nursery.cancel_scope.cancel()
        return found


async def measure(
    server: Server,
    tree: Tree,
    before: Present,
    start: Callable[[], Awaitable[None]],
    stop: Callable[[], Awaitable[None]],
    *,
    idle_s: float,
) -> dict[str, Any]:
    """Return the figures of one life of many sessions, by session where that says more."""
    start_s, start_cpu_s = await taken(start)
    count = (await server.refs.sessions.ask(CountChildren())).active
    full = Present.now()
    kinds = Counter(".".join(task.name.split(".")[-2:]) for task in walk(trio.lowlevel.current_root_task()))
    idle_cpu_s = await idle(idle_s)
    later = Present.now()
    stop_s, stop_cpu_s = await taken(partial(leave, server, stop))
    after = await settled(before)
    status = {child.id: child.restarts for child in tree.status().children}
    return {
        "sessions": count,
        "pss_kb_each": round(full.since(before)["pss_bytes"] / count / 1024, 1),
        "tasks_each": round(full.since(before)["tasks"] / count, 2),
        "fds_each": round(full.since(before)["fds"] / count, 2),
        "start_ms_each": round(1000 * start_s / count, 3),
        "start_cpu_ms_each": round(1000 * start_cpu_s / count, 3),
        "stop_ms_each": round(1000 * stop_s / count, 3),
        "stop_cpu_ms_each": round(1000 * stop_cpu_s / count, 3),
        "idle_cores": round(idle_cpu_s / idle_s, 3),
        "idle_cpu_us_per_session_s": round(1e6 * idle_cpu_s / idle_s / count, 1),
        "idle_growth_kb_each_a_minute": round(60 / idle_s * later.since(full)["pss_bytes"] / count / 1024, 1),
        "left_behind": after.since(before),
        "restarts": status,
        "tasks_by_name": {name: round(n / count, 2) for name, n in kinds.most_common() if n >= count},
    }


async def taken(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Return the seconds that ``work`` took, of the clock and of the processor."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    with trio.fail_after(LIMIT_S):
        await work()
    return time.perf_counter() - wall_s, time.process_time() - cpu_s


async def settled(before: Present) -> Present:
    """Return a snapshot when no more tasks are left than before, or after a bounded wait."""
    with trio.move_on_after(SETTLE_S):
        while Present.now().tasks > before.tasks:  # noqa: ASYNC110 - what is waited for is not known to end
            await trio.sleep(0.5)
    await trio.sleep(0.1)  # in its next pass Trio forgets the deadlines of scopes that are over, but for 1,000
    return Present.now()


async def idle(duration_s: float) -> float:
    """Return the CPU seconds while no session is active."""
    before_s = time.process_time()
    await trio.sleep(duration_s)
    return time.process_time() - before_s


async def leave(server: Server, stop: Callable[[], Awaitable[None]]) -> None:
    await stop()
    await population(server, 0)


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


# --- the profile of the memory -------------------------------------------------------------------


async def profile(options: Options) -> None:
    """Print the lines that hold the most memory per session."""
    sockets = [SilentSocket(number) for number in range(options.count)]
    async with bare_server(options.count, options, has_gateway=False) as (server, _):
        tracemalloc.start(1)
        gc.collect()
        before = tracemalloc.take_snapshot()
        for socket in sockets:
            await server.refs.sessions.ask(StartChild(server.sessions.open(ClientLink(socket, NativeDialect()))))
        for socket in sockets:
            await socket.has_heard.wait()
        gc.collect()
        found = tracemalloc.take_snapshot().compare_to(before, "lineno")
        tracemalloc.stop()
    total = sum(line.size_diff for line in found)
    table = Table(title=f"{total / options.count / 1024:.1f} kB a session, by the line that asked for it")
    for column in ("bytes a session", "blocks a session", "line"):
        table.add_column(column, justify="left" if column == "line" else "right")
    for line in sorted(found, key=lambda line: -line.size_diff)[:30]:
        frame = line.traceback[0]
        where = f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}"
        table.add_row(f"{line.size_diff / options.count:.0f}", f"{line.count_diff / options.count:.1f}", where)
    Console().print(table)


# --- all of it -----------------------------------------------------------------------------------


def main() -> None:
    """Measure, print a table, write bench/results/sessions.json."""
    chosen = _options()
    logging.disable(logging.WARNING)
    if chosen.clients:
        trio.run(run_clients, chosen.clients, chosen.port)
        return
    check_open_files(chosen.sockets)
    options = Options(chosen.count, chosen.sockets, chosen.idle_s, chosen.max_mb, chosen.utterance_s, chosen.waves)
    if chosen.profile:
        trio.run(profile, options)
        return
    if chosen.part:
        print(json.dumps(trio.run(PARTS[chosen.part], options)))
        return
    wanted = {"simulated": options.count, "loopback": options.sockets}
    found = {name: _in_a_process(name) for name, count in wanted.items() if count}
    _print(found)
    if not chosen.dry:
        write("sessions", heading(chosen, "trio", "websockets", "numpy") | {"found": found})


def check_open_files(sockets: int) -> None:
    """Raise the limit of open files for this process and its children; exits with the fix if that fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = sockets + 256  # other files
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    except ValueError:
        sys.exit(f"{sockets} sockets need {needed} open files, not {hard}: raise ulimit -Hn, or lower --sockets")


def _in_a_process(part: str) -> dict[str, Any]:
    """Measure in a process of its own: memory that one part leaves in the allocator would be used by the next."""
    command = [sys.executable, "-m", "bench.sessions", *sys.argv[1:], "--part", part]
    result: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return result


def _print(found: dict[str, dict[str, Any]]) -> None:
    table = Table(title="idle sessions", title_justify="left")
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    for key in dict.fromkeys(key for figures in found.values() for key in figures):
        table.add_row(key, *(_shown(figures.get(key, "")) for figures in found.values()))
    Console().print(table)


def _shown(figure: object) -> str:
    if isinstance(figure, dict):
        return "\n".join(f"{name} {value:,}" for name, value in figure.items())
    return str(figure)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="sessions on simulated sockets")
    parser.add_argument("--sockets", type=int, default=1_000, help="sessions over the loopback")
    parser.add_argument("--idle-s", type=float, default=10.0)
    parser.add_argument("--max-mb", type=int, default=6_000, help="start no more sessions above this")
    parser.add_argument("--utterance-s", type=float, default=30.0, help="audio.max_utterance_s, which sizes the vault")
    parser.add_argument("--waves", type=int, default=2, help="how often the simulated ones come and go")
    parser.add_argument("--dry", action="store_true", help="write no file")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--clients", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


PARTS: Final = {"simulated": simulated, "loopback": over_loopback}

if __name__ == "__main__":
    main()
