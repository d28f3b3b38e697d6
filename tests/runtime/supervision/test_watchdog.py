import math
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import trio
import trio.testing

from runtime.supervision.watchdog import LOOK_S, LoopPasses, Silence, WatchdogSettings, Watcher, run_watchdog


@pytest.fixture
def done():
    return []


@pytest.fixture
def watcher(done):
    return Watcher(WatchdogSettings(), dump=lambda: done.append("dump"), abort=lambda: done.append("abort"))


def test_a_beat_in_time_is_no_news(watcher, done, caplog):
    for silent_s in (0.0, 0.1, 0.34):
        watcher.look(silent_s)

    assert (done, caplog.text) == ([], "")


def test_each_step_is_done_once_as_the_silence_grows(watcher, done, caplog):
    for tenths in range(130):
        watcher.look(tenths / 10)

    assert done == ["dump", "abort"]
    assert caplog.text.count("has not turned for 0.40 s") == 1
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


def silences(passes_s, looks_s):
    """Return what is seen at each look, of passes that began and ended then; each look should come a second later."""
    silence, seen = Silence(0.0), []
    for now_s in looks_s:
        began_s = next((began_s for began_s, ended_s in passes_s if began_s <= now_s < ended_s), None)
        seen.append(silence.look(began_s, now_s, LOOK_S))
    return seen


def test_a_loop_that_waits_for_something_to_do_does_not_hang():
    assert silences([(0.2, 0.3)], [1.0, 2.0, 600.0]) == [0.0, 0.0, 0.0]


def test_a_pass_that_does_not_end_is_silent_from_its_beginning():
    assert silences([(0.5, 99.0)], [1.0, 2.0, 3.0]) == pytest.approx([0.5, 1.5, 2.5])


def test_a_process_that_stood_still_has_no_silence_to_tell():
    assert silences([(0.9, 99.0)], [1.0, 12.5, 13.0]) == pytest.approx([0.1, 1.1, 1.6])


def test_one_pause_after_the_other_is_no_hang():
    looks_s = [12.0 * number for number in range(1, 6)]

    assert max(silences([(0.0, 99.0)], looks_s)) <= LOOK_S * len(looks_s)


def test_a_hang_that_goes_on_after_a_pause_is_told():
    assert silences([(0.0, 99.0)], [1.0, 20.0, *(20.0 + number for number in range(1, 12))])[-1] > 10.0


def test_a_thread_that_is_a_little_late_excuses_nothing():
    rng = random.Random(1)
    now_s, looks_s = 0.0, []
    while now_s < 12.0:
        now_s += LOOK_S + rng.uniform(0.0, 0.4)
        looks_s.append(now_s)

    assert silences([(0.0, 99.0)], looks_s)[-1] == pytest.approx(now_s)


def test_the_next_look_is_a_second_away_or_when_the_next_threshold_is_reached(watcher):
    assert [watcher.next_look_s(silent_s) for silent_s in (0.0, 0.1, 0.5, 1.4, 2.0, 9.9, 11.0)] == pytest.approx(
        [1.0, 0.25, 1.0, 0.6, 1.0, 0.1, 1.0]
    )


def test_a_late_pass_that_is_over_is_told_once(watcher, caplog):
    watcher.note_over(0.2)
    watcher.note_over(0.7)
    watcher.look(0.5)
    watcher.note_over(0.8)

    assert [record.getMessage() for record in caplog.records] == [
        "the event loop did not turn for 0.70 s",
        "the event loop has not turned for 0.50 s",
    ]


def test_the_longest_pass_since_the_last_look_is_known():
    now_s = [0.0]
    passes = LoopPasses(lambda: now_s[0])
    for began_s, ended_s in ((1.0, 1.1), (2.0, 2.7), (3.0, 3.2)):
        now_s[0] = began_s
        passes.after_io_wait(0.0)
        assert passes.began_s == began_s
        now_s[0] = ended_s
        passes.before_io_wait(0.0)

    assert passes.began_s is None
    assert [passes.take_longest_s(), passes.take_longest_s()] == pytest.approx([0.7, 0.0])


PAUSED = """
import trio
from runtime.supervision.watchdog import Watcher, WatchdogSettings, run_watchdog

async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_watchdog, Watcher(WatchdogSettings(dump_s=0.6, abort_s=1.0)))
        await trio.sleep(0.5)
        print("paused", flush=True)
        await trio.sleep(1.5)
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
        assert noticed.wait(5), "this blocks the loop, so no pass ends"
        nursery.cancel_scope.cancel()


async def test_a_loop_with_nothing_to_do_is_not_woken():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_watchdog, Watcher(WatchdogSettings()))
        await trio.testing.wait_all_tasks_blocked()

        assert trio.lowlevel.current_statistics().seconds_to_next_deadline == math.inf
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
