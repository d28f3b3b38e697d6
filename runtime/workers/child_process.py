"""The inside of a worker process: ``python -m runtime.workers.child_process PLAN_JSON``.

Rules kept here:

* Nothing but frames goes through the control socket: stray prints go to stderr.
* When the server is gone the process ends at once, also in the middle of a native call: a thread watches the socket,
  and on Linux the kernel kills it, for a call that holds the interpreter's lock.
* A crash in native code leaves its stack on stderr, which the server keeps.
* A process without memory ends: it would fail every job at once, and would get most of them because it is soon idle.
* A job that has not begun can be taken back; one that has begun is done. Pings are answered by the thread of the jobs.
"""

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import queue
import resource
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import attrs
import msgspec

from runtime.workers import frames
from runtime.workers.frames import Frame, FrameReader
from runtime.workers.jobs import Job, JobDecoder, encode
from runtime.workers.payload import SharedBlobsReader

READ_BYTES = 1 << 18
OOM_SCORE = "500"  # the kernel's OOM killer should take a worker before the server
ORPHANED = 75  # EX_TEMPFAIL
OUT_OF_MEMORY = 71  # EX_OSERR
BAD_ALLOC = "bad_alloc"  # C++'s exception, as native libraries tell it in errors of their own
PR_SET_PDEATHSIG = 1  # prctl(2)
MAX_REASON_CHARS = 4000

JobT_contra = TypeVar("JobT_contra", bound=Job[msgspec.Struct], contravariant=True)


class Target(Protocol[JobT_contra]):
    """The engine of a worker; its constructor loads and warms up."""

    @property
    def jobs(self) -> Sequence[type[Job[msgspec.Struct]]]:
        """The types of its jobs; the same as those of ``job`` in ``handle``."""

    def handle(self, job: JobT_contra, blob: bytes | memoryview) -> tuple[msgspec.Struct, bytes]:
        """Return the reply to a job and its blob; the job's ``blob`` may be used during the job only."""


AnyTarget = Target[Job[msgspec.Struct]]
"""One that was loaded by its name: which jobs it does, it says itself."""


@attrs.define(eq=False)
class Line:
    """The socket to the server; two threads write, one reads."""

    control: socket.socket
    jobs: "queue.Queue[Frame]" = attrs.field(factory=queue.Queue)  # bounded by the server, which keeps to its credit
    writing: threading.Lock = attrs.field(factory=threading.Lock)

    def send(self, data: bytes) -> None:
        """Send encoded frames whole."""
        with self.writing:
            self.control.sendall(data)

    def read(self) -> None:
        """Run in a thread: pass frames on, and end the process when the server is gone."""
        reader = FrameReader()
        while True:
            try:
                data = self.control.recv(READ_BYTES)
            except OSError:
                data = b""
            if not data:
                os._exit(ORPHANED)
            for frame in reader.feed(data):
                if frame.kind != "revoke":
                    self.jobs.put(frame)
                elif self._take_back(frame.job_id):
                    self.send(frames.encode(Frame("revoked", frame.job_id)))

    def _take_back(self, job_id: int) -> bool:
        with self.jobs.mutex:
            for job in self.jobs.queue:
                if job.kind == "job" and job.job_id == job_id:
                    self.jobs.queue.remove(job)
                    return True
        return False


def load_target(name: str, params: dict[str, Any]) -> AnyTarget:
    """Return ``module:Class`` made with ``params``."""
    module, _, attribute = name.partition(":")
    target: AnyTarget = getattr(importlib.import_module(module), attribute)(params)
    return target


def prepare_process() -> None:
    """Set up signals, crash reports and the kernel's preference."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server stops us in order
    with contextlib.suppress(AttributeError):  # no Linux
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(OSError):  # not on every kernel; optional
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)


def give_back_memory() -> None:
    """Give memory back to the system that loading has freed, 10 to 20 MB a model; for the GNU C library only."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def limit_data(data_bytes: int) -> None:
    """Let the kernel refuse more than ``data_bytes`` of data (0: no limit).

    What is reserved and not used is granted besides: a decoder at rest reserves four times what it uses. Never
    RLIMIT_AS: drivers reserve more addresses still.
    """
    if data_bytes:
        limit_bytes = data_bytes + reserved_bytes(Path("/proc/self/status"))
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def reserved_bytes(status: Path) -> int:
    """Return how much data a process has reserved and not used, by its ``/proc/*/status``; 0 where there is none."""
    if not status.exists():
        return 0
    lines = (line.split() for line in status.read_text(encoding="ascii").splitlines())
    kib = {words[0]: int(words[1]) for words in lines if words[0] in ("VmData:", "RssAnon:")}
    return max(0, kib.get("VmData:", 0) - kib.get("RssAnon:", 0)) * 1_024


def answer(target: AnyTarget, jobs: JobDecoder, frame: Frame, blobs: SharedBlobsReader | None = None) -> bytes:
    """Do one job and return the frame to send; a failure becomes an answer, because the worker lives on.

    Raises ``MemoryError``, after which it should not.
    """
    try:
        job = jobs.decode(frame.name, frame.body)
        if blobs is None or frame.place is None:
            reply, blob = target.handle(job, frame.blob)
        else:
            reply, blob = target.handle(job, blobs.view(frame.place))
            blobs.check(frame.place)
        return frames.encode(Frame("done", frame.job_id, body=encode(reply), blob=blob))
    except Exception as error:  # the seam between an engine and its process
        if isinstance(error, MemoryError) or BAD_ALLOC in str(error):
            raise MemoryError(str(error)) from error
        reason = f"{type(error).__name__}: {error}"[:MAX_REASON_CHARS]
        return frames.encode(Frame("failed", frame.job_id, body=reason.encode(errors="replace")))


def main(plan: dict[str, Any]) -> None:
    """Load, report that the worker is ready, and do jobs until asked to stop."""
    prepare_process()
    control = socket.socket(fileno=plan["control"])
    control.set_inheritable(False)  # a process that the target starts must not hold our channel
    blobs = None if plan["blobs"] is None else SharedBlobsReader(plan["blobs"])
    line = Line(control)
    threading.Thread(target=line.read, daemon=True).start()
    target = load_target(plan["target"], plan["params"])
    jobs = JobDecoder(target.jobs)
    gc.collect()
    gc.freeze()
    give_back_memory()
    limit_data(plan["data_bytes"])
    line.send(frames.encode(Frame("ready")))
    while (frame := line.jobs.get()).kind != "stop":
        try:
            line.send(frames.encode(Frame("pong")) if frame.kind == "ping" else answer(target, jobs, frame, blobs))
        except MemoryError as error:
            os.write(sys.stderr.fileno(), f"out of memory: {error}\n".encode(errors="replace"))
            os._exit(OUT_OF_MEMORY)
    close = getattr(target, "close", None)
    if close is not None:
        close()
    sys.stderr.flush()
    os._exit(0)  # what native libraries do at an interpreter's end may hang or crash, and frees nothing more


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
