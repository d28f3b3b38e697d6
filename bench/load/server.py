"""The server under test: a process of its own, with its pages and its worker processes.

Rules kept here:

* A server has folders of its own and ends with the block, also after an error; no process of it is left.
* Its pages are read by a thread of ours, never by a crowd's process.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import psutil

ROOT: Final = Path(__file__).resolve().parents[2]
HOOKS: Final = Path(__file__).parent / "hooks"
START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 30.0
ORPHAN_TIMEOUT_S: Final = 5.0
HTTP_TIMEOUT_S: Final = 5.0
POLL_S: Final = 0.1
WATCH_S: Final = 0.5
BASE: Final[Mapping[str, object]] = {
    "inference.provider": "none",
    "speech.provider": "none",
    "gateway.websocket.max_connections": 400,  # the load controller is to refuse, not this
}


@attrs.define(eq=False)
class Server:
    """A running server."""

    process: "subprocess.Popen[bytes]"
    url: str
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def port(self) -> int:
        """Its port."""
        return urlsplit(self.url).port or 80

    def status(self) -> dict[str, Any]:
        """Return ``/api/status``; raises ``OSError`` or ``HTTPException`` if there is no answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=HTTP_TIMEOUT_S)) as connection:
            connection.request("GET", "/api/status")
            page: dict[str, Any] = json.loads(connection.getresponse().read())
            return page

    def workers(self) -> list[dict[str, Any]]:
        """Return the transcription workers that have a process."""
        node = next(node for node in nodes(self.status()["tree"]) if node["id"] == "transcription")
        return [worker for worker in node["statistics"]["pool"]["workers"] if worker.get("pid")]

    def signal_value(self, name: str) -> float:
        """Return one of the load controller's signals, 0.0 where it has none now."""
        return float(self.status()["load"]["signals"].get(name, {}).get("value") or 0.0)

    def family(self) -> list[psutil.Process]:
        """Return all processes below it."""
        return psutil.Process(self.pid).children(recursive=True)

    def open_files(self) -> int:
        """Return how many descriptors it holds."""
        return psutil.Process(self.pid).num_fds()


def nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a node of the status tree and all below it."""
    yield tree
    for child in tree["children"]:
        yield from nodes(child)


def restarts(page: Mapping[str, Any]) -> int:
    """Return how often actors were started again; a worker's process is none."""
    return sum(node.get("restarts", 0) for node in nodes(page["tree"]))


def strain(server: Server) -> tuple[int, str]:
    """Return the load level and the signal that made it."""
    page = server.status()
    return page["load_level"], str(page["load"].get("driver") or "")


def poll(is_so: Callable[[], object], timeout_s: float) -> float | None:
    """Return after how many seconds ``is_so()`` held; None if it did not within the time."""
    began_s = time.monotonic()
    while not _answers(is_so):
        if time.monotonic() - began_s > timeout_s:
            return None
        time.sleep(POLL_S)
    return time.monotonic() - began_s


def _answers(is_so: Callable[[], object]) -> bool:
    with suppress(OSError, http.client.HTTPException):  # no server, or a busy one
        return bool(is_so())
    return False


# --- starting and stopping -----------------------------------------------------------------------


@contextmanager
def running(settings: Mapping[str, object], *, config: Path | None = None) -> Iterator[Server]:
    """Run ``sayso serve`` for the block; exits with the log where it does not start."""
    with tempfile.TemporaryDirectory() as name:
        server = start(Path(name), settings, config=config)
        try:
            wait_ready(server)
            yield server
        finally:
            stop(server)


@contextmanager
def address(url: str | None, settings: Mapping[str, object]) -> Iterator[str]:
    """Yield the address of the given server, or of a new one that ends with the block."""
    if url is not None:
        yield url
        return
    with running(settings) as server:
        yield server.url


def stop(server: Server) -> int | None:
    """Stop by SIGTERM, then by force; returns the exit code, None where force was needed or something was left."""
    left = server.family() if server.process.poll() is None else []
    server.process.terminate()  # nothing where it has ended
    with suppress(subprocess.TimeoutExpired):
        server.process.wait(STOP_TIMEOUT_S)
    code = server.process.poll()
    server.process.kill()
    server.process.wait()
    _, alive = psutil.wait_procs(left, timeout=ORPHAN_TIMEOUT_S)
    for process in alive:
        process.kill()
    return None if alive else code


def start(scratch: Path, settings: Mapping[str, object], *, port: int = 0, config: Path | None = None) -> Server:
    """Start ``sayso serve``, whose files are in ``scratch``; ``wait_ready`` waits until it listens."""
    command = [sys.executable, "-m", "cli", "serve", "--port", str(port), "--ready-file", str(scratch / "ready")]
    command += [] if config is None else ["--config", str(config)]
    for name, value in {**BASE, "supervisor.data_dir": scratch / "data", **settings}.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        command += ["--set", f"{name}={text}"]
    log = scratch / "server.log"
    environ = {**os.environ, "PYTHONPATH": str(HOOKS)}  # where chaos.py finds what it needs; idle otherwise
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT)
    return Server(process, "", log)


def wait_ready(server: Server) -> None:
    """Wait until a server listens, and take its address; exits with the log where it does not start."""
    ready = server.log.with_name("ready")
    poll(lambda: ready.exists() or server.process.poll() is not None, START_TIMEOUT_S)
    if not ready.exists():
        sys.exit(f"the server did not start:\n{server.log.read_text()}")
    server.url = ready.read_text().strip()


def kill(server: Server) -> None:
    """End a server at once, with all processes that it has started."""
    left = server.family() if server.process.poll() is None else []
    server.process.kill()
    server.process.wait()
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()


# --- watching ------------------------------------------------------------------------------------


@attrs.define
class Watch:
    """Samples of a server, every half second."""

    levels: list[int] = attrs.field(factory=list)
    changes: list[tuple[float, int, str]] = attrs.field(factory=list)
    """Seconds since the first look, the level from then on, and the signal that made it."""
    highest: dict[str, float] = attrs.field(factory=dict)
    """The highest value of each of the load controller's signals."""
    sessions: list[int] = attrs.field(factory=list)
    drivers: set[str] = attrs.field(factory=set)
    """Each level above 0 with the signal that was highest then."""
    rss_mb: list[float] = attrs.field(factory=list)
    """The server's own process, without its workers."""
    restarts: int = 0
    unanswered: int = 0

    def look(self, server: Server) -> None:
        """Take one sample; a page without an answer is counted."""
        try:
            page = server.status()
            self.rss_mb.append(psutil.Process(server.pid).memory_info().rss / 2**20)
        except (OSError, ValueError, http.client.HTTPException, psutil.NoSuchProcess):
            self.unanswered += 1
            return
        self.note_load(page["load_level"], page["load"])
        self.sessions.append(page["sessions"])
        self.restarts = max(self.restarts, restarts(page))

    def note_load(self, level: int, load: Mapping[str, Any]) -> None:
        """Take the load level and the load controller's page from one sample."""
        driver = str(load.get("driver") or "")
        if self.levels[-1:] != [level]:
            self.changes.append((round(len(self.levels) * WATCH_S, 1), level, driver))
        self.levels.append(level)
        if driver and level:
            self.drivers.add(f"{level} by {driver}")
        for name, signal in load.get("signals", {}).items():
            self.highest[name] = max(self.highest.get(name, 0.0), signal["value"] or 0.0)

    def seen(self) -> dict[str, Any]:
        """Return the samples for a report."""
        return {
            "max_level": max(self.levels, default=0),
            "levels": self.changes,
            "highest": {name: round(value, 3) for name, value in self.highest.items() if value},
            "drivers": sorted(self.drivers),
            "max_sessions": max(self.sessions, default=0),
            "rss_mb": [round(value) for value in (self.rss_mb[:1] + self.rss_mb[-1:])],
            "restarts": self.restarts,
            "unanswered": self.unanswered,
        }


@contextmanager
def watching(server: Server) -> Iterator[Watch]:
    """Sample the server from a thread for the block."""
    watch = Watch()
    with every(WATCH_S, partial(watch.look, server)):
        yield watch


@contextmanager
def every(pause_s: float, act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` from a thread for the block, after each pause."""
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.wait(pause_s):
            act()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
