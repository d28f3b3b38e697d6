"""One worker, seen from the server: loaded, given one job at a time, killed when it must be.

Rules kept here:

* It is ready only when its target has been made, and takes no job from the moment its end is seen.
* A job of a process that ends is told at once, with the signal or the exit code.
* A native call cannot be cancelled, so a job has a deadline, and the process is killed at it.
"""

import logging
import signal
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

import attrs
import trio

from runtime.worker_errors import JobFailed, JobTimeout, WorkerLost
from runtime.worker_frames import Frame, FrameError, FrameReader, encode
from runtime.worker_process import WorkerProcess

log = logging.getLogger("sayso.worker")

READ_BYTES = 1 << 18
DUMP_GRACE_S = 0.5  # for faulthandler to write the stacks before the kill
STDERR_GRACE_S = 0.5  # its end may be held open by a process of its own
EOF_GRACE_S = 1.0  # between the socket's end and the process's
DRAIN_S = 0.1  # to read what an ended process has sent, if somebody else holds its socket open

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
    """How a process ended; ``ready_for_s`` is ``None`` if it never had loaded what it is for."""

    reason: str
    ready_for_s: float | None = None
    was_stopped: bool = False

    @property
    def was_ready(self) -> bool:
        """Whether it had loaded what it is for."""
        return self.ready_for_s is not None


class Worker:
    """One process. ``run`` must run as long as it is used; ``call`` takes one job at a time."""

    def __init__(self, spec: WorkerSpec) -> None:
        self.state: State = "starting"
        self.jobs_done = 0
        self.busy_s = 0.0
        self.pid = 0
        self._spec = spec
        self._reader = FrameReader()
        self._received: deque[Frame] = deque()
        self._job_id = 0
        self._answer: Frame | None = None
        self._wake = trio.Event()
        self._ready_s: float | None = None
        self._why_killed: str | None = None
        self._process: WorkerProcess

    def __repr__(self) -> str:
        return f"<Worker {self._spec.name} {self.pid} {self.state}>"

    # --- its life --------------------------------------------------------------------------------

    async def run(self, on_ready: Callable[["Worker"], None]) -> Ended:
        """Start the process, call ``on_ready`` once it has loaded, and return how it ended."""
        try:
            self._process = WorkerProcess(self._spec.target, self._spec.params, self._spec.nice)
        except OSError as error:
            self.state = "dead"
            return Ended(f"{self._spec.name} could not be started: {error}")
        self.pid = self._process.pid
        try:
            await self._live(on_ready)
        finally:
            was_idle = self.state == "ready"
            self._die()
            await self._process.end(politely=was_idle)
        return self._tell_end()

    async def _live(self, on_ready: Callable[["Worker"], None]) -> None:
        all_said = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_stderr, all_said)
            with trio.CancelScope() as reading:
                nursery.start_soon(self._stop_reading, reading)
                await self._read(on_ready)
            await self._see_it_end()
            with trio.move_on_after(STDERR_GRACE_S):
                await all_said.wait()
            nursery.cancel_scope.cancel()

    async def _keep_stderr(self, all_said: trio.Event) -> None:
        await self._process.keep_stderr()
        all_said.set()

    async def _stop_reading(self, reading: trio.CancelScope) -> None:
        """Do not wait for the socket's end after the process's: a process of its own may hold the socket."""
        await self._process.wait()
        await trio.sleep(DRAIN_S)
        reading.cancel()

    async def _read(self, on_ready: Callable[["Worker"], None]) -> None:
        with trio.move_on_after(self._spec.start_timeout_s) as starting:
            if await self._next() is None:
                return
        if starting.cancelled_caught:
            self._kill(f"was not ready within {self._spec.start_timeout_s:g} s")
            return
        self.state, self._ready_s = "ready", trio.current_time()
        on_ready(self)
        while (frame := await self._next()) is not None:
            if frame.job_id == self._job_id:
                self._answer = frame
                self._wake.set()

    async def _next(self) -> Frame | None:
        """Return the next frame; ``None`` at the end of the stream, or of its sense."""
        while not self._received:
            try:
                data = await self._process.control.receive_some(READ_BYTES)
                self._received.extend(self._reader.feed(data))
            except trio.BrokenResourceError:
                return None
            except FrameError as error:
                self._kill(f"broke its channel ({error})")
                return None
            if not data:
                return None
        return self._received.popleft()

    async def _see_it_end(self) -> None:
        if self.state == "ready":
            self.state = "dead"  # no more jobs; one in work is told when it is known how it ended
        if not await self._process.has_ended_within(EOF_GRACE_S):
            self._kill("closed its channel")
            await self._process.wait()
        self._die()

    def _kill(self, why: str) -> None:
        self._why_killed = why
        self._process.send_signal(signal.SIGKILL)

    def _die(self) -> None:
        self.state = "stopping" if self.state == "stopping" else "dead"
        self._wake.set()

    def _tell_end(self) -> Ended:
        how = self._why_killed or self._process.how_it_ended
        if self._ready_s is None:
            return Ended(f"{self._spec.name} {how}: {self._process.last_words}")
        if self.state == "stopping":
            log.debug("worker %s (%d) %s", self._spec.name, self.pid, how)
        else:
            said = self._process.said or "nothing"
            log.warning("worker %s (%d) %s; it said: %s", self._spec.name, self.pid, how, said)
        return Ended(how, trio.current_time() - self._ready_s, was_stopped=self.state == "stopping")

    # --- jobs ------------------------------------------------------------------------------------

    async def call(self, job: Frame, timeout_s: float) -> Frame:
        """Return the answer; raises ``JobFailed``, ``JobTimeout`` (the process was killed) or ``WorkerLost``."""
        if self.state != "ready":
            raise WorkerLost(f"{self._spec.name} worker {self.pid} has ended before {job.method}")
        started_s = trio.current_time()
        self.state, self._job_id, self._answer, self._wake = "busy", job.job_id, None, trio.Event()
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
            how = self._process.how_it_ended
            raise WorkerLost(f"{self._spec.name} worker {self.pid} {how} during {job.method}")
        if self.state == "busy":  # it may have ended since
            self.state = "ready"
        self.jobs_done += 1
        if answer.kind == "failed":
            raise JobFailed(answer.data["reason"])
        return answer

    async def _send(self, job: Frame) -> None:
        try:
            await self._process.control.send_all(encode(job))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await self._wake.wait()  # it is dying: ``run`` will say so

    async def _kill_stuck(self) -> None:
        """Have the stacks written, then kill."""
        self._process.send_signal(signal.SIGUSR1)
        with trio.CancelScope(shield=True):
            if not await self._process.has_ended_within(DUMP_GRACE_S):
                self._process.send_signal(signal.SIGKILL)

    async def stop(self) -> None:
        """End it in order, in bounded time; an idle worker only."""
        if self.state == "ready":
            self.state = "stopping"
            await self._process.stop(politely=True)

    def rss_bytes(self) -> int:
        """Return its resident memory; 0 once it is gone."""
        return self._process.rss_bytes() if self.pid else 0
