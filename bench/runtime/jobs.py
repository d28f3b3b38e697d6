"""Functions for the worker processes; small, because every process imports it at its start."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from runtime.workers.jobs import Job


def bytes_of(blob: bytes | memoryview) -> int:
    """Return the number of bytes received."""
    return len(blob)


def killed_once(flag: str) -> float:
    """Return when the first try was killed, on the clock that all processes share."""
    path = Path(flag)
    if path.exists():
        return float(path.read_text())
    path.write_text(repr(time.monotonic()))
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("alive after SIGKILL")


class BlobSize(msgspec.Struct, frozen=True):
    """The reply to ``MeasureBlob``."""

    size_bytes: int


class MeasureBlob(Job[BlobSize], frozen=True):
    """Say how large the blob is."""


class Survived(msgspec.Struct, frozen=True):
    """The reply to ``DieOnce``."""

    killed_s: float


class DieOnce(Job[Survived], frozen=True):
    """Be killed the first time; ``flag`` is a file that outlives the process."""

    flag: str


class Worker:
    """The same two as jobs of a pool, of a worker that needs a while to load."""

    jobs = (MeasureBlob, DieOnce)

    def __init__(self, params: Mapping[str, Any]) -> None:
        time.sleep(params["load_s"])

    def handle(self, job: MeasureBlob | DieOnce, blob: bytes | memoryview) -> tuple[BlobSize | Survived, bytes]:
        """Do one job."""
        match job:
            case MeasureBlob():
                return BlobSize(bytes_of(blob)), b""
            case DieOnce(flag):
                return Survived(killed_once(flag)), b""
