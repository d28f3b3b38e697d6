"""One worker process, seen from the server: started, given one job at a time, killed when it must be.

Rules kept here:

* The control socket's end is the process's end: death is noticed in the milliseconds that the kernel takes.
* A native call cannot be cancelled, so a job has a deadline, and the process is killed at it.
* What the process wrote to stderr last is kept: a crash in native code leaves its stack there.
"""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs
import trio

from runtime.worker_errors import JobFailed, JobTimeout, WorkerLost
from runtime.worker_frames import Frame, FrameReader, encode

log = logging.getLogger("sayso.worker")

READ_BYTES = 1 << 18
STDERR_KEPT_BYTES = 16_384
DUMP_GRACE_S = 0.5  # for faulthandler to write the stacks before the kill
STOP_GRACE_S = 2.0
STDERR_GRACE_S = 0.5  # its end may be held open by a process of its own
ROOT = Path(__file__).resolve().parent.parent

State = Literal["starting", "ready", "busy", "stopping", "dead"]


@attrs.frozen(kw_only=True)
class WorkerSpec:
    """What runs in the processes of a pool."""

    name: str
    target: str
    """``module:Class``; the constructor takes ``params``, loads and warms up."""
    params: Mapping[str, Any]
    start_timeout_s: float = 120.0
    nice: int = 0


@attrs.frozen
class Ended:
    """How a process ended; ``was_ready`` says whether it had loaded what it is for."""

    reason: str
    was_ready: bool


class Worker:
    """One process. ``run`` must run as long as it is used; ``call`` takes one job at a time."""

    def __init__(self, spec: WorkerSpec) -> None:
        self.state: State = "starting"
        self.jobs_done = 0
        self.busy_s = 0.0
        self.pid = 0
        self._spec = spec
        self._answer: Frame | None = None
        self._wake = trio.Event()
        self._stderr = bytearray()
        self._all_said = trio.Event()
        self._control: trio.SocketStream
        self._process: trio.Process

    def __repr__(self) -> str:
        return f"<Worker {self._spec.name} {self.pid} {self.state}>"

    # --- its life --------------------------------------------------------------------------------

    async def run(self, on_ready: Callable[["Worker"], None]) -> Ended:
        """Start the process, call ``on_ready`` once it has loaded, and return how it ended."""
        await self._spawn()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_stderr)
                trouble = await self._wait_ready()
                if trouble is None:
                    self.state = "ready"
                    on_ready(self)
                    await self._read_answers()
                ended = await self._reap()
                with trio.move_on_after(STDERR_GRACE_S):
                    await self._all_said.wait()
                nursery.cancel_scope.cancel()
        finally:
            self.state = "stopping" if self.state == "stopping" else "dead"
            self._wake.set()
            await self._end()
        if trouble is not None:
            return Ended(f"{self._spec.name} {trouble or ended}: {self._last_words()}", was_ready=False)
        self._log_end(ended)
        return Ended(ended, was_ready=True)

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "runtime.worker_child", str(theirs.fileno()), self._spec.target]
            self._process = await trio.lowlevel.open_process(
                [*command, json.dumps(dict(self._spec.params))],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_inherited_path()])},
            )
        self.pid = self._process.pid
        ours.setblocking(False)
        self._control = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        if self._spec.nice:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.pid, self._spec.nice)

    async def _wait_ready(self) -> str | None:
        """Return ``None`` when it is ready, else what went wrong (nothing, if it just ended)."""
        reader = FrameReader()
        with trio.move_on_after(self._spec.start_timeout_s):
            while data := await self._receive():
                if any(frame.kind == "ready" for frame in reader.feed(data)):
                    return None
            return ""
        self._process.kill()
        return f"was not ready within {self._spec.start_timeout_s:g} s"

    async def _read_answers(self) -> None:
        reader = FrameReader()
        while data := await self._receive():
            for frame in reader.feed(data):
                self._answer = frame
                self._wake.set()

    async def _receive(self) -> bytes:
        try:
            return bytes(await self._control.receive_some(READ_BYTES))
        except trio.BrokenResourceError:
            return b""

    async def _keep_stderr(self) -> None:
        stderr = self._process.stderr
        if stderr is None:
            raise AssertionError("the process was started with a pipe for stderr")
        async for data in stderr:
            self._stderr += data
            del self._stderr[:-STDERR_KEPT_BYTES]
        self._all_said.set()

    async def _reap(self) -> str:
        """Wait for the end that the closed socket announced; return it in words."""
        with trio.move_on_after(STOP_GRACE_S):
            await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
            with trio.CancelScope(shield=True):
                await self._process.wait()
        code = self._process.returncode or 0
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    async def _end(self) -> None:
        """Leave nothing behind, whatever happened."""
        with trio.CancelScope(shield=True):
            await self._control.aclose()
            if self._process.returncode is None:
                with trio.move_on_after(STOP_GRACE_S):
                    await self._process.wait()
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            if self._process.stderr is not None:
                await self._process.stderr.aclose()

    def _last_words(self) -> str:
        lines = [line for line in self._stderr.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else "it said nothing"

    def _log_end(self, ended: str) -> None:
        if self.state == "stopping":
            log.debug("worker %s (%d) %s", self._spec.name, self.pid, ended)
        else:
            said = self._stderr.decode(errors="replace").strip()
            log.warning("worker %s (%d) %s; it said: %s", self._spec.name, self.pid, ended, said or "nothing")

    # --- jobs ------------------------------------------------------------------------------------

    async def call(self, job: Frame, timeout_s: float) -> Frame:
        """Return the answer; raises ``JobFailed``, ``JobTimeout`` (the process was killed) or ``WorkerLost``."""
        if self.state != "ready":
            raise WorkerLost(f"{self._spec.name} worker {self.pid} has ended before {job.method}")
        started_s = trio.current_time()
        self.state, self._answer, self._wake = "busy", None, trio.Event()
        try:
            with trio.move_on_after(timeout_s):
                await self._send(job)
                await self._wake.wait()
            if not self._wake.is_set():
                await self._kill_stuck()
                raise JobTimeout(f"{self._spec.name}.{job.method} took longer than {timeout_s:g} s")
        finally:
            self.busy_s += trio.current_time() - started_s
        answer = self._answer
        if answer is None:
            raise WorkerLost(f"{self._spec.name} worker {self.pid} ended during {job.method}")
        self.state = "ready"
        self.jobs_done += 1
        if answer.kind == "failed":
            raise JobFailed(answer.data["reason"])
        return answer

    async def _send(self, job: Frame) -> None:
        try:
            await self._control.send_all(encode(job))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await self._wake.wait()  # it is dying: ``run`` will say so

    async def _kill_stuck(self) -> None:
        """Have the stacks written, then kill."""
        self._process.send_signal(signal.SIGUSR1)
        with trio.CancelScope(shield=True), trio.move_on_after(DUMP_GRACE_S):
            await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()

    def stop(self) -> None:
        """Ask it to end after its job; ``run`` returns when it has."""
        if self.state == "ready":
            self.state = "stopping"
            self._process.terminate()

    def rss_bytes(self) -> int:
        """Return its resident memory; 0 once it is gone."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _inherited_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
