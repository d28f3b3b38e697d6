"""Misbehaviour on demand, put into a server from outside by ``PYTHONPATH``: the product itself has no hooks.

Python imports this at the start of each process, the server's and its workers'. A signal then lets the process leak
50 MB a second, keep four threads busy that fight for the interpreter's lock, or block its event loop. And Whisper's
worker dies of a clip that clips for 20 ms, as if its native code had a fault.
"""

import importlib
import os
import signal
import threading
import time
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from backends.speech.whisper import WhisperWorker

JobT = TypeVar("JobT")
T = TypeVar("T")

LEAK, HOG, BLOCK = signal.SIGRTMIN, signal.SIGRTMIN + 1, signal.SIGRTMIN + 2
LEAK_BYTES = 5 << 20
LEAK_EVERY_S = 0.1
HOGS = 4
HOG_S = 8.0
BLOCK_S = 3.0
WHISPER = "backends.speech.whisper"
CLIPPED = 32_000  # of 32,768
POISON_SAMPLES = 320


def _leak(*_: int | FrameType | None) -> None:
    threading.Thread(target=_grow, daemon=True).start()


def _grow() -> None:
    kept: list[bytes] = []
    began_s = time.monotonic()
    while True:
        while len(kept) * LEAK_EVERY_S < time.monotonic() - began_s:
            kept.append(b"x" * LEAK_BYTES)
        time.sleep(LEAK_EVERY_S)


def _hog(*_: int | FrameType | None) -> None:
    for _number in range(HOGS):
        threading.Thread(target=_spin, daemon=True).start()


def _spin() -> None:
    until_s = time.monotonic() + HOG_S
    while time.monotonic() < until_s:
        pass


def _block(*_: int | FrameType | None) -> None:
    time.sleep(BLOCK_S)


def is_poison(pcm: bytes | memoryview) -> bool:
    """Return whether s16le samples are such that Whisper's worker dies of them."""
    import numpy as np  # noqa: PLC0415 - the server has not loaded it yet

    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    return int((np.abs(samples) >= CLIPPED).sum()) >= POISON_SAMPLES


def _import_module(name: str, package: str | None = None) -> ModuleType:
    module = _as_it_was(name, package)
    if name == WHISPER:
        from backends.speech.whisper import WhisperWorker  # noqa: PLC0415 - it has just been loaded

        WhisperWorker.handle = _dying(WhisperWorker.handle)  # type: ignore[method-assign, assignment]
    return module


def _dying(
    handle: "Callable[[WhisperWorker, JobT, bytes | memoryview], T]",
) -> "Callable[[WhisperWorker, JobT, bytes | memoryview], T]":
    def handle_or_die(worker: "WhisperWorker", job: JobT, blob: bytes | memoryview) -> T:
        if is_poison(blob):
            os.kill(os.getpid(), signal.SIGSEGV)
        return handle(worker, job, blob)

    return handle_or_die


_as_it_was = importlib.import_module
if __name__ == "sitecustomize":  # and not where a benchmark lists the faults
    importlib.import_module = _import_module  # a worker finds its target by it, once
    signal.signal(LEAK, _leak)
    signal.signal(HOG, _hog)
    signal.signal(BLOCK, _block)
