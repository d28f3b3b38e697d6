"""Faults of worker processes, with real ones: what a pool promises whatever happens to them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from runtime.policies.restart import Backoff
from runtime.workers.pool import Pool, WorkerLimits, WorkerLost, WorkerSpec
from runtime.workers.process import read_memory
from tests.runtime.process_fixtures import until
from tests.runtime.worker_targets import do

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
TARGET = "tests.runtime.worker_targets:Echo"
MB = 1_000_000


@asynccontextmanager
async def running(size, *, spares=0, params=None, limits=None, **spec):
    """A pool of which all workers are loaded."""
    made_of = WorkerSpec(name="echo", target=TARGET, params=params or {}, **spec)
    pool = Pool(made_of, size, spares=spares, limits=limits, backoff=Backoff(base_s=0.05, cap_s=0.2))
    with trio.fail_after(200):
        async with trio.open_nursery() as nursery:
            await nursery.start(pool.run)
            await until(lambda: pool.ready == size + spares)
            yield pool
            nursery.cancel_scope.cancel()


def working(pool):
    return [worker.pid for worker in pool.statistics().workers if worker.state == "busy"]


def is_alive(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def shared_memory():
    """Return how many memfds of workers this process has open."""
    links = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return sum("memfd:sayso-worker" in link for link in links)


# --- death ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
async def test_a_job_survives_the_death_of_its_worker_without_waiting_for_a_model(number):
    ready = []

    async def call():
        await do(pool, "sleep", {"seconds": 0.3}, bytes(64_000), timeout_s=60)
        ready.append(pool.ready)

    async with running(1, spares=1, params={"load_s": 5.0}) as pool, trio.open_nursery() as nursery:
        nursery.start_soon(call)
        await until(lambda: working(pool))
        os.kill(working(pool)[0], number)

        await until(lambda: ready)
        ends = [worker.last_exit for worker in pool.statistics().workers]

    assert ready == [1], "the spare did the job, and the next worker is still loading"
    assert f"was ended by {number.name}" in ends


async def test_a_stopped_worker_is_killed_at_the_deadline_and_the_others_do_not_notice():
    answered = []

    async def others(pool):
        for number in range(20):
            await do(pool, "echo", {}, b"", timeout_s=60)
            answered.append(number)
            await trio.sleep(0.05)

    async with running(2, spares=1) as pool, trio.open_nursery() as nursery:
        nursery.start_soon(others, pool)
        async with trio.open_nursery() as stuck:
            stuck.start_soon(lambda: do(pool, "sleep", {"seconds": 0.5}, b"", timeout_s=1.0))
            await until(lambda: working(pool))
            await trio.sleep(0.1)
            os.kill(working(pool)[0], signal.SIGSTOP)

    assert len(answered) == 20


@pytest.mark.parametrize("size", [1, 2])
async def test_no_job_is_lost_whenever_an_idle_worker_dies(size):
    async with running(size) as pool:
        for pause in range(0, 60, 3):
            await until(lambda: pool.idle == size)
            os.kill(pool.statistics().workers[0].pid, signal.SIGKILL)
            for _ in range(pause):
                await trio.sleep(0.0005)

            assert await do(pool, "echo", {"pause": pause}, b"", timeout_s=60) == ({"pause": pause}, b"")


async def test_a_worker_that_holds_the_lock_in_a_job_need_not_answer_pings(monkeypatch):
    monkeypatch.setattr("runtime.workers.worker.PING_S", 0.02)
    async with running(1) as pool:
        await do(pool, "hold_lock", {"seconds": 0.5}, b"", timeout_s=60)
        await trio.sleep(0.3)  # idle again, and answering

        assert pool.idle == 1
        assert pool.statistics().crashes == 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc; run on Linux")
@pytest.mark.parametrize("method", ["sleep", "sleep_with_lock"])
def test_no_worker_outlives_its_server(method, tmp_path):
    flag = tmp_path / "in_job"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, method, str(flag)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        until_s = time.monotonic() + 60.0
        while not flag.exists() and time.monotonic() < until_s:
            os.sched_yield()
        assert flag.exists()
        assert all(is_alive(pid) for pid in pids)
        assert len(pids) == 2
        parent.send_signal(signal.SIGKILL)
        parent.wait()

    until_s = time.monotonic() + 20.0
    while any(is_alive(pid) for pid in pids) and time.monotonic() < until_s:
        os.sched_yield()
    assert [pid for pid in pids if is_alive(pid)] == []


PARENT = """
import sys
import trio
from runtime.workers.pool import Pool, WorkerSpec
from tests.runtime.worker_targets import do

async def main():
    spec = WorkerSpec(name="echo", target="tests.runtime.worker_targets:Echo", params={"flag": sys.argv[2]})
    pool = Pool(spec, 1, spares=1)
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        while pool.ready < 2:
            await trio.sleep(0.01)
        print(*[worker.pid for worker in pool.statistics().workers], flush=True)
        await do(pool, sys.argv[1], {"seconds": 600}, bytes(1_000_000), timeout_s=600)

trio.run(main)
"""


async def test_the_wait_of_jobs_is_in_the_statistics():
    async with running(1) as pool, trio.open_nursery() as nursery:
        assert pool.statistics().queue_min_delay_s == 0.0
        for _ in range(3):
            nursery.start_soon(lambda: do(pool, "sleep", {"seconds": 600}, b"", timeout_s=600))
        await trio.sleep(2.2)  # until it is forgotten that two were taken at once

        assert pool.statistics().queue_min_delay_s > 2.0
        nursery.cancel_scope.cancel()


# --- memory --------------------------------------------------------------------------------------


async def test_a_worker_that_leaks_goes_before_the_machine_has_no_memory_and_no_job_is_lost():
    most_bytes = 0
    async with running(1, spares=1, limits=WorkerLimits(memory_bytes=200 * MB)) as pool:
        for _ in range(80):  # 50 MB/s, for longer than one worker has room
            await do(pool, "grow", {"bytes": 5 * MB}, b"", timeout_s=60)
            pids = [worker.pid for worker in pool.statistics().workers if worker.pid is not None]
            most_bytes = max([most_bytes, *[read_memory(pid).pss_bytes for pid in pids]])
            await trio.sleep(0.1)

        assert sum(worker.restarts for worker in pool.statistics().workers) >= 1
    assert most_bytes < 1.5 * 200 * MB


async def test_a_worker_above_its_cap_is_killed_in_the_middle_of_its_job():
    async with running(1, limits=WorkerLimits(memory_bytes=200 * MB)) as pool:
        with pytest.raises(WorkerLost, match=r"used 2\d\d MB, more than the 200 MB of its cap during Do"):
            await do(pool, "grow", {"bytes": 240 * MB, "seconds": 60}, b"", timeout_s=60, attempts=1)


async def test_a_leak_that_is_faster_than_our_look_meets_the_kernels_limit():
    async with running(1, limits=WorkerLimits(memory_bytes=200 * MB)) as pool:
        with pytest.raises(WorkerLost, match="exit code 71"):
            await do(pool, "grow", {"bytes": 600 * MB}, b"", timeout_s=20, attempts=1)

        assert (await do(pool, "limits", {}, b"", timeout_s=60))[0]["data_bytes"] < 400 * MB


async def test_what_a_worker_reserves_and_does_not_use_counts_for_nothing():
    params = {"reserve_bytes": 400 * MB}
    async with running(1, params=params, limits=WorkerLimits(memory_bytes=200 * MB)) as pool:
        await do(pool, "grow", {"bytes": 50 * MB}, b"", timeout_s=20)
        with pytest.raises(WorkerLost, match="exit code 71"):
            await do(pool, "grow", {"bytes": 600 * MB}, b"", timeout_s=20, attempts=1)


async def test_native_libraries_are_told_how_many_threads_they_have():
    async with running(1, threads=2) as pool:
        assert (await do(pool, "limits", {}, b"", timeout_s=60))[0]["omp"] == "2"


# --- recycling -----------------------------------------------------------------------------------


@pytest.mark.parametrize("spares", [0, 1])
async def test_replacing_workers_under_load_costs_no_job_and_never_a_place(spares):
    answers, ready, pids = [], [], set()

    async def call():
        for _ in range(40):
            data, _ = await do(pool, "work", {"seconds": 0.01}, b"", timeout_s=60, attempts=1)
            answers.append(data)
            ready.append(pool.ready)
            pids.update(worker.pid for worker in pool.statistics().workers if worker.pid is not None)
            await trio.sleep(0.05)

    limits = WorkerLimits(max_jobs=20, max_jobs_jitter=5)
    async with running(2, spares=spares, limits=limits) as pool:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(call)
        shown = pool.statistics()

    assert len(answers) == 120
    assert min(ready) >= 2
    assert shown.crashes == 0
    assert len(pids) > 3
    assert len(shown.workers) <= 3


# --- what is left --------------------------------------------------------------------------------


async def test_nothing_is_left_after_many_deaths():
    before = descriptors()
    async with running(2, spares=1) as pool:
        for _ in range(5):
            await do(pool, "echo", {}, bytes(1_000_000), timeout_s=60)
            pids = [worker.pid for worker in pool.statistics().workers if worker.role == "active"]
            os.kill(pids[0], signal.SIGKILL)
            await until(lambda: pool.ready == 3)
        assert shared_memory() >= 3

    assert shared_memory() == 0
    assert descriptors() == before
