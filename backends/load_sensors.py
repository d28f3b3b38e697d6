"""Measures the machine's load for the load controller. Blocks for a millisecond: use a thread.

Rules kept here:

* Use by our processes is kept apart from use by others: only the former may lead to refusals.
* Memory of a group that has a limit counts as ours: the kernel kills processes of the group when it is full.
"""

import errno
import os
import resource
import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from backends.cgroup import CgroupMemory, ControlGroups
from backends.machine import OwnProcesses, all_memory, available_cpus, host_times, used_between
from protocol.admission.load import (
    CPU,
    DISK,
    FILES,
    MACHINE_CPU,
    MACHINE_MEMORY,
    MEMORY,
    PROCESSES,
    PSI_CPU,
    PSI_MEMORY,
    PSI_MEMORY_FULL,
    THROTTLED,
    Look,
    Reading,
)

OPEN_FILES = Path("/dev/fd")  # on Linux another name of /proc/self/fd
CPU_WINDOW_S = 5.0
LOOK_UP_S = 5.0  # seconds between look-ups of our child processes, each of which reads every process of the machine
FULL_SHARE = 0.9  # of the CPUs: hardly one is idle
NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE})  # of this process, or of the machine


class LoadSensors:
    """Reads memory, pressure, quota, open files, processes and disk; differences are since the last read."""

    def __init__(
        self,
        data_dir: Path,
        *,
        max_cpu_percent: float,
        max_memory_bytes: int = 0,
        groups: ControlGroups | None = None,
        processes: OwnProcesses | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to count; ``max_memory_bytes`` is what the operator lets the server use, 0 for all that there is."""
        self._data_dir = data_dir
        self._max_cpu_share = max_cpu_percent / 100
        self._max_memory_bytes = max_memory_bytes
        self._groups = groups or ControlGroups()
        self._processes = processes or OwnProcesses(refresh_s=LOOK_UP_S)
        self._cpu = CpuMeter(self._groups, clock=clock)
        self._periods = self._groups.throttling()
        self._out_of_memory = self._groups.out_of_memory()

    def look(self) -> Look:
        """Read each signal once."""
        own_bytes, busy_s = self._own_use()
        cpu = self._cpu.shares(busy_s)
        machine = self._groups.machine_memory() or all_memory()
        is_full_of_ours = machine is not None and 2 * own_bytes >= machine.used_bytes
        stalls = self._memory_stalls(is_full_of_ours=is_full_of_ours)
        cpu_stalls = self._groups.pressure("cpu")
        readings = [
            Reading(MEMORY, self._own_memory_share(own_bytes, machine, is_full_of_ours=is_full_of_ours)),
            Reading(CPU, None if cpu is None else cpu.own / self._max_cpu_share),
            Reading(PSI_MEMORY, None if stalls is None else stalls[0]),
            Reading(PSI_MEMORY_FULL, None if stalls is None else stalls[1]),
            Reading(THROTTLED, self._throttled()),
            Reading(FILES, open_files_share()),
            Reading(PROCESSES, self._groups.processes_share()),
            Reading(MACHINE_CPU, None if cpu is None else cpu.all / self._max_cpu_share),
            Reading(PSI_CPU, None if cpu_stalls is None else cpu_stalls[0]),
            Reading(MACHINE_MEMORY, None if machine is None else machine.share),
            Reading(DISK, free_disk_share(self._data_dir)),
        ]
        is_busy_with_others = cpu is not None and cpu.is_mostly_others
        return Look(readings, self._was_out_of_memory(), is_busy_with_others)

    def _own_use(self) -> tuple[int, Mapping[int, float]]:
        try:
            return self._processes.look()
        except OSError:  # no descriptor is left, which the signal FILES shows
            return 0, {}

    def _own_memory_share(self, own_bytes: int, machine: CgroupMemory | None, *, is_full_of_ours: bool) -> float | None:
        """Return the largest share: of our group's limit, of the operator's, and of a machine that is full of ours."""
        group = self._groups.group_memory()
        shares = [] if group is None else [group.share]
        if self._max_memory_bytes:
            shares.append(own_bytes / self._max_memory_bytes)
        if machine is not None and machine.total_bytes:
            shares.append(machine.share if is_full_of_ours else own_bytes / machine.total_bytes)
        return max(shares, default=None)

    def _memory_stalls(self, *, is_full_of_ours: bool) -> tuple[float, float] | None:
        """Return our group's memory stalls; the machine's only if most of its used memory is ours."""
        return self._groups.group_pressure("memory") or (self._groups.pressure("memory") if is_full_of_ours else None)

    def _was_out_of_memory(self) -> bool:
        before, found = self._out_of_memory, self._groups.out_of_memory()
        if found is not None:  # else it could not be read this time
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
    own_s: float
    """Of our processes, since the first look."""


@attrs.frozen
class Shares:
    """How much of the CPUs is used, 0..1."""

    own: float
    """By our processes."""
    all: float
    """By all processes of the machine, or as a share of our group's quota."""

    @property
    def is_mostly_others(self) -> bool:
        """Whether no processor is idle and other processes use more of them than ours."""
        return self.all >= FULL_SHARE and self.own < self.all / 2


class CpuMeter:
    """Use of the CPUs over the last seconds, from samples: sample it often."""

    def __init__(self, groups: ControlGroups, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._groups = groups
        self._clock = clock
        self._cpus = available_cpus()
        self._looks: deque[Times] = deque()
        self._busy_s: Mapping[int, float] = {}
        self._own_s = 0.0

    def shares(self, busy_s: Mapping[int, float]) -> Shares | None:
        """Return the shares of the CPUs that the server may run on; ``busy_s`` are our processes' CPU seconds so far.

        ``None`` for the first sample, and where the system has no figures or no file descriptor is left.
        """
        if busy_s:
            self._own_s += used_between(self._busy_s, busy_s)
            self._busy_s = busy_s
        try:
            now = Times(self._clock(), *host_times(), self._groups.cpu_used_s(), self._own_s)
        except OSError:
            return None
        while len(self._looks) > 1 and self._looks[1].at_s <= now.at_s - CPU_WINDOW_S:
            self._looks.popleft()
        self._looks.append(now)
        return shares_between(self._looks[0], now, self._cpus) if len(self._looks) > 1 else None


def shares_between(before: Times, after: Times, cpus: float) -> Shares:
    """Return the shares between two samples; the use by all is the larger of the host's and the group's."""
    host_s, granted_s = after.host_total_s - before.host_total_s, (after.at_s - before.at_s) * cpus
    shares = [(after.host_busy_s - before.host_busy_s) / host_s] if host_s > 0 else []
    if before.group_s is not None and after.group_s is not None and granted_s > 0:
        shares.append((after.group_s - before.group_s) / granted_s)
    own = (after.own_s - before.own_s) / granted_s if granted_s > 0 else 0.0
    return Shares(min(1.0, max(0.0, own)), min(1.0, max((0.0, *shares))))


def open_files_share(
    folder: Path = OPEN_FILES, limit: Callable[[], int] = lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0]
) -> float | None:
    """Return the share, 0..1, of the files that the process may open; ``None`` where it is unknown.

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
