"""MCP servers that others wrote: where they are, and how they are started."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.system.server_fixtures import ROOT

NODE_MODULES = ROOT / ".venv" / "node" / "node_modules" / "@modelcontextprotocol"
START_S = 120.0


def python_server(name: str, *arguments: str) -> Mapping[str, Any]:
    """Return a server from PyPI."""
    command = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if command is None:
        pytest.skip(f"{name} is not installed: pip install {name}")
    return {"command": command, "args": list(arguments)}


def git_repository(folder: Path) -> Path:
    """Make a repository of one commit."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed: apt-get install git")
    folder.mkdir()
    (folder / "recipe.txt").write_text("tea\n")
    identity = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org")
    for command in (("init", "--quiet"), ("add", "."), (*identity, "commit", "--quiet", "-m", "Write the recipe down")):
        subprocess.run(["git", *command], cwd=folder, check=True, timeout=60)
    return folder


def node_script(package: str) -> list[str]:
    """Return the command line of an npm package's server."""
    script = NODE_MODULES / package / "dist" / "index.js"
    node = shutil.which("node")
    if node is None or not script.exists():
        pytest.skip(f"{package} is not installed: install Node.js with npm, then make test")
    return [node, str(script)]


def node_server(package: str, *arguments: str) -> Mapping[str, Any]:
    """Return an npm package's server over stdio."""
    command, *script = node_script(package)
    return {"command": command, "args": [*script, *arguments]}


def node_client(package: str, script: Path) -> list[str]:
    """Return the command line of a script of ours, whose first argument is the folder of an npm package."""
    folder = ROOT / ".venv" / "node" / "node_modules" / package
    node = shutil.which("node")
    if node is None or not folder.is_dir():
        pytest.skip(f"{package} is not installed: install Node.js with npm, then make test")
    return [node, str(script), str(folder)]


@contextmanager
def everything_at_an_address() -> Iterator[str]:
    """Run ``server-everything`` over streamable HTTP; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*node_script("server-everything"), "streamableHttp"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}")
