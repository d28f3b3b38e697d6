import os
import signal
from pathlib import Path

import pytest
import trio

from runtime.worker import Worker, WorkerSpec
from runtime.worker_errors import WorkerLost
from runtime.worker_frames import Frame


def make_worker(**params):
    return Worker(
        WorkerSpec(name="echo", target="tests.runtime.worker_targets:Echo", params=params, start_timeout_s=20)
    )


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


async def call(worker, method, data=None):
    return await worker.call(Frame("job", 1, method, data or {}), 10)


async def test_a_worker_is_ready_only_when_its_target_is_made():
    worker = make_worker()
    states = []
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:

            def on_ready(ready):
                states.append(ready.state)
                nursery.start_soon(ready.stop)

            states.append(worker.state)
            nursery.start_soon(worker.run, on_ready)

    assert states == ["starting", "ready"]
    assert worker.pid > 0


async def test_what_went_wrong_at_the_start_is_told_in_its_last_words():
    with trio.fail_after(30):
        ended = await make_worker(fail=True).run(lambda _: None)

    assert not ended.was_ready
    assert ended.reason == "echo ended with exit code 1: RuntimeError: the model is missing: install it"


async def test_a_stopped_worker_closes_its_target_and_says_how_it_ended(tmp_path):
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            ended = await make_worker(flag=str(tmp_path / "closed")).run(lambda ready: nursery.start_soon(ready.stop))

    assert (ended.was_ready, ended.was_stopped) == (True, True)
    assert ended.reason == "ended with exit code 0"
    assert (tmp_path / "closed").exists()


async def test_a_worker_that_hears_neither_the_word_nor_sigterm_is_killed():
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            ended = await make_worker(deaf=True).run(lambda ready: nursery.start_soon(ready.stop))

    assert ended.reason == "was ended by SIGKILL"


async def test_a_job_of_a_worker_that_ends_is_lost_and_its_memory_is_gone():
    worker = make_worker()
    seen = []

    async def use(ready):
        seen.append(ready.rss_bytes())
        with pytest.raises(WorkerLost, match="ended with exit code 4 during exit"):
            await call(ready, "exit", {"code": 4})

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
        os.kill(ready.pid, signal.SIGKILL)

    with trio.fail_after(30):
        await Worker(spec).run(look)

    assert nice == [5]


async def test_a_worker_that_has_ended_takes_no_job():
    worker = make_worker()
    with trio.fail_after(30):
        await worker.run(lambda ready: os.kill(ready.pid, signal.SIGKILL))
        with pytest.raises(WorkerLost, match="has ended before echo"):
            await call(worker, "echo")


async def test_an_end_is_seen_though_another_process_holds_the_channel():
    children = []

    async def use(ready):
        children.append((await call(ready, "fork")).data["pid"])
        os.kill(ready.pid, signal.SIGKILL)

    try:
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                ended = await make_worker().run(lambda ready: nursery.start_soon(use, ready))
    finally:
        os.kill(children[0], signal.SIGKILL)

    assert ended.reason == "was ended by SIGKILL"


async def test_a_worker_that_sends_garbage_is_killed():
    async def use(ready):
        with pytest.raises(WorkerLost, match="was ended by SIGKILL during garbage"):
            await call(ready, "garbage")

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            ended = await make_worker().run(lambda ready: nursery.start_soon(use, ready))

    assert ended.reason.startswith("broke its channel (a frame of ")


async def test_a_worker_that_the_system_cannot_start_says_why(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    before = open_descriptors()

    ended = await make_worker().run(lambda _: None)

    assert not ended.was_ready
    assert ended.reason.startswith("echo could not be started: [Errno 2]")
    assert open_descriptors() == before
