"""HAProxy for tests, with the configuration that is shipped."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

CONFIGURATION: Final = Path(__file__).resolve().parents[2] / "deploy/haproxy/haproxy.cfg"


@contextmanager
def running_haproxy(folder: Path, ports: Mapping[str, int]) -> Iterator[str]:
    """Run it in front of the ports ``one`` and ``two``; yields the WebSocket's address at the port ``front``.

    Skips where it is missing.
    """
    if shutil.which("haproxy") is None:
        pytest.skip("there is no haproxy: apt-get install haproxy")
    addresses = {f"SAYSO_{name.upper()}": f"127.0.0.1:{port}" for name, port in ports.items()}
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen(
            ["haproxy", "-db", "-f", str(CONFIGURATION)],
            env={"PATH": os.environ["PATH"]} | addresses,
            stdout=log,
            stderr=log,
        )
    try:
        yield f"ws://127.0.0.1:{ports['front']}/ws"
    finally:
        process.kill()
        process.wait()
