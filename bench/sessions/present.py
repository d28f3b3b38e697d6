"""Snapshots of this process's memory, objects and tasks, so that a benchmark can find leaks."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import psutil
import trio


@attrs.frozen
class Present:
    """A snapshot of the process's resources."""

    pss_bytes: int
    objects: int
    """Objects tracked by the garbage collector: leaks show here first."""
    blocks: int
    """Blocks of Python's allocator: if they are freed and the memory is not, it is fragmented."""
    tasks: int
    fds: int
    children: int

    @classmethod
    def now(cls) -> "Present":
        """Take a snapshot, after a garbage collection."""
        for _ in range(3):
            gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)
        root = trio.lowlevel.current_root_task()
        fds = len(list(Path("/proc/self/fd").iterdir()))
        children = len(psutil.Process().children(recursive=True))
        blocks, objects = sys.getallocatedblocks(), len(gc.get_objects())
        return cls(pss_bytes(), objects, blocks, sum(1 for _ in walk(root)), fds, children)

    def since(self, before: "Present") -> dict[str, int]:
        """Return the difference to an earlier snapshot."""
        return {name: getattr(self, name) - figure for name, figure in attrs.asdict(before).items()}


def pss_bytes() -> int:
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return 1024 * int(line.split()[1])
    raise OSError("no Pss in /proc/self/smaps_rollup")


def walk(task: trio.lowlevel.Task | None) -> Iterator[trio.lowlevel.Task]:
    """Yield ``task`` and all below it."""
    if task is not None:
        yield task
        for nursery in task.child_nurseries:
            for child in nursery.child_tasks:
                yield from walk(child)
