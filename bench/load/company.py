"""The share of the CPUs that other processes used: with a large one a measurement says little of the server."""

import time
from typing import Final

import attrs
import psutil

IDLE: Final = ("idle", "iowait", "guest", "guest_nice")  # guests are counted in user and nice


@attrs.frozen
class Company:
    """CPU seconds used up to one moment."""

    at_s: float
    machine_s: float
    """CPU time of all processes of the machine, and of the hypervisor's other guests."""
    own_s: float
    """CPU time of this process and of all below it: callers and server."""

    @classmethod
    def now(cls) -> "Company":
        """Read the machine's figures."""
        times = psutil.cpu_times()._asdict()
        busy_s = sum(spent_s for name, spent_s in times.items() if name not in IDLE)
        me = psutil.Process()
        return cls(time.monotonic(), busy_s, sum(_spent_s(process) for process in (me, *me.children(recursive=True))))

    def share_until(self, later: "Company", cores: int) -> float:
        """Return the share of all CPUs that other processes used between two moments, 0.0 to 1.0."""
        others_s = (later.machine_s - self.machine_s) - (later.own_s - self.own_s)
        available_s = (later.at_s - self.at_s) * cores
        return round(min(1.0, max(0.0, others_s / available_s)), 2) if available_s > 0 else 0.0


def _spent_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
