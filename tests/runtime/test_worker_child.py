import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.worker_child import MAX_REASON_CHARS, answer, load_target
from runtime.worker_frames import Frame, FrameReader
from tests.runtime.worker_targets import Echo

PARENT = """
import sys
import trio
from runtime.pool import Pool, WorkerSpec

async def main():
    spec = WorkerSpec(name="echo", target="tests.runtime.worker_targets:Echo", params={"flag": sys.argv[2]})
    pool = Pool(spec, 1)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        print(pool.statistics()["workers"][0]["pid"], flush=True)
        await pool.call(sys.argv[1], {"seconds": 600}, b"", timeout_s=600)

trio.run(main)
"""


def is_alive(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc; run on Linux")
@pytest.mark.parametrize("method", ["sleep", "sleep_with_lock"])
def test_no_worker_outlives_its_parent_by_more_than_two_seconds(method, tmp_path):
    root = Path(__file__).resolve().parents[2]
    flag = tmp_path / "in_job"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, method, str(flag)],
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    with parent:
        pid = int(parent.stdout.readline())
        deadline = time.monotonic() + 10.0
        while not flag.exists() and time.monotonic() < deadline:
            os.sched_yield()
        assert flag.exists()
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()

    deadline = time.monotonic() + 2.0
    while is_alive(pid) and time.monotonic() < deadline:
        os.sched_yield()
    assert not is_alive(pid)


def told_by(method, data=None, blob=b""):
    (frame,) = FrameReader().feed(answer(Echo({}), Frame("job", 7, method, data or {}, blob)))
    return frame


def test_a_target_is_found_by_module_and_class():
    assert isinstance(load_target("tests.runtime.worker_targets:Echo", {}), Echo)


def test_what_a_target_raises_becomes_an_answer():
    assert told_by("refuse") == Frame("failed", 7, data={"reason": "ValueError: must be even, not 3"})


def test_a_result_carries_the_number_of_its_job():
    assert told_by("echo", {"a": 1}, b"x") == Frame("done", 7, data={"a": 1}, blob=b"x")


def test_a_result_that_cannot_be_sent_becomes_an_answer():
    assert told_by("unsendable").data["reason"].startswith("TypeError: ")


def test_an_endless_reason_is_cut_and_one_that_is_no_text_is_sent_all_the_same():
    reason = told_by("rave").data["reason"]

    assert len(reason) == MAX_REASON_CHARS
    assert reason.startswith("ValueError: ?")
