"""What the server and its workers take from the machine, by psutil; reading /proc is slow under load: use a thread."""

import contextlib
import os
from typing import Final

import attrs
import psutil

BYTES_PER_GB: Final = 1024**3


@attrs.frozen
class Sample:
    """One moment."""

    memory_bytes: int
    """Resident bytes of this process and everything that it started."""
    cpu_percent: float
    """Share of the CPUs that this process may use, 0..100, since the sample before."""


class Machine:
    """Samples; remembers the last one."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.cpu_percent = 0.0

    def sample(self) -> Sample:
        """Return the figures now; takes some milliseconds, so call it in a thread."""
        self.cpu_percent = min(100.0, psutil.cpu_percent() * (psutil.cpu_count() or 1) / self._cpus)
        return Sample(self._resident_bytes(), self.cpu_percent)

    def memory(self) -> dict[str, float]:
        """Return ``usage_percent`` and ``available_gb`` of the whole machine; quick."""
        memory = psutil.virtual_memory()
        return {"usage_percent": memory.percent, "available_gb": round(memory.available / BYTES_PER_GB, 2)}

    def _resident_bytes(self) -> int:
        total: int = self._process.memory_info().rss
        for child in self._process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it may end while we look
                total += child.memory_info().rss
        return total
