import os

import pytest
import trio

from runtime.worker import Worker, WorkerSpec
from runtime.worker_errors import WorkerLost
from runtime.worker_frames import Frame


def make_worker(**params):
    return Worker(
        WorkerSpec(name="echo", target="tests.runtime.worker_targets:Echo", params=params, start_timeout_s=20)
    )


async def test_a_worker_is_ready_only_when_its_target_is_made():
    worker = make_worker()
    states = []
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:

            def on_ready(ready):
                states.append(ready.state)
                ready.stop()

            states.append(worker.state)
            nursery.start_soon(worker.run, on_ready)

    assert states == ["starting", "ready"]
    assert worker.pid > 0


async def test_what_went_wrong_at_the_start_is_told_in_its_last_words():
    with trio.fail_after(30):
        ended = await make_worker(fail=True).run(lambda _: None)

    assert not ended.was_ready
    assert ended.reason == "echo ended with exit code 1: RuntimeError: the model is missing: install it"


async def test_a_stopped_worker_ends_and_says_how():
    with trio.fail_after(30):
        ended = await make_worker().run(lambda worker: worker.stop())

    assert ended.was_ready
    assert ended.reason == "was ended by SIGTERM"


async def test_a_job_of_a_worker_that_ends_is_lost_and_its_memory_is_gone():
    worker = make_worker()
    seen = []

    async def use(ready):
        seen.append(ready.rss_bytes())
        with pytest.raises(WorkerLost, match="ended during exit"):
            await ready.call(Frame("job", 1, "exit", {"code": 4}), 10)

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            ended = await worker.run(lambda ready: nursery.start_soon(use, ready))

    assert ended.reason == "ended with exit code 4"
    assert seen[0] > 1_000_000
    assert worker.rss_bytes() == 0


async def test_a_nicer_worker_lets_others_go_first():
    spec = WorkerSpec(name="echo", target="tests.runtime.worker_targets:Echo", params={}, nice=5)
    nice = []

    def look(ready):
        nice.append(os.getpriority(os.PRIO_PROCESS, ready.pid) - os.getpriority(os.PRIO_PROCESS, 0))
        ready.stop()

    with trio.fail_after(30):
        await Worker(spec).run(look)

    assert nice == [5]


async def test_a_worker_that_has_ended_takes_no_job():
    worker = make_worker()
    with trio.fail_after(30):
        await worker.run(lambda ready: ready.stop())
        with pytest.raises(WorkerLost, match="has ended before echo"):
            await worker.call(Frame("job", 1, "echo"), 10)
