"""The faults: each is a function that breaks something while callers talk, and a row that says what may differ."""

import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import psutil
import trio

from bench.load import strangers
from bench.load.callers import run
from bench.load.capacity import Load
from bench.load.figures import rounded
from bench.load.server import Server, poll

BUSY_TIMEOUT_S: Final = 4.0
GONE_TIMEOUT_S: Final = 20.0
STOPPED_S: Final = 3.0
HOG_S: Final = 8.0
HOGS: Final = 4
TIGHT_S: Final = 5.0
NONE_FREE: Final = 3  # below are the standard streams
STORM: Final = 500
STORM_PATIENCE_S: Final = 60.0  # they are told to come again after so many seconds that 30 may not do


@attrs.frozen
class Scene:
    """What a fault happens to."""

    server: Server
    load: Load
    capacity_per_s: float


Findings = dict[str, Any]
"""Figures of a fault; ``held`` False is a judgement of the fault's own."""


@attrs.frozen
class Fault:
    """A row of the table."""

    title: str
    inject: Callable[[Scene], Findings]
    settings: Callable[[], Mapping[str, object]] = dict
    affected: int = 0
    """How many turns are hit themselves; the slowest so many do not count in p95."""
    slow: str = ""
    """Why the latency of all callers may grow; empty if it may not."""
    refused: str = ""
    """Why callers may be refused; empty if they may not. A busy CPU sheds load only where this is set."""
    ends: bool = False
    """Whether the server ends by it."""


# --- workers -------------------------------------------------------------------------------------


def signal_worker(number: signal.Signals, scene: Scene) -> Findings:
    """Signal a worker that is decoding, or any if none is within the time; it must be replaced."""
    poll(lambda: busy(scene.server), BUSY_TIMEOUT_S)
    hit = (busy(scene.server) or scene.server.workers())[0]
    os.kill(hit["pid"], number)
    gone_s = poll(lambda: not psutil.pid_exists(hit["pid"]), GONE_TIMEOUT_S)
    return {"was": hit["state"], "gone_s": gone_s and round(gone_s, 1), "held": gone_s is not None}


def busy(server: Server) -> list[dict[str, Any]]:
    """Return the workers that decode."""
    return [worker for worker in server.workers() if worker["state"] == "busy"]


def leaked(scene: Scene) -> Findings:
    """Leave a worker no memory beyond what they have: stands for a leak that has reached the kernel's limit."""
    pid = scene.server.workers()[0]["pid"]
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmData")]
    data_bytes = int(line.split()[1]) * 1_024
    resource.prlimit(pid, resource.RLIMIT_DATA, (data_bytes, data_bytes))
    time.sleep(HOG_S)
    has_bitten = pid not in {worker["pid"] for worker in scene.server.workers()}
    return {"has_bitten": has_bitten, "held": has_bitten}  # where it has not, nothing was shown


# --- the server's process ------------------------------------------------------------------------


def terminated(scene: Scene) -> Findings:
    """Ask the server to leave while callers speak; it must let them finish and end with 0."""
    began_s = time.monotonic()
    scene.server.process.terminate()
    code = scene.server.process.wait(90)
    return {"exit_code": code, "took_s": round(time.monotonic() - began_s, 1), "held": code == 0}


def stopped(scene: Scene) -> Findings:
    """Stop the whole process for three seconds: stands for an event loop that is blocked so long."""
    os.kill(scene.server.pid, signal.SIGSTOP)
    time.sleep(STOPPED_S)
    os.kill(scene.server.pid, signal.SIGCONT)
    return {"stopped_s": STOPPED_S}


def hogged(_: Scene) -> Findings:
    """Let other processes compete for the CPUs: stands for threads that hold the GIL."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(HOGS)]
    time.sleep(HOG_S)
    for hog in hogs:
        hog.kill()
        hog.wait()
    return {"hogs": HOGS, "for_s": HOG_S}


@contextmanager
def few_files(server: Server, limit: int) -> Iterator[None]:
    """Let the server open no descriptor from ``limit`` on for the block; those that are open stay so."""
    before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)


def files_exhausted(scene: Scene) -> Findings:
    """Take all descriptors that the server may have with idle connections, then let go."""
    with few_files(scene.server, scene.server.open_files() + 2):
        idle = [socket.create_connection(("127.0.0.1", scene.server.port)) for _ in range(30)]
        time.sleep(TIGHT_S)
        for one in idle:
            one.close()
    return {"idle_connections": len(idle), "for_s": TIGHT_S}


def spawn_refused(scene: Scene) -> Findings:
    """Kill a worker while the server cannot open what a new one needs; it must come back afterwards."""
    workers = scene.server.workers()
    with few_files(scene.server, NONE_FREE):
        os.kill(workers[0]["pid"], signal.SIGKILL)
        time.sleep(TIGHT_S)
    back_s = poll(lambda: len(scene.server.workers()) >= len(workers), GONE_TIMEOUT_S)
    refused = scene.server.log.read_text().count(os.strerror(errno.EMFILE))
    return {"back_s": back_s and round(back_s, 1), "refusals_logged": refused, "held": back_s is not None}


# --- clients -------------------------------------------------------------------------------------


def deaf(scene: Scene) -> Findings:
    """One client stops reading; its session must end within ten seconds of the first send that waits."""
    found = trio.run(strangers.deaf, scene.server.url)
    return {**found, "held": found["closed_s"] is not None}


def hostile(scene: Scene) -> Findings:
    """Dripping heads must be closed within ten seconds; a flood of pings must disturb nobody."""
    dripped = trio.run(strangers.dripping, scene.server.url)
    flooded = trio.run(strangers.pinging, scene.server.url)
    return {**dripped, **flooded, "held": dripped["closed"] == dripped["drippers"] and dripped["last_closed_s"] <= 10.0}


def reconnected(scene: Scene) -> Findings:
    """Five hundred come within a second; all must be in before long, and be told so cheaply."""
    found = trio.run(strangers.storm, scene.server.url, STORM, 1.0, STORM_PATIENCE_S)
    return {**found, "held": found["ends"].get("admitted") == STORM}


def overloaded(scene: Scene) -> Findings:
    """Offer twice the capacity beside the others; who is accepted must be served within the target."""
    calls = run(scene.load.plan(2 * scene.capacity_per_s, HOG_S))
    measured = scene.load.measured(calls, HOG_S)
    kept = {name: measured[name] for name in ("offered", "results", "goodput_per_s", "p95_ms", "refusal_p95_ms")}
    return {**kept, "held": (rounded(measured["p95_ms"] or 0.0) or 0.0) <= scene.load.target_ms}


FAULTS: Final[Mapping[int, Fault]] = {
    1: Fault("kill -9 a worker that decodes", partial(signal_worker, signal.SIGKILL), affected=2),
    2: Fault("SIGSEGV in a worker", partial(signal_worker, signal.SIGSEGV), affected=2),
    3: Fault(
        "kill -STOP a worker that decodes",
        partial(signal_worker, signal.SIGSTOP),
        settings=lambda: {"transcription.job_timeout_s": 3},
        affected=4,
    ),
    4: Fault("a worker gets no more memory", leaked, affected=2),
    7: Fault("SIGTERM while callers speak", terminated, refused="the server leaves", ends=True),
    9: Fault("the server stands still for 3 s (SIGSTOP)", stopped, slow="it stood still"),
    10: Fault("4 CPU hogs for 8 s", hogged, slow="the CPUs are taken", refused="load is shed"),
    11: Fault("a client stops reading", deaf),
    12: Fault("dripping heads, a flood of pings", hostile),
    15: Fault(
        "500 clients reconnect in 1 s, and 100 have room",
        reconnected,
        settings=lambda: {"gateway.websocket.max_connections": 100},
        slow="a second of handshakes",
        refused="there is no room",
    ),
    16: Fault("twice the capacity", overloaded, slow="see p95_ms", refused="load is shed"),
    19: Fault("no descriptors left for 5 s", files_exhausted, slow="accepting waits", refused="load is shed"),
    24: Fault("no new worker can be started for 5 s", spawn_refused, affected=2, slow="fewer workers", refused="shed"),
}
