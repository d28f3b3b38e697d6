import random
from itertools import pairwise

import pytest
import trio

from runtime.policies.restart import Backoff
from runtime.workers import worker_group
from runtime.workers.assignments import Assignment
from runtime.workers.errors import SpawnRefused, StartFailure
from runtime.workers.frames import Frame
from runtime.workers.limits import ProcessMemory
from runtime.workers.worker import ProcessEnd
from runtime.workers.worker_group import Slot, StartGate
from tests.runtime.worker_group_fixtures import LOAD_S, Yard, loaded, make_group, roles

MB = 1_000_000


@pytest.fixture
def yard(monkeypatch):
    made = Yard()
    monkeypatch.setattr(worker_group, "Worker", made.make)
    monkeypatch.setattr(worker_group, "read_memory", lambda pid: made.memory.get(pid, ProcessMemory(MB, MB)))
    monkeypatch.setattr(trio.to_thread, "run_sync", made.run_sync)
    return made


def pids(workers):
    return [worker.pid for worker in workers]


async def test_those_that_have_been_ready_for_longest_take_jobs_and_the_last_is_the_spare(yard, autojump_clock):
    async with loaded(make_group(2, spares=1)) as group:
        assert set(pids(group.active)) == {100, 101}
        assert sorted(roles(group)) == ["active", "active", "spare"]
        assert group.statistics().spares == 1


async def test_a_spare_takes_over_at_once_and_a_new_one_is_started_behind_it(yard, autojump_clock):
    async with loaded(make_group(2, spares=1)) as group:
        yard.made[0].kill("was ended by SIGSEGV")

        assert pids(group.active) == [101, 102]
        await trio.sleep(LOAD_S + 1)
        assert pids(group.active) == [101, 102]
        assert group.crashes == 1
        (spare,) = [worker for worker in group.statistics().workers if worker.role == "spare"]
        assert (spare.restarts, spare.last_exit, spare.pid) == (1, "was ended by SIGSEGV", 103)


async def test_two_load_at_once_and_the_workers_before_the_spares(yard, autojump_clock):
    async with loaded(make_group(3, spares=2)):
        assert yard.most_loading == 2
        assert yard.starts_s == sorted(yard.starts_s)


async def test_with_one_cause_for_all_failures_one_worker_probes_for_each_step_of_the_backoff(yard, autojump_clock):
    async with loaded(make_group(5)) as group:
        yard.failure, before = ProcessEnd("stt could not open the model"), len(yard.starts_s)
        for worker in yard.made[:5]:
            worker.kill("was ended by SIGKILL")
        await trio.sleep(200)

        probes_s = yard.starts_s[before + 4 :]  # at most two at once fail before it is seen
        gaps_s = [late - early for early, late in pairwise(probes_s)]
        assert len(probes_s) > 5
        assert min(gaps_s) >= LOAD_S
        assert yard.loading <= 1
        assert group.trouble == "stt could not open the model"

        yard.failure = None
        await trio.sleep(60)
        assert len(group.active) == 5
        assert group.trouble is None


async def test_the_first_failure_is_told_with_its_words(yard, autojump_clock):
    yard.failure = ProcessEnd("stt ended with exit code 1: no model")

    with pytest.RaisesGroup(pytest.RaisesExc(StartFailure, match="no model"), flatten_subgroups=True):
        async with loaded(make_group(1)):
            pass


async def test_the_refusal_of_the_system_has_a_type_of_its_own(yard, autojump_clock):
    yard.failure = ProcessEnd("stt could not be started: [Errno 11]", was_refused=True)

    with pytest.RaisesGroup(pytest.RaisesExc(SpawnRefused, match="Errno 11"), flatten_subgroups=True):
        async with loaded(make_group(1)):
            pass


async def test_a_refusal_later_is_tried_again_with_backoff_and_the_place_is_kept(yard, autojump_clock):
    async with loaded(make_group(2)) as group:
        yard.failure = ProcessEnd("stt could not be started: [Errno 12] Cannot allocate memory", was_refused=True)
        yard.made[0].kill("was ended by SIGKILL")
        await trio.sleep(20)
        assert pids(group.active) == [101]
        assert not group.cannot_recover

        yard.failure = None
        await trio.sleep(30)
        assert len(group.active) == 2


# --- recycling -----------------------------------------------------------------------------------


def finish_jobs(worker, count):
    worker.assignments.jobs_done += count


async def test_a_worker_goes_only_when_a_spare_is_ready_and_one_at_a_time(yard, autojump_clock):
    async with loaded(make_group(2, spares=1, max_jobs=10)) as group:
        for worker in yard.made:
            finish_jobs(worker, 10)
        fewest, gone = 2, []
        for _ in range(400):
            fewest = min(fewest, len(group.active))
            gone.append([worker.pid for worker in yard.made if worker.state in ("stopping", "dead")])
            await trio.sleep(0.1)

    assert fewest == 2
    assert gone[-1] == [100, 101, 102]
    assert all(len(later) - len(earlier) <= 1 for earlier, later in pairwise(gone))
    assert group.crashes == 0


async def test_a_worker_with_a_job_goes_when_it_has_done_it(yard, autojump_clock):
    async with loaded(make_group(1, spares=1, max_jobs=10)) as group:
        (leaving,), (spare,) = group.active, set(group.loaded) - set(group.active)
        finish_jobs(leaving, 10)
        leaving.assignments.accept(Assignment(Frame("job", 1), 60.0), trio.current_time())
        leaving.state = "busy"
        await trio.sleep(10)

        assert leaving.state == "busy"
        assert group.active == [spare]  # the spare has its place already
        leaving.state = "ready"
        await trio.sleep(10)
        assert leaving.state == "dead"


async def test_without_spares_one_more_process_is_started_before_a_worker_goes(yard, autojump_clock):
    async with loaded(make_group(2, max_jobs=10)) as group:
        finish_jobs(yard.made[0], 10)
        for _ in range(100):
            assert len(group.active) == 2
            await trio.sleep(0.2)

        assert yard.made[0].state == "dead"
        assert set(pids(group.active)) == {101, 102}
        assert roles(group) == ["active", "active"]


async def test_a_worker_without_a_replacement_stays(yard, autojump_clock):
    async with loaded(make_group(1, max_jobs=10)) as group:
        yard.failure, before = ProcessEnd("no model any more"), len(yard.starts_s)
        finish_jobs(yard.made[0], 10)
        await trio.sleep(100)

        assert pids(group.active) == [100]
        assert 1 < len(yard.starts_s) - before < 25  # with backoff
        yard.failure = None
        await trio.sleep(60)
        assert len(group.active) == 1
        assert yard.made[0].state == "dead"


async def test_no_worker_is_replaced_while_the_server_is_loaded(yard, autojump_clock):
    async with loaded(make_group(1, spares=1, max_jobs=10)) as group:
        is_calm = False
        group.ties.may_recycle = lambda: is_calm
        (leaving,) = group.active
        finish_jobs(leaving, 10)
        await trio.sleep(60)
        assert leaving.state == "ready"

        is_calm = True
        await trio.sleep(10)
        assert leaving.state == "dead"


# --- memory --------------------------------------------------------------------------------------


async def test_above_its_cap_a_worker_is_killed_and_a_little_below_it_is_replaced(yard, autojump_clock):
    async with loaded(make_group(2, spares=1, memory_bytes=1000 * MB)) as group:
        yard.memory[100] = ProcessMemory(900 * MB, 950 * MB)
        await trio.sleep(10)
        assert yard.made[0].ended.was_stopped
        assert group.crashes == 0

        yard.memory[101] = ProcessMemory(1001 * MB, 1001 * MB)
        await trio.sleep(10)
        assert yard.made[1].ended.reason == "used 1001 MB, more than the 1000 MB of its cap"
        assert group.crashes == 1


async def test_what_was_measured_is_in_the_statistics(yard, autojump_clock):
    async with loaded(make_group(2)) as group:
        yard.memory[100] = ProcessMemory(30 * MB, 50 * MB)
        await trio.sleep(3)
        shown = group.statistics()

    assert (shown.pss_bytes, shown.rss_bytes) == (31 * MB, 51 * MB)
    assert None not in (shown.workers[0].pid, shown.workers[0].jobs, shown.workers[0].busy_s, shown.workers[0].age_s)
    assert sorted(worker.pss_bytes for worker in shown.workers) == [MB, 30 * MB]


async def test_a_look_without_a_thread_is_made_later(yard, autojump_clock, monkeypatch, caplog):
    async def refuse(*_, **__):
        raise RuntimeError("can't start new thread")

    async with loaded(make_group(1)) as group:
        with monkeypatch.context() as patched:
            patched.setattr(trio.to_thread, "run_sync", refuse)
            await trio.sleep(3)
        yard.memory[100] = ProcessMemory(30 * MB, 50 * MB)
        await trio.sleep(3)

        assert group.statistics().pss_bytes == 30 * MB
    assert "can't start new thread" in caplog.text


def test_the_kernels_limit_comes_from_the_cap():
    assert make_group(1, memory_bytes=1000 * MB)._spec.data_limit_bytes == 1500 * MB


# --- pauses --------------------------------------------------------------------------------------


async def test_a_gate_that_a_success_opens_lets_all_in(autojump_clock):
    gate, slots = StartGate(failed_starts=3), [Slot(), Slot()]
    entered = []

    async def enter(slot):
        await gate.enter(slot)
        entered.append(slot)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(enter, slots[0])
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(enter, slots[1])
        await trio.testing.wait_all_tasks_blocked()
        assert entered == [slots[0]]
        gate.leave(is_ready=True)

    assert entered == slots


READY_S, LOADED_S = 2.0, 60.0


@pytest.mark.parametrize(
    ("failures", "ended", "expected"),
    [
        (0, ProcessEnd("x", READY_S), (0.0, 0.0)),  # it was healthy: at once
        (0, ProcessEnd("x", 0.5), (0.1, 0.2)),
        (1, ProcessEnd("x", READY_S), (0.2, 0.4)),  # twice in a row
        (9, ProcessEnd("x", READY_S), (5.0, 10.0)),  # never above the cap
        (9, ProcessEnd("x", LOADED_S), (0.0, 0.0)),  # the row is over
        (3, ProcessEnd("x"), (0.8, 1.6)),
        (3, ProcessEnd("x", 0.1, was_stopped=True), (0.0, 0.0)),
    ],
)
def test_the_pause_before_a_start_grows_with_failures_in_a_row(failures, ended, expected):
    pauses = [Slot(failures=failures).pause_s(ended, Backoff(), random.Random(seed)) for seed in range(20)]

    assert expected[0] <= min(pauses) <= max(pauses) <= expected[1]
