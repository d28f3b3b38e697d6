"""The faults: each is a function that breaks something while callers talk, and a row that says what may differ."""

import errno
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPException
from typing import Any, Final

import attrs
import psutil
import trio

from bench.load import strangers
from bench.load.callers import run
from bench.load.capacity import SLOW, Load
from bench.load.figures import rounded
from bench.load.hooks import sitecustomize as hooks
from bench.load.server import Server, nodes, poll, strain

BUSY_TIMEOUT_S: Final = 4.0
GONE_TIMEOUT_S: Final = 20.0
LEAK_CAP_MB: Final = 600
LEAK_TIMEOUT_S: Final = 45.0
LEAKED_MB: Final = 100  # more than a job needs
LAGGING_S: Final = 0.03  # p95 of the loop's lag; a quiet loop has 1 ms
OVERLOAD_S: Final = 8.0
CROWD: Final = "127.0.0.2"  # all others come from 127.0.0.1
CROWDED_S: Final = 11.0  # until the others have come
CROWDING: Final = 2.7  # times the capacity, nine tenths of three times
SPARED: Final = 0.6  # of few places a burst finds all taken; 0.3 get in where no places are kept for them
TIGHT_S: Final = 5.0
NONE_FREE: Final = 3  # below are the standard streams
STORM: Final = 500
STORM_PATIENCE_S: Final = 60.0  # they are asked to retry after so many seconds that 30 may not be enough


@attrs.frozen
class Scene:
    """The server and callers of a fault."""

    server: Server
    load: Load
    capacity_per_s: float
    """Of a fault that ``is_measured``, otherwise 0.0."""


Findings = dict[str, Any]
"""Figures of a fault; ``held`` False is a judgement of its own, ``bit`` False says that nothing was shown."""


@attrs.frozen
class Fault:
    """A row of the table."""

    title: str
    inject: Callable[[Scene], Findings]
    settings: Callable[[], Mapping[str, object]] = dict
    affected: int = 0
    """How many turns the fault hits; that many of the slowest do not count in p95."""
    slow: str = ""
    """Why the latency of all callers may grow; empty if it may not."""
    refused: str = ""
    """Why callers may be refused; empty if they may not. A busy CPU sheds load only where this is set."""
    ends: bool = False
    """Whether the fault ends the server."""
    spared: float = 0.0
    """The share of the other callers that must still be served."""
    is_measured: bool = False
    """Whether it must be known how many callers a second the server carries."""


# --- workers -------------------------------------------------------------------------------------


def signal_worker(number: signal.Signals, scene: Scene) -> Findings:
    """Signal a worker that is decoding, or any if none is within the time; it must be replaced."""
    poll(lambda: busy(scene.server), BUSY_TIMEOUT_S)
    hit = (busy(scene.server) or scene.server.workers())[0]
    os.kill(hit["pid"], number)
    gone_s = poll(lambda: not psutil.pid_exists(hit["pid"]), GONE_TIMEOUT_S)
    found = {"was": hit["state"], "gone_s": gone_s and round(gone_s, 1)}
    return {**found, "bit": hit["state"] == "busy", "held": gone_s is not None}


def busy(server: Server) -> list[dict[str, Any]]:
    """Return the workers that decode."""
    return [worker for worker in server.workers() if worker["state"] == "busy"]


def leaked(scene: Scene) -> Findings:
    """Let a worker leak 50 MB a second; it must be replaced or killed by us, for its memory, and none by the kernel."""
    pid = scene.server.workers()[0]["pid"]
    before_mb = psutil.Process(pid).memory_info().rss >> 20
    os.kill(pid, hooks.LEAK)
    peak_mb = [before_mb]

    def is_gone() -> bool:
        try:
            peak_mb.append(psutil.Process(pid).memory_info().rss >> 20)
        except psutil.NoSuchProcess:
            return True
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    gone_s = poll(is_gone, LEAK_TIMEOUT_S)
    grown_mb = max(peak_mb) - before_mb
    found = {"from_mb": before_mb, "to_mb": max(peak_mb), "gone_s": gone_s and round(gone_s, 1)}
    return {**found, "bit": grown_mb > LEAKED_MB, "held": gone_s is not None}


# --- the server's process ------------------------------------------------------------------------


def terminated(scene: Scene) -> Findings:
    """Drain the server while callers speak; it must let them finish and end with 0."""
    began_s = time.monotonic()
    scene.server.process.terminate()
    code = scene.server.process.wait(90)
    return {"exit_code": code, "took_s": round(time.monotonic() - began_s, 1), "held": code == 0}


def blocked(scene: Scene) -> Findings:
    """Block the event loop for three seconds; the watchdog must log it."""
    os.kill(scene.server.pid, hooks.BLOCK)
    time.sleep(hooks.BLOCK_S + 1.0)
    dumps = scene.server.log.read_text().count("the event loop hangs for")
    return {"blocked_s": hooks.BLOCK_S, "dumps": dumps, "bit": dumps > 0}


def hogged(scene: Scene) -> Findings:
    """Let threads in the server fight for the interpreter's lock."""
    os.kill(scene.server.pid, hooks.HOG)
    lags_s, levels = [0.0], [0]
    until_s = time.monotonic() + hooks.HOG_S
    while time.monotonic() < until_s:
        with suppress(OSError, HTTPException):
            lags_s.append(scene.server.signal_value("loop_lag"))
            levels.append(strain(scene.server)[0])
        time.sleep(0.5)
    found = {"hogs": hooks.HOGS, "for_s": hooks.HOG_S, "lag_ms": round(max(lags_s) * 1_000), "level": max(levels)}
    return {**found, "bit": max(lags_s) >= LAGGING_S}


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
    """Use up the server's descriptors with idle connections, then close them."""
    limit = scene.server.open_files() + 2
    with few_files(scene.server, limit):
        idle = [socket.create_connection(("127.0.0.1", scene.server.port)) for _ in range(30)]
        time.sleep(TIGHT_S)
        taken = scene.server.open_files()
        for one in idle:
            one.close()
    return {"idle_connections": len(idle), "for_s": TIGHT_S, "files": [taken, limit], "bit": taken >= limit}


def spawn_refused(scene: Scene) -> Findings:
    """Kill a worker while the server cannot open what a new one needs; it must come back afterwards."""
    workers = scene.server.workers()
    with few_files(scene.server, NONE_FREE):
        os.kill(workers[0]["pid"], signal.SIGKILL)
        time.sleep(TIGHT_S)
    back_s = poll(lambda: len(scene.server.workers()) >= len(workers), GONE_TIMEOUT_S)
    refused = scene.server.log.read_text().count(os.strerror(errno.EMFILE))
    found = {"back_s": back_s and round(back_s, 1), "refusals_logged": refused}
    return {**found, "bit": refused > 0, "held": back_s is not None}


# --- clients -------------------------------------------------------------------------------------


def deaf(scene: Scene) -> Findings:
    """One client stops reading; its session must end within ten seconds of the first send that waits."""
    found = trio.run(strangers.deaf, scene.server.url)
    return {**found, "held": found["closed_s"] is not None}


def hostile(scene: Scene) -> Findings:
    """Dripping heads must be closed within ten seconds; a flood of pings must not disturb other clients."""
    dripped = trio.run(strangers.dripping, scene.server.url)
    flooded = trio.run(strangers.pinging, scene.server.url)
    return {**dripped, **flooded, "held": dripped["closed"] == dripped["drippers"] and dripped["last_closed_s"] <= 10.0}


def reconnected(scene: Scene) -> Findings:
    """Five hundred clients connect within a second; all must be admitted soon, and refusals must be cheap."""
    found = trio.run(strangers.storm, scene.server.url, STORM, 1.0, STORM_PATIENCE_S)
    return {**found, "bit": found["refusals"] > 0, "held": found["ends"].get("admitted") == STORM}


def overloaded(scene: Scene) -> Findings:
    """Offer twice the capacity beside the others; accepted callers must be served within the target."""
    calls = run(scene.load.plan(2 * scene.capacity_per_s, OVERLOAD_S))
    measured = scene.load.measured(calls, OVERLOAD_S)
    kept = {name: measured[name] for name in ("offered", "results", "goodput_per_s", "p95_ms", "refusal_p95_ms")}
    is_too_much = measured["goodput_per_s"] < measured["offered_per_s"]
    return {**kept, "bit": is_too_much, "held": (rounded(measured["p95_ms"] or 0.0) or 0.0) <= scene.load.target_ms}


def crowded(scene: Scene) -> Findings:
    """Offer nine tenths of three times the capacity from one address; the other callers are of another."""
    plan = attrs.evolve(scene.load.plan(CROWDING * scene.capacity_per_s, CROWDED_S), source=CROWD)
    measured = scene.load.measured(run(plan), CROWDED_S)
    admission = next(node for node in nodes(scene.server.status()["tree"]) if node["id"] == "gateway")["statistics"]
    kept = {name: measured[name] for name in ("offered", "results", "goodput_per_s", "p95_ms")}
    return {**kept, **admission, "bit": measured["results"].get("refused", 0) > 0}


FAULTS: Final[Mapping[int, Fault]] = {
    1: Fault("kill -9 a worker that decodes", partial(signal_worker, signal.SIGKILL), affected=2),
    2: Fault("SIGSEGV in a worker", partial(signal_worker, signal.SIGSEGV), affected=2),
    3: Fault(
        "kill -STOP a worker that decodes",
        partial(signal_worker, signal.SIGSTOP),
        settings=lambda: {"transcription.job_timeout_s": 3},
        affected=4,
    ),
    4: Fault(
        "a worker leaks 50 MB/s",
        leaked,
        settings=lambda: {"transcription.embedded.worker_memory_mb": LEAK_CAP_MB},
        affected=2,
    ),
    7: Fault("SIGTERM while callers speak", terminated, refused="the server leaves", ends=True),
    9: Fault("the event loop is blocked for 3 s", blocked, slow="it stood still"),
    10: Fault("4 threads hog the GIL for 8 s", hogged, slow="the loop is slow", refused="load is shed"),
    11: Fault("a client stops reading", deaf),
    12: Fault("dripping heads, a flood of pings", hostile),
    15: Fault(
        "500 clients reconnect in 1 s, and 100 have room",
        reconnected,
        settings=lambda: {"gateway.websocket.max_connections": 100},
        slow="a second of handshakes",
        refused="there is no room",
    ),
    16: Fault(
        "twice the capacity",
        overloaded,
        settings=lambda: SLOW,
        slow="see p95_ms",
        refused="load is shed",
        is_measured=True,
    ),
    17: Fault(
        "one tenant offers 90 % of thrice the capacity",
        crowded,
        settings=lambda: SLOW,
        slow="see p95_ms",
        refused="load is shed",
        spared=SPARED,
        is_measured=True,
    ),
    19: Fault("no descriptors left for 5 s", files_exhausted, slow="accepting waits", refused="load is shed"),
    24: Fault("no new worker can be started for 5 s", spawn_refused, affected=2, slow="fewer workers", refused="shed"),
}
