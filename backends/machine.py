"""The machine as far as this server may use it: memory, CPUs, and what its own processes take.

Rules kept here:

* Nothing waits: CPU figures are differences since the last look.
* Limits of a container count: a CPU quota is what there is, not the host's CPUs.

``sample`` reads one file per process, a millisecond or two: call it in a thread. Workers are children of this process.
"""

import contextlib
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import psutil

from backends.cgroup import CgroupMemory
from protocol.admission.health import MachineMemory

PROC: Final = Path("/proc")
CGROUP: Final = Path("/sys/fs/cgroup")
GIB: Final = 1 << 30


@attrs.define
class Sample:
    """A sample of the server's use of memory and CPU."""

    memory_bytes: int
    """Resident bytes of the process and its children; pages that they share count in each."""
    cpu_percent: float
    """Use of the CPUs that the server may use, 0..100."""


class OwnProcesses:
    """The server's process and its children, which are looked up every ``refresh_s`` seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, refresh_s: float = 0.0) -> None:
        self._clock = clock
        self._refresh_s = refresh_s
        self._process = psutil.Process()
        self._children: list[psutil.Process] = []
        self._looked_up_s = -math.inf

    def look(self) -> tuple[int, dict[int, float]]:
        """Return the resident bytes of all and the CPU seconds of each; raises ``OSError`` without a descriptor."""
        now_s = self._clock()
        if now_s - self._looked_up_s >= self._refresh_s:
            self._children, self._looked_up_s = children_of(self._process), now_s
        memory_bytes, busy_s = 0, {}
        for process in (self._process, *self._children):
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    memory_bytes += process.memory_info().rss
            except psutil.Error:  # it ended meanwhile
                continue
            busy_s[process.pid] = times.user + times.system
        return memory_bytes, busy_s


def children_of(process: psutil.Process, proc: Path = PROC) -> list[psutil.Process]:
    """Return the processes below one, by Linux's lists of the children of its threads; else by all of the machine.

    On a machine with a hundred processes the lists take a tenth of the time. Raises ``OSError`` without a descriptor.
    """
    if not (proc / f"{process.pid}/task/{process.pid}/children").exists():  # a kernel without CONFIG_PROC_CHILDREN
        return process.children(recursive=True)
    found: list[psutil.Process] = []
    above = [process.pid]
    while above:
        below = [pid for parent in above for pid in child_pids(proc / str(parent))]
        for pid in below:
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended meanwhile
                found.append(psutil.Process(pid))
        above = below
    return found


def child_pids(folder: Path) -> Sequence[int]:
    """Return the ids of the children of the process that ``/proc/PID`` is; none if it has ended."""
    try:
        lists = [thread / "children" for thread in (folder / "task").iterdir()]
        return [int(pid) for one in lists for pid in one.read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return ()


class ProcessorWaits:
    """Seconds that the thread that made this object has waited for a processor: Linux's ``schedstat``, 0 elsewhere.

    Source: the kernel's scheduler/sched-stats.rst.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")

    def total_s(self) -> float:
        """Return the seconds in which the thread could have run and had no processor, since it began."""
        try:
            file = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return 0.0
        try:
            fields = os.read(file, 128).split()
        finally:
            os.close(file)
        return int(fields[1]) / 1e9 if len(fields) == 3 else 0.0  # noqa: PLR2004 - ran, waited, how often


class Machine:
    """Looks at the machine; keeps the last figures so that others can read them without waiting."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, cgroup: Path = CGROUP) -> None:
        self.cpus = available_cpus(cgroup)
        self.memory_bytes = 0
        self.cpu_percent = 0.0
        self._processes = OwnProcesses(clock=clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at_s = clock()
        self._busy_s: Mapping[int, float] = {}
        self._host = host_times()

    def sample(self) -> Sample | None:
        """Take a sample; the first CPU figure covers the time since this object was made.

        ``None`` where the system does not let us look, as without a file descriptor left.
        """
        with self._lock:
            try:
                memory_bytes, busy_s = self._processes.look()
                host_percent = self._host_percent()
            except OSError:
                return None
            now_s = self._clock()
            own = own_percent(self._busy_s, busy_s, now_s - self._looked_at_s, self.cpus)
            self.cpu_percent = max(own, host_percent)
            self.memory_bytes = memory_bytes
            self._busy_s, self._looked_at_s = busy_s, now_s
            return Sample(self.memory_bytes, self.cpu_percent)

    def memory(self) -> MachineMemory:
        """Return the machine's memory."""
        found = psutil.virtual_memory()
        return MachineMemory(round(float(found.percent), 1), round(found.available / GIB, 2))

    def _host_percent(self) -> float:
        """Return the percent of the CPUs that the server may run on that all processes used."""
        before, self._host = self._host, host_times()
        total_s = self._host[0] - before[0]
        return 100 * min(1.0, max(0.0, (self._host[1] - before[1]) / total_s)) if total_s > 0 else 0.0


def all_memory() -> CgroupMemory | None:
    """Return the machine's memory, also where there is no Linux; ``None`` if it is unknown."""
    try:
        found = psutil.virtual_memory()
    except OSError:
        return None
    return CgroupMemory(found.total, found.total - found.available)


def host_times() -> tuple[float, float]:
    """Return the total and the busy seconds of the allowed CPUs since the machine started."""
    allowed = allowed_cpus()
    times = [cpu for number, cpu in enumerate(psutil.cpu_times(percpu=True)) if number in allowed]
    total_s = sum(sum(cpu[:8]) for cpu in times)  # what follows on Linux is part of user and nice time
    idle_s = sum(cpu.idle + getattr(cpu, "iowait", 0.0) for cpu in times)
    return total_s, total_s - idle_s


def own_percent(before_s: Mapping[int, float], after_s: Mapping[int, float], elapsed_s: float, cpus: float) -> float:
    """Return the share of ``cpus`` that the processes used, 0..100; one that ended meanwhile does not count."""
    granted_s = elapsed_s * cpus
    if granted_s <= 0:
        return 0.0
    return min(100.0, 100 * used_between(before_s, after_s) / granted_s)


def used_between(before_s: Mapping[int, float], after_s: Mapping[int, float]) -> float:
    """Return the CPU seconds that processes used between two looks; one that is not in both does not count."""
    return sum(max(0.0, after_s[pid] - before_s.get(pid, after_s[pid])) for pid in after_s)


def allowed_cpus() -> frozenset[int]:
    """Return the CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def available_cpus(cgroup: Path = CGROUP) -> float:
    """Return how many CPUs there are for this server: the allowed ones, or a container's smaller quota."""
    allowed = float(len(allowed_cpus()))
    quota = read_quota(cgroup)
    return min(allowed, quota) if quota else allowed


def read_quota(cgroup: Path) -> float | None:
    """Return the CPU quota of control groups version 2 or 1, in CPUs; None without one."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()[:2]
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    try:
        cpus = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):  # "max" is no limit
        return None
    return cpus if cpus > 0 else None
