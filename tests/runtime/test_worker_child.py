import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.worker_child import answer, load_target
from runtime.worker_frames import Frame
from tests.runtime.worker_targets import Echo

PARENT = """
import trio
from runtime.pool import Pool, WorkerSpec

async def main():
    pool = Pool(WorkerSpec(name="echo", target="tests.runtime.worker_targets:Echo", params={}), 1)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        print(pool.statistics()["workers"][0]["pid"], flush=True)
        await pool.call("sleep", {"seconds": 600}, b"", timeout_s=600)

trio.run(main)
"""


def is_alive(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc; run on Linux")
def test_no_worker_outlives_its_parent_by_more_than_two_seconds():
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    with parent:
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()

    deadline = time.monotonic() + 2.0
    while is_alive(pid) and time.monotonic() < deadline:
        os.sched_yield()
    assert not is_alive(pid)


def test_a_target_is_found_by_module_and_class():
    assert isinstance(load_target("tests.runtime.worker_targets:Echo", {}), Echo)


def test_what_a_target_raises_becomes_an_answer():
    told = answer(Echo({}), Frame("job", 7, "refuse"))

    assert told == Frame("failed", 7, data={"reason": "ValueError: must be even, not 3"})


def test_a_result_carries_the_number_of_its_job():
    assert answer(Echo({}), Frame("job", 8, "echo", {"a": 1}, b"x")) == Frame("done", 8, data={"a": 1}, blob=b"x")
