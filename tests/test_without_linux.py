"""``--without-linux`` takes away what it says, and leaves psutil what it needs."""

import subprocess
import sys

from tests.conftest import WITHOUT_LINUX

PROGRAM = """
import ctypes, os, pathlib, socket
import trio, psutil
from runtime.workers.payload import make_shared_blobs
from runtime.workers.process import _open_pidfd

assert make_shared_blobs(1) is None
assert _open_pidfd(os.getpid()) is None
assert not hasattr(socket, "TCP_USER_TIMEOUT")
assert not hasattr(ctypes.CDLL(None), "prctl")
assert hasattr(ctypes.CDLL(None), "getpid")
assert not pathlib.Path("/proc/self/status").exists()
assert not pathlib.Path("/sys/fs/cgroup").exists()
assert pathlib.Path("/dev/fd").exists()
try:
    os.listdir("/proc/self/fd")
except FileNotFoundError:
    print(psutil.Process().memory_info().rss > 0)
"""


def test_a_process_that_is_started_without_linux_has_nothing_of_it():
    environ = {"PYTHONPATH": f"{WITHOUT_LINUX}:."}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("True\n", "")
