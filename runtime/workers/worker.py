"""One worker, seen from the server: loaded, given jobs up to its credit, killed when it must be.

Rules kept here:

* It is ready only when its target has been made, and takes no job from the moment its end is seen.
* It does its jobs in order; the second lies there already when the first is done. A job's time begins when the one
  before it is answered. A native call cannot be cancelled, so at a job's deadline the process is killed.
* Every job of a process that ends fails at once: the one in work with the signal or the exit code, the other as
  not begun.
* A worker without a job answers pings. One with a job need not: a native call may hold the interpreter's lock.
"""

import logging
import signal
from collections.abc import Callable
from typing import Literal, NoReturn

import attrs
import trio

from runtime.messaging.pace import SELDOM, Pace
from runtime.workers.assignments import Assignment, Assignments
from runtime.workers.channel import Channel
from runtime.workers.errors import JobTimeout
from runtime.workers.frames import Frame, FrameError
from runtime.workers.limits import BASELINE_JOBS, ProcessMemory, Vitals
from runtime.workers.process import WorkerProcess, WorkerSpec

log = logging.getLogger("sayso.worker")

DUMP_GRACE_S = 0.5  # for faulthandler to write the stacks before the kill
STDERR_GRACE_S = 0.5  # its end of the socket may be held open by a child process
EOF_GRACE_S = 1.0  # between the socket's end and the process's
DRAIN_S = 0.1  # to read the last frames of an ended process, if another process holds its socket open
PING_S = 2.5  # between pings to a worker without a job, while the server is used
PING_MISSES = 3  # not answered in a row, and it is stuck

State = Literal["starting", "ready", "busy", "stopping", "dead"]


@attrs.frozen
class ProcessEnd:
    """How a process ended; ``ready_for_s`` is ``None`` if it never was ready."""

    reason: str
    ready_for_s: float | None = None
    was_stopped: bool = False
    was_refused: bool = False
    """Whether the system would not start it."""

    @property
    def was_ready(self) -> bool:
        """Whether it had been ready."""
        return self.ready_for_s is not None

    @property
    def was_crash(self) -> bool:
        """Whether it ended without being asked to."""
        return self.was_ready and not self.was_stopped


class Worker:
    """One worker process. ``run`` must run as long as it is used; pass the result of ``accept`` to ``do``."""

    def __init__(
        self,
        spec: WorkerSpec,
        last_job: int = 0,
        *,
        start: Callable[[WorkerSpec], WorkerProcess] = WorkerProcess,
        pace: Pace | None = None,
    ) -> None:
        self.pid = 0
        self.assignments = Assignments()
        self.memory = ProcessMemory()
        self.ready_s: float | None = None
        self._life: Literal["starting", "serving", "stopping", "dead"] = "starting"
        self._spec = spec
        self._start = start
        self._pace = pace or Pace.steady()
        self._last_job = last_job
        self._baseline_bytes = 0
        self._unanswered_pings = 0
        self._why_killed: str | None = None
        self._process: WorkerProcess
        self._channel: Channel

    def __repr__(self) -> str:
        return f"<Worker {self._spec.name} {self.pid} {self.state}>"

    @property
    def state(self) -> State:
        """Its state."""
        if self._life == "serving":
            return "busy" if self.assignments else "ready"
        return self._life

    @property
    def vitals(self) -> Vitals:
        """Return the measurements for ``runtime/workers/limits.py``."""
        age_s = 0.0 if self.ready_s is None else trio.current_time() - self.ready_s
        return Vitals(
            jobs=self.assignments.jobs_done,
            age_s=age_s,
            memory=self.memory,
            baseline_bytes=self._baseline_bytes,
            last_job=self._last_job,
        )

    def note_memory(self, memory: ProcessMemory) -> None:
        """Keep a measurement of its memory."""
        self.memory = memory
        if not self._baseline_bytes and self.assignments.jobs_done >= BASELINE_JOBS:
            self._baseline_bytes = memory.pss_bytes

    # --- its life --------------------------------------------------------------------------------

    async def run(self, on_ready: Callable[["Worker"], None]) -> ProcessEnd:
        """Start the process, call ``on_ready`` after it has loaded, and return how it ended."""
        try:
            self._process = self._start(self._spec)
        except OSError as error:
            self._life = "dead"
            return ProcessEnd(f"{self._spec.name} could not be started: {error}", was_refused=True)
        self.pid = self._process.pid
        self._channel = self._process.channel
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
            nursery.start_soon(self._process.keep_stderr, all_said)
            nursery.start_soon(self._ping)
            with trio.CancelScope() as reading:
                nursery.start_soon(self._stop_reading, reading)
                await self._read(on_ready)
            await self._see_it_end()
            with trio.move_on_after(STDERR_GRACE_S):
                await all_said.wait()
            nursery.cancel_scope.cancel()

    async def _stop_reading(self, reading: trio.CancelScope) -> None:
        """Do not wait for the socket's end after the process's: a process of its own may hold the socket."""
        await self._process.wait()
        await trio.sleep(DRAIN_S)
        reading.cancel()

    async def _read(self, on_ready: Callable[["Worker"], None]) -> None:
        try:
            with trio.move_on_after(self._spec.start_timeout_s) as starting:
                if await self._channel.receive() is None:
                    return
            if starting.cancelled_caught:
                self.kill(f"was not ready within {self._spec.start_timeout_s:g} s")
                return
            self._life, self.ready_s = "serving", trio.current_time()
            on_ready(self)
            while (frame := await self._channel.receive()) is not None:
                self._unanswered_pings = 0
                self.assignments.settle(frame, trio.current_time())
        except FrameError as error:
            self.kill(f"broke its channel ({error})")

    async def _ping(self) -> None:
        while True:
            await self._pace.wait(PING_S, beats=SELDOM)
            if self.state != "ready":
                self._unanswered_pings = 0
            elif self._unanswered_pings >= PING_MISSES:
                self.kill(f"did not answer {PING_MISSES} pings")
            else:
                self._unanswered_pings += 1
                with trio.move_on_after(PING_S):  # a process that reads nothing must not keep this task from counting
                    await self._channel.send(Frame("ping"))

    async def _see_it_end(self) -> None:
        if self._life == "serving":
            self._life = "dead"  # no more jobs; the one in work fails when the end of the process is known
        if not await self._process.has_ended_within(EOF_GRACE_S):
            self.kill("closed its channel")
            await self._process.wait()
        self._die()

    def kill(self, why: str) -> None:
        """Kill it now; ``why`` is the reason given to its jobs."""
        self._why_killed = why
        self._process.send_signal(signal.SIGKILL)

    def _die(self) -> None:
        self._life = "stopping" if self._life == "stopping" else "dead"
        self.assignments.abandon()

    def _tell_end(self) -> ProcessEnd:
        how = self._why_killed or self._process.how_it_ended
        if self.ready_s is None:
            return ProcessEnd(f"{self._spec.name} {how}: {self._process.last_words}")
        if self._life == "stopping":
            log.debug("worker %s (%d) %s", self._spec.name, self.pid, how)
        else:
            said = self._process.said or "nothing"
            log.warning("worker %s (%d) %s; it said: %s", self._spec.name, self.pid, how, said)
        return ProcessEnd(how, trio.current_time() - self.ready_s, was_stopped=self._life == "stopping")

    async def stop(self) -> None:
        """End it in order, in bounded time; an idle worker only."""
        if self.state == "ready":
            self._life = "stopping"
            await self._process.stop(politely=True)

    # --- jobs ------------------------------------------------------------------------------------

    def accept(self, job: Frame, timeout_s: float) -> Assignment:
        """Take a job; raises ``AssertionError`` if it holds all that its credit allows."""
        assignment = Assignment(job, timeout_s)
        if self._life == "serving":
            self.assignments.accept(assignment, trio.current_time())
        else:
            assignment.done.set()
        return assignment

    async def do(self, assignment: Assignment) -> Frame:
        """Return the answer; raises ``JobFailed``, ``JobTimeout`` (it was killed), ``WorkerLost`` or ``NotBegun``."""
        with assignment.scope:
            await self._channel.hand_over(assignment.frame, assignment.done)
        if not assignment.done.is_set():
            await self._kill_stuck(assignment)
        how = self._why_killed or self._process.how_it_ended
        return assignment.read_answer(f"{self._spec.name} worker {self.pid}", how)

    async def revoke(self, assignment: Assignment) -> None:
        """Ask for a job back; one that has begun is still done."""
        if assignment.began_s is None and not assignment.done.is_set():
            await self._channel.send(Frame("revoke", assignment.frame.job_id))

    async def _kill_stuck(self, assignment: Assignment) -> NoReturn:
        """Give the other job back, have the stacks written, kill, and say so."""
        said = f"{self._spec.name}.{assignment.frame.name} took longer than {assignment.timeout_s:g} s"
        self._why_killed, self._life = f"was killed: {said}", "dead"
        self._die()
        self._process.send_signal(signal.SIGUSR1)
        with trio.CancelScope(shield=True):
            if not await self._process.has_ended_within(DUMP_GRACE_S):
                self._process.send_signal(signal.SIGKILL)
        raise JobTimeout(said)
