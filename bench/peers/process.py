"""Starts and stops the servers of other designs, as processes of their own.

They run in an environment of their own, ``.venv/peers``, which ``--install`` makes of ``requirements/peers.txt``.
One whose packages are in ours needs none.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import psutil

from backends.speech.models import resolve_whisper
from bench.load.server import ROOT, poll

START_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 10.0
PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "guide": ("fastapi", "uvicorn", "faster_whisper"),
    "wyoming": ("fastapi", "uvicorn", "wyoming_faster_whisper"),
}
"""The modules that each needs."""
ENVIRONMENT: Final = ROOT / ".venv/peers"
REQUIREMENTS: Final = ROOT / "requirements/peers.txt"
INSTALL_TIMEOUT_S: Final = 900.0


class PeerError(Exception):
    """A peer cannot be measured; the message says why, and what helps."""


@attrs.frozen
class Peer:
    """A running peer."""

    url: str
    pid: int


@contextmanager
def peer_running(name: str, model: str) -> Iterator[Peer]:
    """Run a peer with the recogniser's ``model`` for the block; raises ``PeerError`` where it does not start."""
    python = python_for(name)
    with tempfile.TemporaryDirectory() as scratch:
        ready, log = Path(scratch) / "ready", Path(scratch) / "log"
        command = [python, "-m", f"bench.peers.{name}", "--ready-file", str(ready)]
        command += ["--model", str(resolve_whisper(model, Path(scratch) / "models"))]
        with log.open("wb") as output:
            environ = {**os.environ, "PYTHONPATH": str(ROOT)}
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT)
        try:
            poll(lambda: ready.exists() or process.poll() is not None, START_TIMEOUT_S)
            if not ready.exists():
                raise PeerError(f"the peer {name} did not start:\n{log.read_text(errors='replace')[-2_000:]}")
            yield Peer(ready.read_text().strip(), process.pid)
        finally:
            _stop(process)


def python_for(name: str) -> str:
    """Return the Python that a peer runs by; raises ``PeerError`` where its packages are nowhere."""
    python = ENVIRONMENT / "bin/python"
    if python.is_file():
        return str(python)
    if missing := missing_packages(name):
        raise PeerError(f"the peer {name} needs {', '.join(missing)}: sayso bench capacity --peer {name} --install")
    return sys.executable


def install() -> None:
    """Make the environment of the peers, if there is none; raises ``PeerError`` where that fails."""
    if (ENVIRONMENT / "bin/python").is_file():
        return
    pip = [str(ENVIRONMENT / "bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    print(f"making {ENVIRONMENT.relative_to(ROOT)}", file=sys.stderr)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True, timeout=INSTALL_TIMEOUT_S)
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True, timeout=INSTALL_TIMEOUT_S)
    except subprocess.SubprocessError as error:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise PeerError(f"the environment of the peers could not be made: {error}") from error


def missing_packages(name: str) -> list[str]:
    """Return the packages of a peer that are not installed."""
    return [package for package in PACKAGES[name] if importlib.util.find_spec(package) is None]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for left in psutil.wait_procs(below, timeout=STOP_TIMEOUT_S)[1]:
        left.kill()
