"""A small disk of its own, for tests that fill it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MOUNT_S = 30


@contextmanager
def small_disk(size_mb: int) -> Iterator[Path]:
    """Mount a file system in memory; skips where that is not allowed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    folder = Path("/tmp") / f"sayso-disk-{os.getpid()}"
    folder.mkdir()
    options = f"size={size_mb}m,mode=755"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False, timeout=MOUNT_S)
    try:
        if done.returncode != 0:
            pytest.skip("this container cannot mount a file system")
        yield folder
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", folder], check=True, timeout=MOUNT_S)
        folder.rmdir()


def fill(ballast: Path) -> None:
    """Write to a file until the disk is full."""
    with suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(1 << 16))
            file.flush()
