"""What runs in the worker processes of bench/runtime.py; small, because a process that starts imports it."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def bytes_of(blob: bytes | memoryview) -> int:
    """Return how many bytes came."""
    return len(blob)


def killed_once(flag: str) -> float:
    """Return when the first try was killed, on the clock that all processes share."""
    path = Path(flag)
    if path.exists():
        return float(path.read_text())
    path.write_text(repr(time.monotonic()))
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("alive after SIGKILL")


class Worker:
    """The same two as jobs of a pool, of a worker that needs a while to load."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        time.sleep(params["load_s"])

    def handle(self, method: str, params: Mapping[str, Any], blob: bytes | memoryview) -> tuple[dict[str, Any], bytes]:
        """Do one job."""
        if method == "bytes_of":
            return {"bytes": bytes_of(blob)}, b""
        return {"killed_s": killed_once(params["flag"])}, b""
