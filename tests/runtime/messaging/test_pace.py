import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.messaging.pace import IDLE_S, LINGER_S, SELDOM, Pace


async def wake_ups(pace, interval_s, count):
    """Return when work that is due every ``interval_s`` is done, in seconds from now."""
    began_s, found = trio.current_time(), []
    for _ in range(count):
        await pace.wait(interval_s)
        found.append(round(trio.current_time() - began_s, 3))
    return found


async def test_while_the_server_is_used_work_is_due_at_its_own_interval(autojump_clock):
    await trio.sleep(1)  # some moment between two slow beats
    pace = Pace()
    with pace.use():
        assert await wake_ups(pace, 0.5, 3) == [0.5, 1.0, 1.5]
    assert await wake_ups(Pace.steady(), 2.0, 2) == [2.0, 4.0]


async def test_without_a_use_all_work_is_due_at_the_same_slow_beats(autojump_clock):
    await trio.sleep(1)  # some moment between two slow beats
    pace, found = Pace(), []

    async def work(interval_s):
        for _ in range(3):
            await pace.wait(interval_s)
            found.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for interval_s in (0.1, 2.5, 3.0):
            nursery.start_soon(work, interval_s)

    assert {found_s % IDLE_S for found_s in found} == {0.0}
    assert len(set(found)) == 3


async def test_what_changes_in_use_only_is_looked_at_at_every_third_slow_beat(autojump_clock):
    pace, found = Pace(), []
    await trio.sleep(1)
    for _ in range(2):
        await pace.wait(2.0, beats=SELDOM)
        found.append(trio.current_time())

    assert found == [3 * IDLE_S, 6 * IDLE_S]


async def test_an_interval_that_is_longer_than_the_slow_beat_stays_what_it_is(autojump_clock):
    await trio.sleep(1)  # some moment between two slow beats
    assert await wake_ups(Pace(), 15.0, 2) == [15.0, 30.0]


async def test_the_beginning_of_a_use_wakes_all_that_waits(nursery, autojump_clock):
    await trio.sleep(1)  # some moment between two slow beats
    pace, woken = Pace(), []

    async def work():
        late_s = await pace.wait(2.0)
        woken.append((trio.current_time(), late_s))

    nursery.start_soon(work)
    nursery.start_soon(work)
    await trio.sleep(0.25)
    now_s = trio.current_time()
    with pace.use():
        await wait_all_tasks_blocked()

    assert woken == [(now_s, 0.0)] * 2


async def test_after_the_last_use_the_server_counts_as_used_for_a_while(autojump_clock):
    await trio.sleep(1)  # some moment between two slow beats
    pace = Pace()
    assert not pace.is_used
    with pace.use(), pace.use():
        assert pace.is_used
    assert (pace.is_used, pace.unused_s) == (True, 0.0)

    await trio.sleep(LINGER_S - 0.1)
    assert await wake_ups(pace, 0.2, 1) == [0.2]
    assert (pace.is_used, pace.unused_s) == (False, pytest.approx(LINGER_S + 0.1))


async def test_a_use_can_be_waited_for_again_and_again(nursery, autojump_clock):
    await trio.sleep(1)  # some moment between two slow beats
    pace, seen = Pace(linger_s=1.0), []

    async def look():
        while True:
            await pace.wait_used()
            seen.append(trio.current_time())
            await trio.sleep(2.0)

    nursery.start_soon(look)
    for _ in range(2):
        await trio.sleep(5.0)
        with pace.use():
            await wait_all_tasks_blocked()

    assert len(seen) == 2


async def test_a_late_loop_is_told_how_late_it_is(mock_clock):
    pace = Pace.steady()

    async def hold_up():
        mock_clock.jump(0.4)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hold_up)
        late_s = await pace.wait(0.1)

    assert late_s == pytest.approx(0.3)
