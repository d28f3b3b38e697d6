"""What is measured of the machine to know how loaded the house is. Blocks for a millisecond: use a thread."""

import errno
import os
import resource
import shutil
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import attrs

from backends.cgroup import ControlGroups
from backends.machine import available_cpus, host_times
from runtime.load import CPU, DISK, FILES, MEMORY, PROCESSES, PSI_CPU, PSI_MEMORY, PSI_MEMORY_FULL, THROTTLED, Reading

OPEN_FILES = Path("/proc/self/fd")
CPU_WINDOW_S = 5.0
NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE})  # of this process, or of the machine


class LoadSensors:
    """Looks at memory, pressure, quota, open files, processes and disk; differences are since the last look."""

    def __init__(
        self,
        data_dir: Path,
        *,
        max_cpu_percent: float,
        own_memory_share: Callable[[], float] | None = None,
        groups: ControlGroups | None = None,
    ) -> None:
        """Begin to count; ``own_memory_share`` is what the server uses of the limit that its operator has set it."""
        self._data_dir = data_dir
        self._max_cpu_share = max_cpu_percent / 100
        self._own_memory_share = own_memory_share
        self._groups = groups or ControlGroups()
        self._cpu = CpuMeter(self._groups)
        self._periods = self._groups.throttling()
        self._out_of_memory = self._groups.out_of_memory()

    def look(self) -> tuple[list[Reading], bool]:
        """Return a reading of each signal, and whether the group was out of memory meanwhile."""
        stalls = self._groups.pressure("memory")
        cpu_stalls = self._groups.pressure("cpu")
        readings = [
            Reading(MEMORY, self._memory_share()),
            Reading(CPU, self._cpu_share_of_limit()),
            Reading(PSI_MEMORY, None if stalls is None else stalls[0]),
            Reading(PSI_MEMORY_FULL, None if stalls is None else stalls[1]),
            Reading(PSI_CPU, None if cpu_stalls is None else cpu_stalls[0]),
            Reading(THROTTLED, self._throttled()),
            Reading(FILES, open_files_share()),
            Reading(PROCESSES, self._groups.processes_share()),
            Reading(DISK, free_disk_share(self._data_dir)),
        ]
        return readings, self._was_out_of_memory()

    def _cpu_share_of_limit(self) -> float | None:
        share = self._cpu.share()
        return None if share is None else share / self._max_cpu_share

    def _memory_share(self) -> float | None:
        """Return the largest share: of the group or the machine, whoever uses it, and of the server's own limit."""
        memory = self._groups.memory()
        shares = [] if memory is None else [memory.share]
        if self._own_memory_share is not None:
            shares.append(self._own_memory_share())
        return max(shares, default=None)

    def _was_out_of_memory(self) -> bool:
        before, found = self._out_of_memory, self._groups.out_of_memory()
        if found is not None:  # else it could not be read now, and the next look tells
            self._out_of_memory = found
        return before is not None and found is not None and found > before

    def _throttled(self) -> float | None:
        before, self._periods = self._periods, self._groups.throttling()
        if before is None or self._periods is None:
            return None
        periods, throttled = self._periods[0] - before[0], self._periods[1] - before[1]
        return throttled / periods if periods > 0 else 0.0


@attrs.frozen
class Times:
    """Seconds counted at one moment."""

    at_s: float
    host_total_s: float
    host_busy_s: float
    group_s: float | None


class CpuMeter:
    """How much of the CPUs is used, over the last seconds; figures are those of looks, so look often."""

    def __init__(self, groups: ControlGroups, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._groups = groups
        self._clock = clock
        self._cpus = available_cpus()
        self._looks: deque[Times] = deque()

    def share(self) -> float | None:
        """Return 0..1: of the CPUs that the server may run on, whoever uses them, or of its group's own quota.

        ``None`` at the first look, and where the system does not let us look, as without a file descriptor left.
        """
        try:
            now = Times(self._clock(), *host_times(), self._groups.cpu_used_s())
        except OSError:
            return None
        while len(self._looks) > 1 and self._looks[1].at_s <= now.at_s - CPU_WINDOW_S:
            self._looks.popleft()
        self._looks.append(now)
        return used_share(self._looks[0], now, self._cpus) if len(self._looks) > 1 else None


def used_share(before: Times, after: Times, cpus: float) -> float:
    """Return the larger of the host's and the group's share between two looks."""
    host_s, granted_s = after.host_total_s - before.host_total_s, (after.at_s - before.at_s) * cpus
    shares = [(after.host_busy_s - before.host_busy_s) / host_s] if host_s > 0 else []
    if before.group_s is not None and after.group_s is not None and granted_s > 0:
        shares.append((after.group_s - before.group_s) / granted_s)
    return min(1.0, max((0.0, *shares)))


def open_files_share(
    folder: Path = OPEN_FILES, limit: Callable[[], int] = lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0]
) -> float | None:
    """Return how many of the files that the process may open are open; ``None`` where that cannot be told.

    That the folder itself cannot be opened for want of a descriptor is an answer: all of them.
    """
    most = limit()
    if most <= 0:
        return None
    try:
        return len(os.listdir(folder)) / most  # noqa: PTH208 - ten times as fast as making paths of them
    except OSError as error:
        return 1.0 if error.errno in NONE_LEFT else None


def free_disk_share(folder: Path) -> float | None:
    """Return the free share of the disk that ``folder`` is on, or will be on; ``None`` if it does not answer."""
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.free / usage.total if usage.total else None
