import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import trio
import trio.testing

from runtime.supervision.watchdog import BEAT_S, Silence, WatchdogSettings, Watcher, run_watchdog


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


def silences(beats_s, looks_s):
    """Return what is seen at each look, of a loop that gives these beats."""
    silence = Silence(0.0, 0.0)
    return [silence.look(max(beat_s for beat_s in beats_s if beat_s <= now_s), now_s) for now_s in looks_s]


def test_a_loop_that_hangs_is_silent_from_the_beat_that_is_missing():
    seen = silences([0.0], [BEAT_S * number for number in range(1, 121)])

    assert seen[0] == 0.0
    assert seen[-1] == pytest.approx(12.0 - BEAT_S)


def test_a_process_that_stood_still_has_no_silence_to_tell():
    assert silences([0.0, 0.2], [0.1, 0.2, 0.3, 11.5, 11.6]) == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2])


def test_one_pause_after_the_other_is_no_hang():
    looks_s = [12.0 * number for number in range(1, 6)]

    assert max(silences([0.0], looks_s)) <= BEAT_S * len(looks_s)


def test_a_hang_that_goes_on_after_a_pause_is_told():
    assert silences([0.0], [0.1, 20.0, *(20.0 + BEAT_S * number for number in range(1, 111))])[-1] > 10.0


def test_a_thread_that_is_a_little_late_excuses_nothing():
    rng = random.Random(1)
    now_s, looks_s = 0.0, []
    while now_s < 12.0:
        now_s += BEAT_S + rng.uniform(0.0, 0.4)
        looks_s.append(now_s)

    assert silences([0.0], looks_s)[-1] == pytest.approx(now_s - BEAT_S)


PAUSED = """
import trio
from runtime.supervision.watchdog import Watcher, WatchdogSettings, run_watchdog

async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_watchdog, Watcher(WatchdogSettings(dump_s=0.6, abort_s=1.0)))
        await trio.sleep(0.5)
        print("paused", flush=True)
        await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    print("went on", flush=True)

trio.run(main)
"""


def test_a_process_that_is_paused_longer_than_a_hang_may_last_goes_on():
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", PAUSED], cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "paused\n"
        process.send_signal(signal.SIGSTOP)
        subprocess.run(["sleep", "2"], check=True)  # longer than abort_s; nothing here can tell when it is enough
        process.send_signal(signal.SIGCONT)

        assert process.communicate(timeout=60)[0] == "went on\n"
    assert process.returncode == 0


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
