import errno
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from runtime.messaging.pace import Pace
from runtime.workers import worker as worker_module
from runtime.workers.errors import JobTimeout, NotBegun, WorkerLost
from runtime.workers.limits import BASELINE_JOBS, ProcessMemory
from runtime.workers.process import WorkerSpec, read_memory
from runtime.workers.worker import Worker
from tests.runtime.process_fixtures import until
from tests.runtime.worker_targets import data_of, job_frame
from tests.systems import on_linux, open_descriptors

NICEST = 19


def make_worker(*, pace=None, **params):
    return Worker(
        WorkerSpec(name="echo", target="tests.runtime.worker_targets:Echo", params=params, start_timeout_s=20),
        pace=pace,
    )


def oom_score(pid):
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


async def call(worker, method, data=None, *, job_id=1, timeout_s=10):
    return data_of(await worker.do(worker.accept(job_frame(job_id, method, data), timeout_s)))


@asynccontextmanager
async def serving(**params):
    """A worker that is ready; how it ended is in ``ends``."""
    worker, is_ready, ends = make_worker(**params), trio.Event(), []

    async def live():
        ends.append(await worker.run(lambda _: is_ready.set()))

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(live)
            await is_ready.wait()
            yield worker, ends
            nursery.cancel_scope.cancel()


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
        seen.append(read_memory(ready.pid))
        with pytest.raises(WorkerLost, match="ended with exit code 4 during Do"):
            await call(ready, "exit", {"code": 4})

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            ended = await worker.run(lambda ready: nursery.start_soon(use, ready))

    assert ended.reason == "ended with exit code 4"
    assert 1_000_000 < seen[0].pss_bytes <= seen[0].rss_bytes
    assert read_memory(worker.pid) == ProcessMemory()


async def test_a_worker_that_gets_no_memory_ends_and_its_job_is_lost():
    worker = Worker(WorkerSpec(name="echo", target="tests.runtime.worker_targets:Starving", params={}))

    async def use(ready):
        with pytest.raises(WorkerLost, match="ended with exit code 71 during Do"):
            await call(ready, "echo", {})

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            ended = await worker.run(lambda ready: nursery.start_soon(use, ready))

    assert ended.was_crash, "another takes its place"


async def test_a_nicer_worker_lets_others_go_first():
    spec = WorkerSpec(name="echo", target="tests.runtime.worker_targets:Echo", params={}, nice=5)
    own, nice = os.getpriority(os.PRIO_PROCESS, 0), []

    def look(ready):
        nice.append(os.getpriority(os.PRIO_PROCESS, ready.pid))
        os.kill(ready.pid, signal.SIGKILL)

    with trio.fail_after(30):
        await Worker(spec).run(look)

    assert nice == [min(own + 5, NICEST)]


async def test_a_worker_that_has_ended_takes_no_job():
    worker = make_worker()
    with trio.fail_after(30):
        await worker.run(lambda ready: os.kill(ready.pid, signal.SIGKILL))
        with pytest.raises(WorkerLost, match="has ended before Do"):
            await call(worker, "echo")


async def test_an_end_is_seen_though_another_process_holds_the_channel():
    children = []

    async def use(ready):
        children.append((await call(ready, "fork"))["pid"])
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
        with pytest.raises(WorkerLost, match=r"broke its channel \(a frame of .* during Do"):
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


async def test_the_refusal_of_the_system_is_told_apart_from_a_target_that_fails(monkeypatch):
    def refuse(*_):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr("runtime.workers.process._start", refuse)
    before = open_descriptors()

    ended = await make_worker().run(lambda _: None)

    assert ended.was_refused
    assert "Resource temporarily unavailable" in ended.reason
    assert open_descriptors() == before


async def test_the_second_job_is_begun_when_the_first_is_answered_and_has_its_whole_time():
    async with serving() as (worker, _), trio.open_nursery() as nursery:
        nursery.start_soon(lambda: call(worker, "sleep", {"seconds": 0.4}, job_id=1, timeout_s=5))
        await trio.testing.wait_all_tasks_blocked()

        answer = await call(worker, "sleep", {"seconds": 0.4}, job_id=2, timeout_s=0.6)

    assert answer == {"slept": True}
    assert worker.assignments.jobs_done == 2
    assert 0.8 <= worker.assignments.busy_s < 1.6


async def test_a_job_over_its_deadline_leaves_its_stack_and_gives_the_other_back_at_once(caplog):
    told = []

    async def wait_behind(worker):
        with pytest.raises(NotBegun, match="has ended before Do"):
            await call(worker, "echo", job_id=2)
        told.append(trio.current_time())

    async with serving() as (worker, ends), trio.open_nursery() as nursery:
        assignment = worker.accept(job_frame(1, "sleep", {"seconds": 600}), 0.3)
        nursery.start_soon(wait_behind, worker)
        with pytest.raises(JobTimeout, match=r"^echo\.Do took longer than 0\.3 s$"):
            await worker.do(assignment)
        killed_s = trio.current_time()
        await until(lambda: ends)

    assert killed_s - told[0] > 0.4  # it did not wait for the stacks
    assert ends[0].reason == "was killed: echo.Do took longer than 0.3 s"
    assert ends[0].was_crash
    assert "worker_targets.py" in caplog.text
    assert "in handle" in caplog.text


async def test_a_job_that_has_not_begun_can_be_taken_back():
    async with serving() as (worker, _), trio.open_nursery() as nursery:
        nursery.start_soon(lambda: call(worker, "sleep", {"seconds": 600}))
        await trio.testing.wait_all_tasks_blocked()
        assignment = worker.accept(job_frame(2, "echo"), 60)
        nursery.start_soon(worker.revoke, assignment)
        with trio.fail_after(30), pytest.raises(NotBegun, match="has given back Do"):
            await worker.do(assignment)
        nursery.cancel_scope.cancel()


async def test_a_job_that_has_begun_is_done_though_it_is_asked_for():
    async with serving() as (worker, _):
        assignment = worker.accept(job_frame(1, "echo", {"n": 1}), 5)
        await worker.revoke(assignment)

        assert data_of(await worker.do(assignment)) == {"n": 1}


async def test_an_idle_worker_that_does_not_answer_pings_is_killed(monkeypatch):
    monkeypatch.setattr(worker_module, "PING_S", 0.05)
    async with serving() as (worker, ends):
        os.kill(worker.pid, signal.SIGSTOP)
        await until(lambda: ends)

    assert ends[0].reason == "did not answer 3 pings"


async def test_ctrl_c_is_for_the_server():
    async with serving() as (worker, _):
        os.kill(worker.pid, signal.SIGINT)

        assert await call(worker, "echo", {"n": 1}) == {"n": 1}


@on_linux
async def test_the_kernel_shall_rather_take_a_worker():
    async with serving() as (worker, _):
        assert oom_score(worker.pid) == 500


async def test_growth_is_measured_against_what_a_worker_used_after_its_first_jobs():
    async with serving() as (worker, _):
        worker.note_memory(ProcessMemory(100, 100))
        assert worker.vitals.baseline_bytes == 0

        for number in range(BASELINE_JOBS):
            await call(worker, "echo", job_id=number)
        worker.note_memory(ProcessMemory(150, 150))
        worker.note_memory(ProcessMemory(200, 200))

        assert worker.vitals.baseline_bytes == 150
        assert worker.vitals.memory.pss_bytes == 200
        assert worker.vitals.jobs == BASELINE_JOBS


async def test_an_idle_worker_is_pinged_often_as_soon_as_the_server_is_used(monkeypatch):
    monkeypatch.setattr(worker_module, "PING_S", 0.05)
    pace = Pace()
    async with serving(pace=pace) as (worker, ends):
        os.kill(worker.pid, signal.SIGSTOP)
        with pace.use():
            await until(lambda: ends)

    assert ends[0].reason == "did not answer 3 pings"
