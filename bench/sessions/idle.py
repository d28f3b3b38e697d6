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
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from bench.part import Flag, Part, Report
from bench.report import table
from bench.sessions.present import Present, pss_bytes, walk
from bench.sessions.server import (
    LIMIT_S,
    SilentSocket,
    bare_server,
    open_session,
    population,
    run_clients,
    start_session,
)
from runtime import CountChildren, Tree
from supervisor import Server

AT_ONCE: Final = 32  # sessions that start together, as clients of a listener do
LOOK_EVERY: Final = 50  # sessions between looks at the memory
SETTLE_S: Final = 20.0  # for the handshakes of closing, and the tasks behind them
MIB: Final = 1 << 20


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Measure each part in a process of its own."""
    logging.disable(logging.WARNING)
    if options.clients:
        trio.run(run_clients, options.clients, options.port)
        return
    check_open_files(options.sockets)
    if options.profile:
        trio.run(profile, options)
        return
    if options.part:
        print(json.dumps(trio.run(PARTS[options.part], options)))
        return
    wanted = {"simulated": options.count, "loopback": options.sockets}
    found = {name: _in_a_process(name) for name, count in wanted.items() if count}
    keys = dict.fromkeys(key for figures in found.values() for key in figures)
    table("idle sessions", list(found), [[key, *(_shown(one.get(key, "")) for one in found.values())] for key in keys])
    yield {"found": found}


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
    command = [sys.executable, "-m", "bench", *sys.argv[1:], "--part", part]
    result: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return result


def _shown(figure: object) -> str:
    if isinstance(figure, dict):
        return "\n".join(f"{name} {value:,}" for name, value in figure.items())
    return str(figure)


# --- measuring -----------------------------------------------------------------------------------


async def simulated(options: argparse.Namespace) -> dict[str, Any]:
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
            await start_session(server, socket)

    async def stop() -> None:
        while sockets:
            sockets.pop().start_close(1001, "")
        await trio.lowlevel.checkpoint()

    async with bare_server(options.count, options.utterance_s, has_gateway=False) as (server, tree):
        await start_session(server, warm := SilentSocket(0))
        await warm.has_heard.wait()
        warm.start_close(1001, "")
        await population(server, 0)
        before = Present.now()
        found = await measured(server, tree, before, partial(start, server), stop, idle_s=options.idle_s)
        for wave in range(2, options.waves + 1):
            await start(server)
            await leave(server, stop)
            found[f"left_behind_wave_{wave}"] = (await settled(before)).since(before)
        return found


async def over_loopback(options: argparse.Namespace) -> dict[str, Any]:
    """Return the cost of sessions over real WebSockets; the clients are another process."""
    async with (
        bare_server(options.sockets + 1, options.utterance_s, has_gateway=True) as (server, tree),
        trio.open_nursery() as nursery,
    ):
        port = server.status.addresses[0][1]
        command = [sys.executable, "-m", "bench", "sessions", "--clients", str(options.sockets), "--port", str(port)]
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

        found = await measured(server, tree, before, start, stop, idle_s=options.idle_s)
        nursery.cancel_scope.cancel()
        return found


async def measured(
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


# --- the profile of the memory -------------------------------------------------------------------


async def profile(options: argparse.Namespace) -> None:
    """Print the lines that hold the most memory per session."""
    sockets = [SilentSocket(number) for number in range(options.count)]
    async with bare_server(options.count, options.utterance_s, has_gateway=False) as (server, _):
        tracemalloc.start(1)
        gc.collect()
        before = tracemalloc.take_snapshot()
        for socket in sockets:
            await start_session(server, socket)
        for socket in sockets:
            await socket.has_heard.wait()
        gc.collect()
        found = tracemalloc.take_snapshot().compare_to(before, "lineno")
        tracemalloc.stop()
    total = sum(line.size_diff for line in found)
    rows = [
        [
            f"{'/'.join(Path(line.traceback[0].filename).parts[-2:])}:{line.traceback[0].lineno}",
            f"{line.size_diff / options.count:.0f}",
            f"{line.count_diff / options.count:.1f}",
        ]
        for line in sorted(found, key=lambda line: -line.size_diff)[:30]
    ]
    title = f"{total / options.count / 1024:.1f} kB a session, by the line that asked for it"
    table(title, ("bytes a session", "blocks a session"), rows)


PARTS: Final = {"simulated": simulated, "loopback": over_loopback}
PART: Final = Part(
    "sessions",
    measure,
    (
        Flag("--count", 10_000, "sessions on simulated sockets"),
        Flag("--sockets", 1_000, "sessions over the loopback"),
        Flag("--idle-s", 10.0),
        Flag("--max-mb", 6_000, "start no more sessions above this"),
        Flag("--utterance-s", 30.0, "audio.max_utterance_s, which sizes the vault"),
        Flag("--waves", 2, "how often the simulated ones come and go"),
        Flag("--profile", False),
        Flag("--part", None, argparse.SUPPRESS, more={"choices": PARTS}),
        Flag("--clients", 0, argparse.SUPPRESS),
        Flag("--port", 0, argparse.SUPPRESS),
    ),
    ("trio", "websockets", "numpy"),
)
