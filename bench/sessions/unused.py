"""A server that nobody uses: how soon it is ready and transcribes, then its processor time and memory, by process.

sayso bench unused                                this server, on its defaults but for an early rest
sayso bench unused --old /path/to/another         and another checkout with its own .venv, by turns in one run
sayso bench unused --idle-s 60 --settle-s 40      how long is measured, and how long the server is left alone before
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import psutil

from bench.part import Flag, Part, Report
from bench.report import table
from runtime.workers.process import read_memory

ROOT: Final = Path(__file__).resolve().parents[2]
START_S: Final = 180.0
STOP_S: Final = 30.0
POLL_S: Final = 0.02
SENTENCE: Final = "What time is it in Paris?"
BOUNDARY: Final = "sayso-bench"


@attrs.frozen
class Process:
    """One process over the measured time."""

    name: str
    cpu_ms_per_s: float
    pss_mb: float


@attrs.frozen
class Run:
    """One start of a server and the time after it."""

    ready_s: float
    transcript_s: float
    processes: tuple[Process, ...]

    def shown(self) -> dict[str, float]:
        """Return the sums."""
        return {
            "ready, s": round(self.ready_s, 1),
            "first transcript, s": round(self.transcript_s, 1),
            "CPU, ms a second": round(sum(one.cpu_ms_per_s for one in self.processes), 2),
            "PSS, MB": round(sum(one.pss_mb for one in self.processes)),
        }


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Start each server by turns, and leave it alone."""
    roots = {"this": ROOT} | ({"other": Path(options.old)} if options.old else {})
    with tempfile.TemporaryDirectory() as home:
        clip = spoken(Path(home))
        for _ in range(options.rounds):
            runs = {name: run(root, Path(home), clip, options) for name, root in roots.items()}
            columns = {name: found.shown() for name, found in runs.items()}
            rows = [[key, *(one[key] for one in columns.values())] for key in next(iter(columns.values()))]
            table("a server that nobody uses", list(columns), rows)
            for name, found in runs.items():
                each = [[one.name, f"{one.cpu_ms_per_s:.2f}", f"{one.pss_mb:.0f}"] for one in found.processes]
                table(f"{name}, by process", ("CPU, ms a second", "PSS, MB"), each)
            yield {name: attrs.asdict(found) for name, found in runs.items()}


def run(root: Path, home: Path, clip: bytes, options: argparse.Namespace) -> Run:
    """Return the figures of one start of the server in ``root``."""
    flags = {} if root != ROOT else {"SAYSO_SUPERVISOR__REST_AFTER_S": str(options.rest_after_s)}
    began_s = time.monotonic()
    with serving(root, home, flags) as (process, url):
        ready_s = time.monotonic() - began_s
        post(f"{url}/v1/audio/transcriptions", form(clip), f"multipart/form-data; boundary={BOUNDARY}")
        transcript_s = time.monotonic() - began_s
        time.sleep(options.settle_s)
        family = [process, *process.children(recursive=True)]
        before_s = {one.pid: cpu_s(one) for one in family}
        time.sleep(options.idle_s)
        found = tuple(
            Process(
                name_of(one),
                1000 * (cpu_s(one) - before_s[one.pid]) / options.idle_s,
                read_memory(one.pid).pss_bytes / 1e6,
            )
            for one in family
            if one.is_running()
        )
        return Run(ready_s, transcript_s, found)


@contextmanager
def serving(root: Path, home: Path, flags: Mapping[str, str]) -> Iterator[tuple[psutil.Process, str]]:
    """Run a server until the end of the block; begins when it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = root / ".venv/bin/python"
    environment = {**os.environ, **flags, "HOME": str(home), "PYTHONPATH": str(root), "SAYSO_GATEWAY__PORT": str(port)}
    command = [str(python if python.exists() else sys.executable), "-m", "cli", "serve"]
    server = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_ready(server, url)
        yield psutil.Process(server.pid), url
    finally:
        server.terminate()
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_ready(server: subprocess.Popen[bytes], url: str) -> None:
    """Wait until the server is ready; ends this process if it ends or takes too long."""
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=1.0):
                return
        except OSError:
            time.sleep(POLL_S)
    sys.exit(f"the server in {server.args!r} was not ready within {START_S:g} s")


def spoken(home: Path) -> bytes:
    """Return a sentence as a WAV file, said by the server's own voice."""
    with serving(ROOT, home, {}) as (_, url):
        asked = {"model": "tts-1", "input": SENTENCE, "voice": "en_US-joe-medium", "response_format": "wav"}
        return post(f"{url}/v1/audio/speech", json.dumps(asked).encode(), "application/json")


def post(url: str, body: bytes, kind: str) -> bytes:
    """Return the answer's body."""
    asked = urllib.request.Request(url, body, {"Content-Type": kind})
    with urllib.request.urlopen(asked, timeout=60.0) as answer:
        data: bytes = answer.read()
        return data


def form(clip: bytes) -> bytes:
    """Return the form of an upload."""
    head = 'Content-Disposition: form-data; name="file"; filename="clip.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    model = 'Content-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    return b"".join(
        (f"--{BOUNDARY}\r\n{model}--{BOUNDARY}\r\n{head}".encode(), clip, f"\r\n--{BOUNDARY}--\r\n".encode())
    )


def cpu_s(process: psutil.Process) -> float:
    """Return the processor time of all threads in seconds, also of those that have ended; counted in 10 ms."""
    times = process.cpu_times()
    return float(times.user + times.system)


def name_of(process: psutil.Process) -> str:
    """Return what a process of the server is, by its command line."""
    words = " ".join(process.cmdline())
    found = re.search(r'"target": "[\w.]*:(\w+)"', words)
    return found[1] if found else ("server" if "cli serve" in words else words.split(" ")[2][-40:])


PART: Final = Part(
    "unused",
    measure,
    (
        Flag("--old", "", "another checkout to compare with"),
        Flag("--rounds", 1, "how often each is started"),
        Flag("--settle-s", 40.0, "how long the server is left alone before"),
        Flag("--idle-s", 60.0, "how long is measured"),
        Flag("--rest-after-s", 5.0, "supervisor.rest_after_s, which is 600 by default"),
    ),
    ("psutil",),
)
