"""Engines for the tests of worker processes: each does one odd thing well."""

import ctypes
import os
import signal
import time
from pathlib import Path


class Echo:
    """Answers what it is asked, and misbehaves on request."""

    def __init__(self, params):
        if params.get("fail"):
            raise RuntimeError("the model is missing: install it")
        if params.get("hang"):
            time.sleep(600)
        self._flag = params.get("flag")

    def handle(self, method, params, blob):  # noqa: C901, PLR0911 - a list of odd things
        match method:
            case "echo":
                return params, blob
            case "pid":
                return {"pid": os.getpid()}, b""
            case "refuse":
                raise ValueError("must be even, not 3")
            case "print":
                print("stray output")  # noqa: T201 - which is the point
                os.write(1, b"more of it")
                return {}, b""
            case "sleep":
                time.sleep(params["seconds"])
                return {"slept": True}, b""
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

    def _once(self, misbehave):
        """Misbehave the first time, by a file that outlives the process."""
        if not Path(self._flag).exists():
            Path(self._flag).touch()
            misbehave()
        return {"survived": True}, b""
