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
START_S = 20.0


def time_server() -> Mapping[str, Any]:
    """Return ``mcp-server-time`` from PyPI."""
    command = shutil.which("mcp-server-time", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if command is None:
        pytest.skip("mcp-server-time is not installed: pip install mcp-server-time")
    return {"command": command, "args": ["--local-timezone", "Europe/Berlin"]}


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
