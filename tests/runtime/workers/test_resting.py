import math

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.messaging.pace import Pace
from runtime.workers.resting import Rest, RestCycle


@pytest.fixture
def began(nursery):
    """Return a function that runs a cycle, and what it did with the times since then."""

    async def start(pace, **changes):
        cycle, done, began_s = RestCycle(Rest(**{"after_s": 100.0, **changes}), pace), [], trio.current_time()

        def note(what):
            return lambda: done.append((what, round(trio.current_time() - began_s, 3)))

        nursery.start_soon(cycle.run, note("load"), note("unload"))
        await wait_all_tasks_blocked()
        return cycle, done

    return start


async def test_what_the_first_client_does_not_need_is_loaded_once_the_server_serves(began, autojump_clock):
    pace = Pace()
    cycle, done = await began(pace, wakes_after_s=3.0)
    await trio.sleep(50.0)
    assert (cycle.is_resting, done) == (True, [])
    pace.has_started.set()
    await trio.sleep(5.0)
    assert (cycle.is_resting, done) == (False, [("load", 53.0)])


async def test_workers_rest_after_the_last_use_and_are_loaded_at_the_next(began, autojump_clock):
    pace = Pace()
    pace.has_started.set()
    cycle, done = await began(pace)
    with pace.use():
        await trio.sleep(400.0)
    await trio.sleep(300.0)
    assert done == [("load", 0.0), ("unload", 500.0)]
    assert cycle.is_resting
    with pace.use():
        await wait_all_tasks_blocked()
    assert done[2:] == [("load", 700.0)]


async def test_a_job_is_like_a_use(began, autojump_clock):
    pace = Pace()
    pace.has_started.set()
    cycle, done = await began(pace, wakes_after_s=None)
    assert done == []
    await trio.sleep(10.0)
    cycle.note_job()
    await trio.sleep(60.0)
    cycle.note_job()
    await trio.sleep(200.0)
    assert done == [("load", 10.0), ("unload", 170.0)]
    cycle.note_job()
    await wait_all_tasks_blocked()
    assert done[2:] == [("load", 270.0)]


async def test_a_job_for_those_that_stay_loaded_wakes_no_other(began, autojump_clock):
    cycle, done = await began(Pace(), keeps=2)
    cycle.note_job()
    await trio.sleep(10.0)
    assert (cycle.is_resting, done) == (True, [])


async def test_workers_that_are_never_to_rest_stay_loaded(began, autojump_clock):
    pace = Pace()
    pace.has_started.set()
    _, done = await began(pace, after_s=math.inf)
    await trio.sleep(80_000.0)
    assert done == [("load", 0.0)]


def test_a_rest_begins_some_time_after_the_last_use():
    with pytest.raises(ValueError, match="after_s"):
        Rest(after_s=0)
