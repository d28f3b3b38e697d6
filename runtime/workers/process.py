"""One operating-system process of a worker: started, read from, waited for and ended.

Rules kept here:

* It is started from the thread that runs Trio, which lives as long as the server: the kernel kills the process when
  that thread ends (``PR_SET_PDEATHSIG`` in ``runtime/workers/child_process.py``), so a helper thread must not start it.
* Its end is seen on a pidfd, within milliseconds, even if another process holds its sockets open.
* Frames leave through ``channel`` only, whose lock keeps tasks from sending at once.
* The end of its stderr is kept: a crash in native code leaves its stack there.
* Nothing is left behind: ``end`` is always bounded, and a start that fails half-way is undone.
"""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import trio

from runtime.workers.assignments import CREDIT
from runtime.workers.channel import Channel
from runtime.workers.frames import Frame
from runtime.workers.limits import ProcessMemory
from runtime.workers.payload import SharedBlobs, make_shared_blobs

STDERR_KEPT_BYTES = 16_384
PROC = Path("/proc")
PS_TIMEOUT_S = 5.0
STOP_GRACE_S = 1.0  # for each of: a stop frame, SIGTERM; both together stay below an actor's shutdown of 5 s
ROOT = Path(__file__).resolve().parents[2]
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@attrs.frozen(kw_only=True)
class WorkerSpec:
    """The target of the processes of a pool, with its parameters and limits."""

    name: str
    target: str
    """``module:Class``; the constructor takes ``params``, loads and warms up."""
    params: Mapping[str, Any]
    start_timeout_s: float = 120.0
    nice: int = 0
    """Added to the niceness of the process that starts it."""
    threads: int = 0
    """Number of threads for native libraries, set in the environment; 0 leaves it to them."""
    data_limit_bytes: int = 0
    """``RLIMIT_DATA``; 0 is none."""


class WorkerProcess:
    """A running ``runtime.workers.child_process``; raises ``OSError`` if the system cannot start one.

    ``channel`` carries frames, and large blobs by shared memory; ``code`` is the exit code once it has ended, negative
    for a signal.
    """

    def __init__(self, spec: WorkerSpec) -> None:
        plan: dict[str, Any] = {"target": spec.target, "params": dict(spec.params), "data_bytes": spec.data_limit_bytes}
        json.dumps(plan)  # raises before there is anything to undo
        with contextlib.ExitStack() as undo:
            ours, theirs = socket.socketpair()
            undo.callback(ours.close)
            with theirs:
                blobs = make_shared_blobs(CREDIT)
                if blobs is not None:
                    undo.callback(blobs.close)
                self._popen = _start(plan, theirs.fileno(), blobs, spec.threads)
            undo.callback(_undo_start, self._popen)
            self._pidfd = _open_pidfd(self._popen.pid)
            if self._pidfd is not None:
                undo.callback(os.close, self._pidfd)
            self._stderr: trio.abc.ReceiveStream = _take_over(self._popen)
            undo.pop_all()
        self.pid = self._popen.pid
        self.code: int | None = None
        self._watching = trio.Lock()
        self._said = bytearray()
        ours.setblocking(False)
        self.channel = Channel(trio.SocketStream(trio.socket.from_stdlib_socket(ours)), blobs)
        if spec.nice:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.pid, os.getpriority(os.PRIO_PROCESS, 0) + spec.nice)

    # --- its stderr ------------------------------------------------------------------------------

    async def keep_stderr(self, ended: trio.Event) -> None:
        """Read stderr to its end, keep the last of it, and set ``ended``."""
        async for data in self._stderr:
            self._said += data
            del self._said[:-STDERR_KEPT_BYTES]
        ended.set()

    @property
    def said(self) -> str:
        """The end of its stderr."""
        return self._said.decode(errors="replace").strip()

    @property
    def last_words(self) -> str:
        """The last line of its stderr, where Python writes the error."""
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
        """End it: by a stop frame (``politely``), then by SIGTERM, then by SIGKILL."""
        if politely:
            with trio.move_on_after(STOP_GRACE_S):  # a send to a process that does not read would block
                await self.channel.send(Frame("stop"))
            if await self.has_ended_within(STOP_GRACE_S):
                return
        self.send_signal(signal.SIGTERM)
        if not await self.has_ended_within(STOP_GRACE_S):
            self.send_signal(signal.SIGKILL)
            await self.wait()

    async def end(self, *, politely: bool) -> None:
        """End the process and free its resources, also when cancelled."""
        with trio.CancelScope(shield=True):
            if self.code is None:
                await self.stop(politely=politely)
            if self._pidfd is not None:
                os.close(self._pidfd)
            await self.channel.aclose()
            await self._stderr.aclose()


def read_memory(pid: int) -> ProcessMemory:
    """Return a process's memory; 0 if it is gone, RSS for both if the kernel has no PSS.

    The kernel walks the process's page tables for it, 0.3 ms and more: not for the thread that runs Trio.
    """
    try:
        lines = (PROC / f"{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
        found = {name: int(value.split()[0]) * 1024 for name, _, value in (line.partition(":") for line in lines)}
        return ProcessMemory(found["Pss"], found["Rss"])
    except (OSError, KeyError):
        return _read_rss(pid)


def _read_rss(pid: int) -> ProcessMemory:
    try:
        pages = int((PROC / f"{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return ProcessMemory() if (PROC / "self").exists() else _read_rss_of_ps(pid)
    rss_bytes = pages * os.sysconf("SC_PAGE_SIZE")
    return ProcessMemory(rss_bytes, rss_bytes)


def _read_rss_of_ps(pid: int) -> ProcessMemory:
    """Return RSS from POSIX's ``ps``, for systems other than Linux."""
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PS_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ProcessMemory()
    rss_bytes = int(done.stdout.split()[0]) * 1024 if done.stdout.strip() else 0
    return ProcessMemory(rss_bytes, rss_bytes)


def _start(plan: dict[str, Any], control: int, blobs: SharedBlobs | None, threads: int) -> subprocess.Popen[bytes]:
    inherited = [control] if blobs is None else [control, blobs.fd]
    told = json.dumps(plan | {"control": control, "blobs": blobs and blobs.fd})
    limits = dict.fromkeys(THREAD_VARIABLES, str(threads)) if threads else {}
    return subprocess.Popen(
        # -P: what lies in the folder where the server was started is not ours to import
        [sys.executable, "-P", "-m", "runtime.workers.child_process", told],
        pass_fds=inherited,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **limits, "PYTHONPATH": os.pathsep.join([str(ROOT), *_inherited_path()])},
    )


def _undo_start(popen: subprocess.Popen[bytes]) -> None:
    if popen.stderr is not None:
        popen.stderr.close()
    popen.kill()
    popen.wait()


def _open_pidfd(pid: int) -> int | None:
    """Return a descriptor that becomes readable at the process's end; ``None`` where the kernel has none."""
    try:
        return os.pidfd_open(pid)
    except AttributeError:  # no Linux
        return None
    except OSError as error:
        if error.errno == errno.ENOSYS:  # older than 5.3
            return None
        raise


def _take_over(popen: subprocess.Popen[bytes]) -> trio.lowlevel.FdStream:
    """Return stderr as a stream of Trio's."""
    if popen.stderr is None:
        raise AssertionError("the process was started with a pipe for stderr")
    with popen.stderr:
        return trio.lowlevel.FdStream(os.dup(popen.stderr.fileno()))


def _inherited_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
