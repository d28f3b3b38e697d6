import threading

import pytest
import trio
import trio.testing

from runtime.watchdog import WatchdogSettings, Watcher, run_watchdog


@pytest.fixture
def done():
    return []


@pytest.fixture
def watcher(done):
    return Watcher(WatchdogSettings(), dump=lambda: done.append("dump"), abort=lambda: done.append("abort"))


def test_a_beat_in_time_is_no_news(watcher, done, caplog):
    for silent_s in (0.0, 0.1, 0.24):
        watcher.look(silent_s)

    assert (done, caplog.text) == ([], "")


def test_each_step_is_done_once_as_the_silence_grows(watcher, done, caplog):
    for tenths in range(130):
        watcher.look(tenths / 10)

    assert done == ["dump", "abort"]
    assert caplog.text.count("has not turned for 0.30 s") == 1
    assert caplog.text.count("hangs for 2.0 s") == 1


def test_a_long_silence_seen_at_once_is_dumped_before_it_ends(watcher, done):
    watcher.look(11.0)

    assert done == ["dump", "abort"]


def test_after_a_recovery_the_next_silence_is_told_again(watcher, done, caplog):
    watcher.look(2.5)
    watcher.look(0.0)
    watcher.look(2.5)

    assert done == ["dump", "dump"]
    assert caplog.text.count("turns again") == 1


async def test_a_loop_that_turns_is_left_alone_and_one_that_hangs_is_noticed():
    noticed = threading.Event()
    settings = WatchdogSettings(warn_s=0.2, dump_s=0.4, abort_s=60.0)
    watcher = Watcher(settings, dump=noticed.set)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_watchdog, watcher)
        await trio.testing.wait_all_tasks_blocked()
        assert not noticed.is_set()
        assert noticed.wait(5), "this blocks the loop, so nothing beats"
        nursery.cancel_scope.cancel()


async def test_the_thread_ends_with_the_task():
    before = threading.active_count()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_watchdog, Watcher(WatchdogSettings()))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    for thread in threading.enumerate():
        if thread.name == "watchdog":
            thread.join(5)
    assert threading.active_count() <= before


def test_the_real_dump_names_the_threads(capfd):
    Watcher(WatchdogSettings()).dump()

    assert "test_watchdog.py" in capfd.readouterr().err
