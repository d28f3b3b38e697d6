"""A lock between processes, on an open file."""

import fcntl
import time
from pathlib import Path
from typing import Final

LOCK_WITHIN_S: Final = 5.0
LOCK_POLL_S: Final = 0.05


class FileInUse(OSError):
    """Another process has kept the lock for all of ``LOCK_WITHIN_S``; the message names the file."""


def take_lock(descriptor: int, path: Path) -> None:
    """Lock the open file at ``path`` until its descriptor is closed; blocks, raises ``OSError``."""
    deadline_s = time.monotonic() + LOCK_WITHIN_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                raise FileInUse(f"{path} is being changed by another process") from None
            time.sleep(LOCK_POLL_S)
        else:
            return
