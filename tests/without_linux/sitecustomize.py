"""Takes away what only Linux has, so that the rest can be tested where there is Linux.

``pytest --without-linux`` imports this, and puts this folder on ``PYTHONPATH``: Python imports a module of this name at
its start, so what the tests start has nothing of Linux either. The event loop keeps ``epoll`` and psutil keeps
``/proc``: on other systems they have means of their own.
"""

import ctypes
import fcntl
import os
import pathlib
import resource
import signal
import socket
import sys
import tempfile
from typing import Any

GONE = {
    os: ("memfd_create", "MFD_CLOEXEC", "MFD_ALLOW_SEALING", "pidfd_open", "eventfd", "sched_getaffinity", "O_TMPFILE"),
    signal: ("pidfd_send_signal",),
    socket: ("TCP_USER_TIMEOUT", "TCP_INFO", "SO_PEERCRED"),
    resource: ("prlimit",),
    fcntl: ("F_ADD_SEALS", "F_GET_SEALS", "F_SEAL_SHRINK", "F_SEAL_GROW"),
}
GONE_FILES = ("/proc", "/sys")
GONE_FUNCTIONS = frozenset({"prctl"})  # of the C library
MAY_LOOK = "psutil"


def is_gone(path: object) -> bool:
    """Return whether a file is Linux's own and requested by code that would not find it elsewhere."""
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    return any(name == folder or name.startswith(f"{folder}/") for folder in GONE_FILES) and not _may_look()


def _may_look() -> bool:
    frame = sys._getframe()
    while (inner := frame.f_back) is not None:
        frame = inner
        if frame.f_globals.get("__name__", "").partition(".")[0] == MAY_LOOK:
            return True
    return False


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event in ("open", "os.listdir", "os.scandir") and is_gone(args[0]):
        raise FileNotFoundError(2, "No such file or directory", os.fsdecode(args[0]))


def take_away() -> None:
    """Do so in this process, for good."""
    for module, names in GONE.items():
        for name in names:
            module.__dict__.pop(name, None)
            if name in getattr(module, "__all__", ()):
                module.__all__.remove(name)
    tempfile._O_TMPFILE_WORKS = False  # type: ignore[attr-defined] # it has looked already
    sys.addaudithook(_refuse)
    stat, function = pathlib.Path.stat, ctypes.CDLL.__getattr__

    def stat_here(path: pathlib.Path, **how: Any) -> os.stat_result:
        _refuse("open", (path,))
        return stat(path, **how)

    def function_here(library: ctypes.CDLL, name: str) -> Any:
        if name in GONE_FUNCTIONS:
            raise AttributeError(f"there is no {name} here")
        return function(library, name)

    pathlib.Path.stat = stat_here  # type: ignore[method-assign, assignment]
    ctypes.CDLL.__getattr__ = function_here  # type: ignore[method-assign]


if "memfd_create" in os.__dict__:
    take_away()
