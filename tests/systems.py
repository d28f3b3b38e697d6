"""What tests ask the operating system, in words that every Unix understands."""

import os
from pathlib import Path

import psutil
import pytest

on_linux = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs what only Linux has")
OPEN_FILES = Path("/dev/fd")  # on Linux another name of /proc/self/fd


def skip_without_memfd() -> None:
    """Skip the test whose fixture needs shared memory without a name."""
    if not hasattr(os, "memfd_create"):
        pytest.skip("needs what only Linux has")


def open_descriptors() -> int:
    """Return how many files this process has open, with the folder that says so."""
    return len(list(OPEN_FILES.iterdir()))


def is_there(pid: int) -> bool:
    """Return whether there is a process, ended and not reaped or not."""
    return psutil.pid_exists(pid)
