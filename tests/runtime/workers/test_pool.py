import logging
import os
import signal
from contextlib import asynccontextmanager

import pytest
import trio

from runtime.policies.restart import Backoff
from runtime.workers.payload import SHARED_FROM_BYTES
from runtime.workers.pool import (
    JobFailed,
    JobTimeout,
    Pool,
    PoolUnavailable,
    StartFailure,
    WorkerLimits,
    WorkerLost,
    WorkerSpec,
)
from tests.runtime.process_fixtures import until
from tests.runtime.worker_targets import do
from tests.systems import is_there, on_linux, open_descriptors

TARGET = "tests.runtime.worker_targets:Echo"


def make_pool(size=1, *, start_timeout_s=20.0, params=None, **options):
    spec = WorkerSpec(name="echo", target=TARGET, params=params or {}, start_timeout_s=start_timeout_s)
    return Pool(spec, size, backoff=Backoff(base_s=0.05, cap_s=0.2), **options)


@asynccontextmanager
async def running(pool):
    with trio.fail_after(40):
        async with trio.open_nursery() as nursery:
            await nursery.start(pool.run)
            yield pool
            nursery.cancel_scope.cancel()


def restarts(pool):
    return [worker.restarts for worker in pool.statistics().workers]


def pids(pool):
    return [worker.pid for worker in pool.statistics().workers]


async def test_a_job_comes_back_with_its_blob():
    async with running(make_pool()) as pool:
        assert await do(pool, "echo", {"n": 1}, b"abc", timeout_s=5) == ({"n": 1}, b"abc")


async def test_a_large_blob_comes_back_whole():
    blob = os.urandom(3_000_000)
    async with running(make_pool()) as pool:
        assert (await do(pool, "echo", {}, blob, timeout_s=5))[1] == blob


async def test_fifty_concurrent_calls_each_get_their_own_answer():
    got = {}

    async def call(pool, number):
        data, _ = await do(pool, "echo", {"n": number}, b"", timeout_s=5)
        got[number] = data["n"]

    async with running(make_pool(2)) as pool, trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(call, pool, number)

    assert got == {number: number for number in range(50)}


async def test_an_error_of_the_target_is_told_and_the_worker_lives_on():
    async with running(make_pool()) as pool:
        before = pids(pool)
        with pytest.raises(JobFailed, match=r"^ValueError: must be even, not 3$"):
            await do(pool, "refuse", {}, b"", timeout_s=5)

        assert pids(pool) == before


async def test_stray_prints_do_not_disturb_the_channel():
    async with running(make_pool()) as pool:
        assert await do(pool, "print", {}, b"", timeout_s=5) == ({}, b"")


@pytest.mark.parametrize("method", ["kill_once", "crash_once", "stop_once"])
async def test_a_job_whose_worker_dies_or_stops_is_done_once_by_the_next(method, tmp_path):
    async with running(make_pool(params={"flag": str(tmp_path / "flag")})) as pool:
        data, _ = await do(pool, method, {}, b"", timeout_s=1.5)

        assert data == {"survived": True}
        assert pool.statistics().workers[0].restarts == 1


async def test_a_crash_in_native_code_leaves_its_stack_in_the_log(caplog):
    async with running(make_pool()) as pool:
        with caplog.at_level(logging.WARNING), pytest.raises(WorkerLost):
            await do(pool, "crash", {}, b"", timeout_s=5, attempts=1)
        with trio.fail_after(10):
            while pool.statistics().workers[0].last_exit is None:
                await trio.lowlevel.checkpoint()

        assert pool.statistics().workers[0].last_exit == "was ended by SIGSEGV"
    assert "Segmentation fault" in caplog.text
    assert "worker_targets.py" in caplog.text


async def test_a_job_that_kills_every_worker_is_given_up():
    async with running(make_pool()) as pool:
        with pytest.raises(WorkerLost, match="ended with exit code 3 during Do"):
            await do(pool, "exit", {"code": 3}, b"", timeout_s=5)

        assert await do(pool, "echo", {}, b"still here", timeout_s=10) == ({}, b"still here")


async def test_a_job_over_its_deadline_costs_the_worker_its_life():
    async with running(make_pool()) as pool:
        with pytest.raises(JobTimeout, match=r"longer than 0\.3 s"):
            await do(pool, "sleep", {"seconds": 60}, b"", timeout_s=0.3, attempts=1)

        assert await do(pool, "echo", {"n": 2}, b"", timeout_s=10) == ({"n": 2}, b"")


async def test_the_answer_to_a_caller_that_has_gone_is_dropped():
    async with running(make_pool()) as pool:
        with trio.move_on_after(0.1):
            await do(pool, "sleep", {"seconds": 0.5}, b"", timeout_s=5)

        assert await do(pool, "echo", {"mine": 1}, b"", timeout_s=5) == ({"mine": 1}, b"")


async def test_jobs_beyond_the_bound_are_refused_at_once():
    async with running(make_pool(max_waiting=1)) as pool, trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(lambda: do(pool, "sleep", {"seconds": 0.3}, b"", timeout_s=5))
            await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(PoolUnavailable, match="1 jobs wait"):
            await do(pool, "echo", {}, b"", timeout_s=5)


async def test_a_pool_that_cannot_start_says_why():
    reason = pytest.RaisesExc(StartFailure, match="the model is missing: install it")
    with pytest.RaisesGroup(reason, flatten_subgroups=True):
        async with running(make_pool(params={"fail": True})):
            pass


async def test_a_target_that_hangs_while_loading_is_killed():
    with pytest.RaisesGroup(pytest.RaisesExc(StartFailure, match="not ready within 1 s"), flatten_subgroups=True):
        async with running(make_pool(params={"hang": True}, start_timeout_s=1)):
            pass


async def pid_changes(pool, before):
    """Wait until another worker takes the jobs, and let none of them fail meanwhile."""
    with trio.fail_after(20):
        while (pid := (await do(pool, "pid", {}, b"", timeout_s=10))[0]["pid"]) == before:
            await trio.lowlevel.checkpoint()
    return pid


async def test_a_worker_is_replaced_after_its_share_of_jobs():
    async with running(make_pool(limits=WorkerLimits(max_jobs=2))) as pool:
        first = await pid_changes(pool, None)
        second = await pid_changes(pool, first)
        third = await pid_changes(pool, second)

        assert len({first, second, third}) == 3
        assert pool.statistics().crashes == 0


async def test_a_worker_that_ignores_sigterm_is_replaced_all_the_same():
    async with running(make_pool(params={"deaf": True}, limits=WorkerLimits(max_jobs=1))) as pool:
        first = await pid_changes(pool, None)
        await pid_changes(pool, first)
        with trio.fail_after(10):
            await until(lambda: not is_there(first))


async def test_replacements_wait_until_they_are_allowed():
    async with running(make_pool(spares=1, limits=WorkerLimits(max_jobs=1))) as pool:
        pool.set_may_recycle(lambda: False)
        first = (await do(pool, "pid", {}, b"", timeout_s=10))[0]["pid"]
        for _ in range(20):
            assert (await do(pool, "pid", {}, b"", timeout_s=10))[0]["pid"] == first

        pool.set_may_recycle(lambda: True)
        await pid_changes(pool, first)


async def all_ready(pool, count):
    with trio.fail_after(20):
        await until(lambda: pool.ready >= count)


async def test_a_spare_does_the_next_try_of_a_job_whose_worker_died(tmp_path):
    params = {"flag": str(tmp_path / "flag"), "load_s": 3.0}
    async with running(make_pool(spares=1, params=params)) as pool:
        await all_ready(pool, 2)
        data, _ = await do(pool, "kill_once", {}, b"", timeout_s=20)

        assert pool.ready == 1, "the spare did it, and the next worker is still loading"
        assert data == {"survived": True}
        assert pool.statistics().crashes == 1
        assert pool.statistics().spares == 0


async def test_a_job_behind_a_stuck_one_is_done_by_the_spare_and_that_was_its_first_attempt():
    async with running(make_pool(spares=1)) as pool, trio.open_nursery() as nursery:
        await all_ready(pool, 2)

        async def get_stuck():
            with pytest.raises(JobTimeout):
                await do(pool, "sleep", {"seconds": 60}, b"", timeout_s=0.3, attempts=1)

        nursery.start_soon(get_stuck)
        await trio.testing.wait_all_tasks_blocked()

        assert await do(pool, "echo", {"n": 1}, b"", timeout_s=0.5, attempts=1) == ({"n": 1}, b"")


async def call(pool, method, params):
    await do(pool, method, params, b"", timeout_s=60)


async def test_a_worker_that_has_nothing_to_do_takes_back_what_another_has_not_begun():
    async with running(make_pool(2)) as pool, trio.open_nursery() as nursery:
        await all_ready(pool, 2)
        for seconds in (600, 0.2):
            nursery.start_soon(call, pool, "sleep", {"seconds": seconds})
            await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(30):  # both have one behind it; those behind the long one need not wait for it
            async with trio.open_nursery() as behind:
                for number in range(2):
                    behind.start_soon(call, pool, "echo", {"n": number})
        nursery.cancel_scope.cancel()


async def test_a_job_whose_caller_has_gone_is_not_begun(tmp_path):
    async with running(make_pool(params={"flag": str(tmp_path / "flag")})) as pool, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: do(pool, "work", {"seconds": 0.4}, b"", timeout_s=30))
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0.1):
            await do(pool, "sleep", {"seconds": 0.1}, b"", timeout_s=5)
        await do(pool, "echo", {}, b"", timeout_s=30)

        assert not (tmp_path / "flag").exists()
        assert pool.statistics().workers[0].jobs == 2


@on_linux
async def test_a_job_of_a_worker_that_died_may_have_had_a_shared_blob():
    blob = os.urandom(SHARED_FROM_BYTES)
    async with running(make_pool(spares=1)) as pool:
        assert (await do(pool, "size", {}, blob, timeout_s=5))[0] == {"bytes": len(blob), "is_shared": True}
        with pytest.raises(WorkerLost):
            await do(pool, "exit", {"code": 3}, blob, timeout_s=5)
        for _ in range(5):
            assert (await do(pool, "echo", {}, blob, timeout_s=10))[1] == blob


async def test_jobs_end_with_the_reason_when_no_worker_can_start_any_more(tmp_path):
    flag = tmp_path / "gone"
    async with running(make_pool(params={"fail_flag": str(flag)})) as pool:
        flag.touch()
        with pytest.raises(PoolUnavailable, match="the model has gone"):
            await do(pool, "exit", {"code": 3}, b"", timeout_s=5)
        with pytest.raises(PoolUnavailable, match="the model has gone"):
            await do(pool, "echo", {}, b"", timeout_s=5)

        flag.unlink()
        with trio.fail_after(10):
            while not pool.ready:
                await trio.lowlevel.checkpoint()
        assert await do(pool, "echo", {}, b"back", timeout_s=5) == ({}, b"back")


async def test_after_three_failed_starts_only_one_worker_tries(tmp_path):
    flag = tmp_path / "gone"
    async with running(make_pool(2, params={"fail_flag": str(flag)})) as pool:
        with trio.fail_after(10):
            while pool.ready < 2:
                await trio.lowlevel.checkpoint()
        flag.touch()
        for pid in pids(pool):
            os.kill(pid, signal.SIGKILL)
        with trio.fail_after(20):
            while sum(restarts(pool)) < 10:
                await trio.lowlevel.checkpoint()
        assert min(restarts(pool)) <= 4

        flag.unlink()
        with trio.fail_after(10):
            while pool.ready < 2:
                await trio.lowlevel.checkpoint()


async def test_callers_hear_of_a_pool_that_stops():
    pool = make_pool()
    told = []

    async def call(method, data):
        with pytest.raises(PoolUnavailable, match="have been stopped") as refused:
            await do(pool, method, data, b"", timeout_s=60)
        told.append(refused.value.retry_after_s)

    with trio.fail_after(20):
        async with trio.open_nursery() as callers, running(pool):
            callers.start_soon(call, "sleep", {"seconds": 600})
            await trio.testing.wait_all_tasks_blocked()  # so that the other waits behind it
            callers.start_soon(call, "echo", {})
            await trio.testing.wait_all_tasks_blocked()
        await call("echo", {})

    assert len(told) == 3


async def test_a_pool_that_was_stopped_runs_again():
    pool = make_pool()
    for number in range(2):
        async with running(pool):
            assert await do(pool, "echo", {"n": number}, b"", timeout_s=10) == ({"n": number}, b"")


@pytest.mark.parametrize("params", [{"odd": object()}, {"text": "\udc80"}])
async def test_a_job_that_cannot_be_sent_is_the_askers_error(params):
    async with running(make_pool()) as pool:
        with pytest.raises((TypeError, ValueError)):
            await do(pool, "echo", params, b"", timeout_s=5)

        assert await do(pool, "echo", {}, b"", timeout_s=5) == ({}, b"")
        assert pool.statistics().waiting == 0


async def test_leaving_a_pool_leaves_no_process_and_no_descriptor_behind():
    before = open_descriptors()
    async with running(make_pool(2)) as pool:
        await do(pool, "echo", {}, b"", timeout_s=5)
        left = pids(pool)

    assert open_descriptors() == before
    for pid in left:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_busy_worker_is_stopped_in_bounded_time():
    pool = make_pool()
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        nursery.start_soon(lambda: do(pool, "sleep", {"seconds": 600}, b"", timeout_s=600))
        await trio.testing.wait_all_tasks_blocked()
        pid = pids(pool)[0]
        started_s = trio.current_time()
        nursery.cancel_scope.cancel()

    assert trio.current_time() - started_s < 6
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def test_a_pool_without_workers_is_refused():
    with pytest.raises(ValueError, match=r"^size must be >= 1, not 0$"):
        make_pool(0)
    with pytest.raises(ValueError, match=r"^spares must be >= 0, not -1$"):
        make_pool(1, spares=-1)
