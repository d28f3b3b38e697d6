"""Processor time and memory of a server's processes while it is loaded, by what each process does."""

import http.client
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import attrs
import psutil

from bench.load.server import Server, every, nodes

LOOK_EVERY_S: Final = 0.5
MIB: Final = 1 << 20
SERVER: Final = "server"
OTHER: Final = "other"
Roles = Mapping[int, str]
"""What each process does, by its id."""


def roles_of(server: Server) -> Roles:
    """Return the processes of one of our servers: itself, the workers by their pool, and the rest."""
    return family(server.pid, pools(server.status()["tree"]))


def family(pid: int, known: Roles) -> Roles:
    """Return a process as ``server`` and all below it as ``known`` tells, or as ``other``."""
    below = psutil.Process(pid).children(recursive=True)
    return {pid: SERVER} | {child.pid: known.get(child.pid, OTHER) for child in below}


def pools(tree: Mapping[str, Any]) -> dict[int, str]:
    """Return the worker processes of a status tree with the names of their pools' owners."""
    found: dict[int, str] = {}
    for node in nodes(tree):
        pool = (node.get("statistics") or {}).get("pool") or {}
        found |= {worker["pid"]: str(node["id"]) for worker in pool.get("workers", ()) if worker.get("pid")}
    return found


@attrs.define
class Usage:
    """Samples of processes, which may come and go meanwhile."""

    roles: Callable[[], Roles]
    _first_s: dict[int, float] = attrs.field(factory=dict)
    _last_s: dict[int, float] = attrs.field(factory=dict)
    _role: dict[int, str] = attrs.field(factory=dict)
    _peak_bytes: dict[str, int] = attrs.field(factory=lambda: defaultdict(int))
    _began_s: float = attrs.field(factory=time.monotonic)

    def look(self) -> None:
        """Take one sample; a server that does not answer, or has ended, gives none."""
        try:
            roles = self.roles()
        except (OSError, ValueError, KeyError, http.client.HTTPException, psutil.NoSuchProcess):
            return
        now_bytes: Counter[str] = Counter()
        for pid, role in roles.items():
            try:
                process = psutil.Process(pid)
                times, resident = process.cpu_times(), process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            self.note(pid, role, times.user + times.system)
            now_bytes[role] += resident
        for role, size in now_bytes.items():
            self._peak_bytes[role] = max(self._peak_bytes[role], size)

    def note(self, pid: int, role: str, spent_s: float) -> None:
        """Take the processor time that a process has used since its start."""
        self._role[pid] = role
        self._first_s.setdefault(pid, spent_s)
        self._last_s[pid] = spent_s

    def seen(self, duration_s: float | None = None) -> dict[str, dict[str, float]]:
        """Return for each role how many processors it used on average, and the most memory in MB."""
        span_s = duration_s or time.monotonic() - self._began_s
        used_s: Counter[str] = Counter()
        for pid, last_s in self._last_s.items():
            used_s[self._role[pid]] += last_s - self._first_s[pid]  # type: ignore[assignment]
        return {
            role: {"cores": round(used_s[role] / span_s, 2), "memory_mb": round(self._peak_bytes[role] / MIB)}
            for role in sorted(self._peak_bytes)
        }


@contextmanager
def measuring(roles: Callable[[], Roles]) -> Iterator[Usage]:
    """Sample the processes from a thread for the block."""
    usage = Usage(roles)
    usage.look()
    with every(LOOK_EVERY_S, usage.look):
        yield usage
    usage.look()
