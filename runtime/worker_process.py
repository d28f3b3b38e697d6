"""One operating-system process of a worker: started, heard, waited for and ended.

Rules kept here:

* It is started from the thread that runs Trio, which lives as long as the server: the kernel kills the process when
  that thread ends (``PR_SET_PDEATHSIG`` in ``runtime/worker_child.py``), so a helper thread must not start it.
* Its end is seen on a pidfd, within milliseconds, whoever else holds its sockets open.
* What it wrote to stderr last is kept: a crash in native code leaves its stack there.
* Nothing is left behind: ``end`` is bounded, whatever the process does.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trio

from runtime.worker_frames import Frame, encode

STDERR_KEPT_BYTES = 16_384
STOP_GRACE_S = 1.0  # for each of: a word, SIGTERM; both together stay below an actor's shutdown of 5 s
ROOT = Path(__file__).resolve().parent.parent


class WorkerProcess:
    """A running ``runtime.worker_child``; raises ``OSError`` if the system cannot start one.

    ``control`` carries frames, ``code`` is the exit code once it has ended, negative for a signal.
    """

    def __init__(self, target: str, params: Mapping[str, Any], nice: int) -> None:
        told = json.dumps(dict(params))
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._popen = subprocess.Popen(
                    # -P: what lies in the folder where the server was started is not ours to import
                    [sys.executable, "-P", "-m", "runtime.worker_child", str(theirs.fileno()), target, told],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_inherited_path()])},
                )
        except OSError:
            ours.close()
            raise
        self.pid = self._popen.pid
        self.code: int | None = None
        self._pidfd = _open_pidfd(self.pid)
        self._watching = trio.Lock()
        self._stderr = _take_over(self._popen)
        self._said = bytearray()
        ours.setblocking(False)
        self.control = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        if nice:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.pid, nice)

    # --- what it says ----------------------------------------------------------------------------

    async def keep_stderr(self) -> None:
        """Read stderr to its end, and keep the last of it."""
        async for data in self._stderr:
            self._said += data
            del self._said[:-STDERR_KEPT_BYTES]

    @property
    def said(self) -> str:
        """The last that it wrote to stderr."""
        return self._said.decode(errors="replace").strip()

    @property
    def last_words(self) -> str:
        """The last line of it, where Python puts the error."""
        return self.said.rpartition("\n")[2].strip() or "it said nothing"

    # --- how it ends -----------------------------------------------------------------------------

    async def wait(self) -> None:
        """Wait until it has ended, and reap it; any number of tasks may wait."""
        async with self._watching:  # only one task may wait for a descriptor
            if self.code is not None:
                return
            if self._pidfd is None:
                await trio.to_thread.run_sync(self._popen.wait, abandon_on_cancel=True)
            else:
                await trio.lowlevel.wait_readable(self._pidfd)
            self.code = self._popen.wait()

    async def has_ended_within(self, limit_s: float) -> bool:
        """Wait at most ``limit_s`` for its end."""
        with trio.move_on_after(limit_s):
            await self.wait()
        return self.code is not None

    @property
    def how_it_ended(self) -> str:
        """Its end in words, by signal or exit code."""
        if self.code is None:
            return "has not ended"
        if self.code < 0:
            return f"was ended by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; one that has ended is left alone."""
        self._popen.send_signal(number)

    async def stop(self, *, politely: bool) -> None:
        """Make it end: by a word if it listens (``politely``), else by SIGTERM, else by SIGKILL."""
        if politely:
            with trio.move_on_after(STOP_GRACE_S), contextlib.suppress(trio.BrokenResourceError):
                await self.control.send_all(encode(Frame("stop")))
            if await self.has_ended_within(STOP_GRACE_S):
                return
        self.send_signal(signal.SIGTERM)
        if not await self.has_ended_within(STOP_GRACE_S):
            self.send_signal(signal.SIGKILL)
            await self.wait()

    async def end(self, *, politely: bool) -> None:
        """Leave nothing behind, also when cancelled."""
        with trio.CancelScope(shield=True):
            if self.code is None:
                await self.stop(politely=politely)
            if self._pidfd is not None:
                os.close(self._pidfd)
            await self.control.aclose()
            await self._stderr.aclose()

    def rss_bytes(self) -> int:
        """Return its resident memory; 0 once it is gone."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _open_pidfd(pid: int) -> int | None:
    """Return a descriptor that becomes readable at the process's end; ``None`` where the kernel has none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # no Linux, or one older than 5.3
        return None


def _take_over(popen: subprocess.Popen[bytes]) -> trio.lowlevel.FdStream:
    """Return stderr as a stream of Trio's."""
    if popen.stderr is None:
        raise AssertionError("the process was started with a pipe for stderr")
    with popen.stderr:
        return trio.lowlevel.FdStream(os.dup(popen.stderr.fileno()))


def _inherited_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
