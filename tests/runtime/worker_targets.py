"""Engines for the tests of worker processes: each does one odd thing well."""

import ctypes
import json
import mmap
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from runtime.workers.frames import Frame
from runtime.workers.jobs import Job, decode_reply, encode


class Told(msgspec.Struct, frozen=True):
    """The reply to ``Do``."""

    data: dict[str, Any]


class Do(Job[Told], frozen=True):
    """Do one of the odd things."""

    method: str
    params: dict[str, Any] = msgspec.field(default_factory=dict)


def job_frame(job_id, method, params=None, blob=b"", place=None):
    """Return what a pool sends to a worker of ``Echo``."""
    job = Do(method, params or {})
    return Frame("job", job_id, job.name, encode(job), blob, place)


def data_of(answer):
    """Return what ``Echo`` told in a frame."""
    return decode_reply(Do(""), answer.body).data


class Miscounted(msgspec.Struct, frozen=True):
    count: int


class Miscount(Job[Miscounted], frozen=True):
    """Be replied to by a worker of another version."""


async def do(pool, method, params=None, blob=b"", **options):
    """Let a pool of ``Echo`` do something; return what it told, and its blob."""
    told, answer = await pool.call(Do(method, params or {}), blob, **options)
    return told.data, answer


class Echo:
    """Answers what it is asked, and misbehaves on request."""

    jobs = (Do, Miscount)

    def __init__(self, params):
        if params.get("fail"):
            raise RuntimeError("the model is missing: install it")
        if params.get("hang"):
            time.sleep(600)
        time.sleep(params.get("load_s", 0.0))
        if params.get("fail_flag") and Path(params["fail_flag"]).exists():
            raise RuntimeError("the model has gone")
        if params.get("deaf"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._is_deaf = params.get("deaf")
        self._flag = params.get("flag")
        self._hoard = []
        self._reserved = mmap.mmap(-1, params.get("reserve_bytes", 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def handle(self, job, blob):
        if isinstance(job, Miscount):
            return Told({}), b""
        data, answer = self.do(job.method, job.params, blob)
        return Told(data), answer

    def do(self, method, params, blob):  # noqa: C901, PLR0911, PLR0912 - a list of odd things
        match method:
            case "echo":
                return params, bytes(blob)
            case "size":
                return {"bytes": len(blob), "is_shared": isinstance(blob, memoryview)}, b""
            case "work":  # time of the processor, as a model takes it
                until_s = time.process_time() + params["seconds"]
                while time.process_time() < until_s:
                    pass
                return {}, b""
            case "pid":
                return {"pid": os.getpid()}, b""
            case "refuse":
                raise ValueError("must be even, not 3")
            case "print":
                print("stray output")  # noqa: T201 - which is the point
                os.write(1, b"more of it")
                return {}, b""
            case "sleep":
                if self._flag:
                    Path(self._flag).touch()
                time.sleep(params["seconds"])
                return {"slept": True}, b""
            case "sleep_with_lock":  # PyDLL keeps the interpreter's lock, so that no other thread runs
                Path(self._flag).touch()
                ctypes.PyDLL(None).sleep(params["seconds"])
            case "hold_lock":
                ctypes.PyDLL(None).usleep(int(params["seconds"] * 1e6))
                return {}, b""
            case "grow":  # written to, or it would not be memory
                self._hoard.append(bytearray(b"\x01") * params["bytes"])
                time.sleep(params.get("seconds", 0))
                return {}, b""
            case "limits":
                return {
                    "data_bytes": resource.getrlimit(resource.RLIMIT_DATA)[0],
                    "omp": os.environ.get("OMP_NUM_THREADS"),
                }, b""
            case "unsendable":
                return {"odd": object()}, b""
            case "rave":
                raise ValueError("\udc80" * 10_000)
            case "garbage":
                os.write(json.loads(sys.argv[1])["control"], b"\xff" * 8)
                time.sleep(600)
            case "fork":
                return {"pid": os.fork() or self._stay()}, b""
            case "exit":
                os._exit(params["code"])
            case "crash_once":
                return self._once(lambda: ctypes.string_at(0))
            case "stop_once":
                return self._once(lambda: os.kill(os.getpid(), signal.SIGSTOP))
            case "kill_once":
                return self._once(lambda: os.kill(os.getpid(), signal.SIGKILL))
            case "crash":
                ctypes.string_at(0)
        raise ValueError(f"no such method: {method}")

    def close(self):
        if self._is_deaf:
            time.sleep(600)
        if self._flag:
            Path(self._flag).touch()

    def _stay(self):
        """Be a process that holds on to everything that it inherited."""
        while True:
            time.sleep(600)

    def _once(self, misbehave):
        """Misbehave the first time, by a file that outlives the process."""
        if not Path(self._flag).exists():
            Path(self._flag).touch()
            misbehave()
        return {"survived": True}, b""


class Starving:
    """Gets no memory, and says so as Python or as native code does."""

    jobs = (Do,)

    def __init__(self, params):
        self._error = (
            RuntimeError("Status Message: std::bad_alloc") if params.get("natively") else MemoryError("no 9 MB")
        )

    def handle(self, job, blob):
        raise self._error
