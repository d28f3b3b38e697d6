"""Memory, CPU and processes as the kernel grants them: control groups version 1, 2 and both at once, and pressure.

Rules kept here:

* The limit is the smallest on the way from our own group to the root; what the files call unlimited is none.
* Page cache is not use: the kernel gives it back when memory is needed. What thrashing costs shows as pressure.
* Every path is under ``root``, so that tests can lay out any machine. A missing file is a figure that is absent.

Sources: the kernel's cgroup-v2.rst, cgroup-v1/memory.rst, cgroup-v1/pids.rst and accounting/psi.rst.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import attrs

NO_LIMIT: Final = 1 << 62  # version 1 writes a number near 2**63 for none


@attrs.frozen
class CgroupMemory:
    """The limit of a group's memory and its use, in bytes."""

    total_bytes: int
    used_bytes: int

    @property
    def share(self) -> float:
        """Use as a share of the limit, 0..1."""
        return self.used_bytes / self.total_bytes if self.total_bytes else 0.0


class ControlGroups:
    """Reads the files of one process's groups."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._own = dict(_memberships(root))
        self._mounts = dict(_mounts(root))

    def memory(self) -> CgroupMemory | None:
        """Return the memory of the fullest group with a limit, else of the machine; ``None`` if both are unknown."""
        return self.group_memory() or self.machine_memory()

    def group_memory(self) -> CgroupMemory | None:
        """Return the memory of the fullest group with a limit; ``None`` where there is none below the machine's."""
        machine = self.machine_memory()
        bounds = [
            found for found in self._memory_groups() if machine is None or found.total_bytes < machine.total_bytes
        ]
        return max(bounds, key=lambda memory: memory.share, default=None)

    def machine_memory(self) -> CgroupMemory | None:
        """Return the memory of the machine; ``None`` where the system has no such figure."""
        return _meminfo(self._root)

    def pressure(self, what: str) -> tuple[float, float] | None:
        """Return the percent of the last 10 s in which some, and all, tasks waited for ``memory`` or ``cpu``.

        It is that of our group, or else that of the machine.
        """
        return self.group_pressure(what) or _pressure(self._root / "proc" / "pressure" / what)

    def group_pressure(self, what: str) -> tuple[float, float] | None:
        """Return our group's ``pressure``; ``None`` where the kernel does not count it for groups."""
        own = self._folder("")
        return None if own is None else _pressure(own / f"{what}.pressure")

    def throttling(self) -> tuple[int, int] | None:
        """Return how many periods of CPU quota there were, and in how many this group was held back."""
        for controller in ("", "cpu"):
            folder = self._folder(controller)
            if folder is not None:
                found = _numbers(folder / "cpu.stat")
                if "nr_periods" in found:
                    return found["nr_periods"], found.get("nr_throttled", 0)
        return None

    def cpu_used_s(self) -> float | None:
        """Return the CPU seconds that this group has used; ``None`` where the kernel does not count it."""
        for controller, name, per_s in (("", "cpu.stat", 1e6), ("cpuacct", "cpuacct.usage", 1e9)):
            folder = self._folder(controller)
            if folder is not None:
                used = _numbers(folder / name).get("usage_usec") if not controller else _number(folder / name)
                if used is not None:
                    return used / per_s
        return None

    def out_of_memory(self) -> int | None:
        """Return how often this group had no memory to give, or a process was killed for it; ``None`` if unknown.

        ``max`` of ``memory.events`` is not counted: page cache that is given back at the limit raises it all day long.
        """
        for controller, name in (("", "memory.events"), ("memory", "memory.oom_control")):
            folder = self._folder(controller)
            if folder is not None:
                found = _numbers(folder / name)
                if "oom_kill" in found:
                    return found["oom_kill"] + found.get("oom", 0)
        return None

    def processes_share(self) -> float | None:
        """Return the used share, 0..1, of the processes and threads that the fullest of our groups may have."""
        folders = (*self._way_up(""), *self._way_up("pids"))
        pairs = ((_number(folder / "pids.current"), _number(folder / "pids.max")) for folder in folders)
        return max((used / limit for used, limit in pairs if used is not None and limit), default=None)

    # --- inside ----------------------------------------------------------------------------------

    def _memory_groups(self) -> Iterator[CgroupMemory]:
        """Yield every group on the way up that has a limit."""
        for folder in self._way_up(""):
            limits = [_number(folder / name) for name in ("memory.max", "memory.high")]
            limit = min((found for found in limits if found is not None), default=None)
            usage = _number(folder / "memory.current")
            if limit is not None and usage is not None:
                yield CgroupMemory(limit, _without_cache(usage, _numbers(folder / "memory.stat"), ""))
        own = self._folder("memory")
        if own is not None:
            found = _numbers(own / "memory.stat")
            limit, usage = found.get("hierarchical_memory_limit"), _number(own / "memory.usage_in_bytes")
            if limit is not None and limit < NO_LIMIT and usage is not None:
                yield CgroupMemory(limit, _without_cache(usage, found, "total_"))

    def _way_up(self, controller: str) -> Iterator[Path]:
        mount, own = self._mounts.get(controller), self._own.get(controller)
        if mount is not None and own is not None:
            for path in (own, *own.parents):
                yield mount.joinpath(*path.parts[1:])

    def _folder(self, controller: str) -> Path | None:
        """Return our own group's folder; in a container the group's path is often not visible, and the mount is it."""
        for folder in self._way_up(controller):
            if folder.is_dir():
                return folder
        return None


def _memberships(root: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield controller ("" is version 2) and path of our groups, from ``/proc/self/cgroup``."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        for controller in controllers.split(","):
            yield controller, PurePosixPath(path or "/")


def _mounts(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield controller and mount point, from ``/proc/self/mountinfo``."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or len(kind) < 3:  # noqa: PLR2004 - as many as proc(5) says
            continue
        where = root.joinpath(*PurePosixPath(fields[4]).parts[1:])
        if kind[0] == "cgroup2":
            yield "", where
        elif kind[0] == "cgroup":
            for controller in kind[2].split(","):
                yield controller, where


def _meminfo(root: Path) -> CgroupMemory | None:
    found = {}
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        found[name] = int(rest.split()[0]) * 1024 if rest.split() else 0
    if not {"MemTotal", "MemAvailable"} <= set(found):
        return None
    return CgroupMemory(found["MemTotal"], found["MemTotal"] - found["MemAvailable"])


def _without_cache(usage_bytes: int, stat: dict[str, int], prefix: str) -> int:
    cache = stat.get(f"{prefix}inactive_file", 0) + stat.get(f"{prefix}active_file", 0)
    return max(0, usage_bytes - cache)


def _pressure(file: Path) -> tuple[float, float] | None:
    lines = {line.split()[0]: line for line in _text(file).splitlines() if line}
    return (_avg10(lines["some"]), _avg10(lines.get("full", ""))) if "some" in lines else None


def _avg10(line: str) -> float:
    fields = dict(field.split("=", 1) for field in line.split() if "=" in field)
    return float(fields.get("avg10", 0.0))


def _numbers(file: Path) -> dict[str, int]:
    """Return a file of names and numbers as a dict."""
    pairs = (line.split() for line in _text(file).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}  # noqa: PLR2004


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdigit() and int(text) < NO_LIMIT else None


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # this machine has no such figure
        return ""
