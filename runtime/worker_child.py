"""The inside of a worker process: ``python -m runtime.worker_child FD TARGET PARAMS_JSON``.

Rules kept here:

* Nothing but frames goes through the control socket: stray prints go to stderr.
* When the server is gone the process ends at once, also in the middle of a native call: a thread watches the socket,
  and on Linux the kernel kills it, for a call that holds the interpreter's lock.
* A crash in native code leaves its stack on stderr, which the server keeps.
"""

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import queue
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

from runtime.worker_frames import Frame, FrameReader, encode

READ_BYTES = 1 << 18
OOM_SCORE = "500"  # the kernel shall rather take a worker than the server
ORPHANED = 75  # EX_TEMPFAIL
PR_SET_PDEATHSIG = 1  # prctl(2)
MAX_REASON_CHARS = 4000


class Target(Protocol):
    """The engine of a worker; its constructor loads and warms up."""

    def handle(self, method: str, params: dict[str, Any], blob: bytes) -> tuple[dict[str, Any], bytes]:
        """Do one job."""


def load_target(name: str, params: dict[str, Any]) -> Target:
    """Return ``module:Class`` made with ``params``."""
    module, _, attribute = name.partition(":")
    target: Target = getattr(importlib.import_module(module), attribute)(params)
    return target


def prepare_process() -> None:
    """Set up signals, crash reports and the kernel's preference."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server stops us in order
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(OSError):  # not on every kernel, and not worth more than a try
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)


def read_jobs(control: socket.socket, jobs: "queue.Queue[Frame]") -> None:
    """Run in a thread: pass frames on, and end the process when the server is gone."""
    reader = FrameReader()
    while True:
        try:
            data = control.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            os._exit(ORPHANED)
        for frame in reader.feed(data):
            jobs.put(frame)


def answer(target: Target, job: Frame) -> bytes:
    """Do one job and return the frame to send; whatever fails becomes an answer, because the worker lives on."""
    try:
        data, blob = target.handle(job.method, job.data, job.blob)
        return encode(Frame("done", job.job_id, data=data, blob=blob))
    except Exception as error:  # noqa: BLE001 - the seam between an engine and its process
        reason = f"{type(error).__name__}: {error}"[:MAX_REASON_CHARS].encode(errors="replace").decode()
        return encode(Frame("failed", job.job_id, data={"reason": reason}))


def main(fd: int, target_name: str, params: dict[str, Any]) -> None:
    """Load, say that we are ready, and do jobs until told to stop."""
    prepare_process()
    control = socket.socket(fileno=fd)
    control.set_inheritable(False)  # a process that the target starts must not hold our channel
    jobs: queue.Queue[Frame] = queue.Queue()  # bounded by the server, which sends one job at a time
    threading.Thread(target=read_jobs, args=(control, jobs), daemon=True).start()
    target = load_target(target_name, params)
    gc.collect()
    gc.freeze()
    control.sendall(encode(Frame("ready")))
    while (job := jobs.get()).kind != "stop":
        control.sendall(answer(target, job))
    close = getattr(target, "close", None)
    if close is not None:
        close()
    sys.stderr.flush()
    os._exit(0)  # what native libraries do at an interpreter's end may hang or crash, and frees nothing more


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
