"""What this process holds at one moment, so that a benchmark can say what was left behind."""

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
    """What the process holds at one moment."""

    pss_bytes: int
    objects: int
    """Those that the garbage collector knows: what leaks shows here first."""
    blocks: int
    """Those that Python's allocator has given out: if they come back and the memory does not, it is in pieces."""
    tasks: int
    fds: int
    children: int

    @classmethod
    def now(cls) -> "Present":
        """Look, after giving back what nobody uses."""
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
        """Return how much more there is than before."""
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
