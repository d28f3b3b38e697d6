import itertools
import random

import attrs
import pytest

from protocol.admission.load import (
    CPU,
    DISK,
    LAG,
    MACHINE_MEMORY,
    MEMORY,
    OTHERS,
    PSI_MEMORY,
    QUEUE,
    SIGNALS,
    Lags,
    Level,
    LoadController,
    LoadReport,
    Mark,
    Reading,
    Signal,
    Window,
)

EVERY_S = 0.5


@attrs.define
class Server:
    """A controller and its clock."""

    controller: LoadController = attrs.field(factory=LoadController)
    now_s: float = 0.0
    levels: list[int] = attrs.field(factory=list)

    def live(self, seconds: float, **values: float | None) -> int:
        """Sample for a while; return the level at the end."""
        for _ in range(round(seconds / EVERY_S)):
            readings = [Reading(signal, values.get(signal.name)) for signal in SIGNALS]
            self.levels.append(self.controller.sample(readings, self.now_s).level)
            self.now_s += EVERY_S
        return self.levels[-1]


def test_98_one_sample_moves_nothing_and_the_second_may_jump():
    server = Server()

    assert server.live(0.5, memory=0.90) == 0
    assert server.live(0.5, memory=0.90) == 3


def test_98_it_comes_down_one_level_after_ten_seconds_and_then_one_each_five():
    server = Server()
    server.live(5.0, memory=0.95)
    assert server.live(9.5, memory=0.5) == 4
    assert server.live(1.0, memory=0.5) == 3
    server.live(60.0, memory=0.5)

    assert server.levels[-1] == 0
    falls = [server.levels.count(level) * EVERY_S for level in (3, 2, 1)]
    assert falls == [5.0, 5.0, 5.0]


def test_98_what_stirs_on_the_way_down_must_be_calm_for_ten_seconds_again():
    server = Server()
    server.live(5.0, memory=0.95)
    assert server.live(10.5, memory=0.5) == 3
    server.live(EVERY_S, memory=0.83)
    assert server.live(10.0, memory=0.5) == 3
    assert server.live(EVERY_S, memory=0.5) == 2


def test_98_a_loop_that_stopped_once_is_not_unsafe_and_one_that_crawls_is():
    lags = Window(5.0)
    controller = LoadController()

    def level_at(now_s: float, lag_s: float) -> int:
        lags.add(lag_s, now_s)
        return controller.sample([Reading(LAG, lags.p95())], now_s).level

    assert level_at(0.0, 12.0) == 0
    for tick in range(1, 10):
        lags.add(0.001, 0.05 * tick)
    assert level_at(0.5, 0.001) == 0
    assert level_at(12.5, 12.0) == 0
    assert level_at(24.5, 12.0) == 5


def test_a_window_forgets_what_is_old():
    window = Window(5.0)
    assert (window.p95(), window.minimum()) == (None, None)
    for second in range(101):
        window.add(float(second), 0.01 * second)
    assert (window.p95(), window.minimum()) == (95.0, 0.0)
    window.add(9.0, 20.0)
    assert (window.p95(), window.minimum()) == (9.0, 9.0)
    window.add(10.0, 25.0)
    assert window.minimum() == 9.0, "at exactly its span a value is still of the last five seconds"
    window.add(11.0, 25.5)
    assert window.minimum() == 10.0


def test_98_between_the_marks_it_stays():
    server = Server()
    server.live(5.0, memory=0.89)

    assert server.live(120.0, memory=0.85) == 3


def test_98_noise_around_a_mark_hardly_moves_it():
    rng = random.Random(5)
    server = Server()
    for _ in range(1_200):
        server.live(EVERY_S, memory=0.88 + rng.gauss(0, 0.03))
    changes = [
        after - before for before, after in zip(server.levels, server.levels[1:], strict=False) if after != before
    ]

    assert len(changes) < 60
    downs = [index for index, (a, b) in enumerate(zip(server.levels, server.levels[1:], strict=False)) if b < a]
    assert all(later - earlier >= 20 for earlier, later in itertools.pairwise(downs))


def test_load_by_other_programs_refuses_no_client():
    assert {mark.level for signal in OTHERS for mark in signal.marks} == {Level.BROWNOUT}


def lags(*ticks, is_busy_with_others):
    """Return the values of the two signals after ticks of ``(late, waited)`` seconds."""
    seen = Lags(60.0)
    for number, (late_s, waited_s) in enumerate(ticks):
        seen.add(late_s, waited_s, float(number))
    return {reading.signal.name: reading.value for reading in seen.readings(is_busy_with_others=is_busy_with_others)}


def test_waits_for_a_processor_that_others_have_are_not_the_loops_lag():
    starved = [(0.3, 0.31)] * 20

    assert lags(*starved, is_busy_with_others=True) == {"loop_lag": 0.0, "loop_wait": 0.3}
    assert lags(*starved, is_busy_with_others=False) == {"loop_lag": 0.3, "loop_wait": None}


def test_what_the_loop_does_itself_is_its_lag_also_on_a_busy_machine():
    assert lags(*[(0.5, 0.2)] * 20, is_busy_with_others=True)["loop_lag"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("values", "level"),
    [
        ({}, 0),
        ({"loop_lag": 0.06}, 1),
        ({"loop_lag": 0.6}, 4),
        ({"queue_delay": 0.5}, 2),
        ({"queue_delay": 1.5}, 3),
        ({"memory": 0.98}, 5),
        ({"memory_stalls": 12.0}, 2),
        ({"memory_stalls_full": 6.0}, 4),
        ({"cpu_stalls": 50.0}, 1),
        ({"cpu_throttled": 0.3}, 3),
        ({"open_files": 0.9}, 3),
        ({"free_disk": 0.04}, 1),
        ({"free_disk": 0.005}, 1),
        ({"machine_cpu": 1.25}, 1),
        ({"machine_memory": 0.99}, 1),
        ({"loop_wait": 5.0}, 1),
        ({"loop_wait": 5.0, "machine_cpu": 1.25, "cpu_stalls": 90.0, "machine_memory": 0.99, "free_disk": 0.0}, 1),
        ({"free_disk": 0.5}, 0),
        ({"workers_missing": 1.0}, 3),
        ({"workers_missing": 0.5}, 2),
        ({"loop_lag": 0.06, "memory": 0.83}, 2),
    ],
)
def test_each_signal_has_its_levels(values, level):
    assert Server().live(2.0, **values) == level


def test_a_busy_cpu_alone_refuses_no_client():
    assert Server().live(60.0, cpu=1.25) == 2
    assert Server().live(2.0, cpu=1.25, queue_delay=0.2) == 3
    assert Server().live(2.0, cpu=1.05, queue_delay=0.2) == 1


def test_what_a_machine_does_not_have_is_absent():
    report = LoadController().sample([Reading(MEMORY, None), Reading(LAG, 0.01)], 0.0)

    assert report.level == 0
    assert report.shown(1.0)["signals"]["memory"]["value"] is None


def test_a_process_killed_for_memory_keeps_new_ones_out_for_a_minute():
    server = Server()
    server.controller.note_oom(0.0)

    assert server.live(59.0, memory=0.1) == 3
    assert server.live(60.0, memory=0.1) == 0


def test_the_report_says_what_drives_it():
    controller = LoadController()
    readings = [Reading(LAG, 0.06), Reading(QUEUE, 1.5), Reading(DISK, 0.5)]
    controller.sample(readings, 0.0)
    report = controller.sample(readings, 0.5)

    assert (report.level, report.driver) == (Level.NO_NEW, "queue_delay")
    shown = report.shown(3.0)
    assert (shown["level"], shown["name"], shown["for_s"]) == (3, "no_new", 2.5)
    assert shown["signals"]["queue_delay"]["marks"][3] == [1.0, 0.4]


@pytest.mark.parametrize(
    ("level", "driver", "values", "of_memory"),
    [
        (3, "queue_delay", {QUEUE: 1.5, MEMORY: 0.5}, 0),
        (3, "queue_delay", {QUEUE: 1.5, MEMORY: 0.83}, 3),
        (2, "memory", {MEMORY: 0.83}, 2),
        (2, "memory", {MEMORY: 0.78}, 2),
        (2, "memory", {MEMORY: 0.76}, 1),
        (1, "machine_memory", {MACHINE_MEMORY: 0.9, MEMORY: None}, 0),
        (3, "oom_kill", {MEMORY: 0.2}, 3),
        (2, "memory_stalls", {PSI_MEMORY: 12}, 2),
    ],
)
def test_how_much_of_the_level_is_the_servers_own_memory(level, driver, values, of_memory):
    readings = tuple(Reading(signal, value) for signal, value in values.items())
    assert LoadReport(Level(level), 0.0, driver, readings).memory_level == of_memory


def test_the_first_level_counts_from_the_first_sample():
    controller = LoadController()
    assert controller.sample([], 5_000.0).shown(5_000.0)["for_s"] == 0.0  # the clock does not begin at 0
    assert controller.sample([], 5_002.5).shown(5_002.5)["for_s"] == 2.5


@pytest.mark.parametrize(
    ("readings", "driver"),
    [
        ([Reading(LAG, 0.01), Reading(MEMORY, 0.85), Reading(QUEUE, 0.1)], "memory"),  # asks for the most
        ([Reading(LAG, 0.01), Reading(MEMORY, 0.5), Reading(QUEUE, 0.5)], "queue_delay"),  # holds the level still
        ([Reading(LAG, 0.01), Reading(MEMORY, 0.5), Reading(QUEUE, 0.0)], ""),  # nothing does
    ],
)
def test_what_holds_a_level_is_named_while_it_comes_down(readings, driver):
    controller = LoadController(level=Level.NO_NEW)

    assert controller.sample(readings, 0.0).driver == driver


def test_a_process_that_was_killed_is_named_too():
    controller = LoadController()
    controller.note_oom(0.0)

    assert controller.sample([Reading(LAG, 0.0)], 1.0).driver == "oom_kill"


def test_marks_make_sense():
    for signal in SIGNALS:
        assert_ordered(signal)


def assert_ordered(signal: Signal) -> None:
    def of(marks: tuple[Mark, ...]) -> list[float]:
        return [mark.high for mark in marks]

    highs = of(signal.marks)
    assert highs == sorted(highs, reverse=signal.is_scarce)
    for mark in signal.marks:
        assert (mark.low > mark.high) == signal.is_scarce
    assert CPU in SIGNALS
