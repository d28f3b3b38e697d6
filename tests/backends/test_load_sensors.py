import errno
import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from backends.cgroup import ControlGroups
from backends.load_sensors import (
    CpuMeter,
    LoadSensors,
    Shares,
    Times,
    free_disk_share,
    open_files_share,
    shares_between,
)
from backends.machine import OwnProcesses
from tests.backends.test_cgroup import machine, v2
from tests.rlimits import no_more_files

GIB = 1 << 30


def values(sensors: LoadSensors) -> dict[str, float | None]:
    return {reading.signal.name: reading.value for reading in sensors.look().readings}


def test_every_signal_of_the_machine_is_read(tmp_path: Path):
    found = values(LoadSensors(tmp_path / "not" / "yet" / "made", max_cpu_percent=80))

    assert set(found) == {
        "memory",
        "cpu",
        "memory_stalls",
        "memory_stalls_full",
        "cpu_stalls",
        "cpu_throttled",
        "open_files",
        "processes",
        "free_disk",
        "machine_cpu",
        "machine_memory",
    }
    assert all(0 < (found[name] or 0) < 1 for name in ("memory", "free_disk", "open_files", "machine_memory"))


def test_memory_is_read_where_there_are_neither_groups_nor_proc(tmp_path: Path):
    sensors = LoadSensors(tmp_path, max_cpu_percent=80, groups=ControlGroups(tmp_path / "no Linux"))

    assert 0 < (values(sensors)["memory"] or 0) < 1
    assert 0 < (values(sensors)["machine_memory"] or 0) < 1


class Using(OwnProcesses):
    """Processes that have so much memory, and have used so many CPU seconds."""

    def __init__(self, memory_bytes: int, busy_s: Iterable[float] = ()) -> None:
        self._memory_bytes = memory_bytes
        self._busy_s = iter(busy_s)

    def look(self) -> tuple[int, dict[int, float]]:
        return self._memory_bytes, {1: next(self._busy_s, 0.0)}


@pytest.mark.parametrize(
    ("own_bytes", "limit_bytes", "share"),
    [
        (GIB // 2, 0, 1 / 16),  # of the machine's 8 GiB; others use three times as much
        (GIB, 0, 0.25),  # half of all that is used: then it is the machine's whole share
        (GIB // 2, GIB, 0.5),
        (GIB // 8, GIB // 2, 0.25),
    ],
)
def test_memory_is_what_the_server_uses_of_what_it_may(tmp_path: Path, own_bytes: int, limit_bytes: int, share: float):
    sensors = LoadSensors(
        tmp_path,
        max_cpu_percent=80,
        max_memory_bytes=limit_bytes,
        groups=machine(tmp_path, {}),  # 2 GiB of 8 are used
        processes=Using(own_bytes),
    )

    assert values(sensors)["memory"] == share
    assert values(sensors)["machine_memory"] == 0.25


def test_a_group_with_a_limit_counts_as_ours(tmp_path: Path):
    groups = machine(tmp_path, v2(memory__max=GIB, memory__current=GIB // 2))

    assert values(LoadSensors(tmp_path, max_cpu_percent=80, groups=groups, processes=Using(1)))["memory"] == 0.5


PSI: dict[str, object] = {"proc/pressure/memory": "some avg10=20.00 avg60=0 total=1\nfull avg10=6.00 avg60=0 total=1\n"}


@pytest.mark.parametrize(("own_bytes", "stalls"), [(GIB // 2, None), (GIB, 20.0)])
def test_a_machine_that_swaps_for_others_is_not_our_pressure(tmp_path: Path, own_bytes: int, stalls: float | None):
    sensors = LoadSensors(tmp_path, max_cpu_percent=80, groups=machine(tmp_path, PSI), processes=Using(own_bytes))

    assert values(sensors)["memory_stalls"] == stalls


def test_throttling_is_counted_from_the_last_look(tmp_path: Path):
    groups = machine(tmp_path, v2(cpu__stat="nr_periods 100\nnr_throttled 50\n"))
    sensors = LoadSensors(tmp_path, max_cpu_percent=80, groups=groups)
    assert values(sensors)["cpu_throttled"] == 0.0
    machine(tmp_path, v2(cpu__stat="nr_periods 110\nnr_throttled 53\n"))

    assert values(sensors)["cpu_throttled"] == 0.3


def test_a_kill_for_memory_is_told_once(tmp_path: Path):
    groups = machine(tmp_path, v2(memory__events="oom_kill 1\n"))
    sensors = LoadSensors(tmp_path, max_cpu_percent=80, groups=groups)
    assert not sensors.look().was_out_of_memory
    machine(tmp_path, v2(memory__events="oom_kill 2\n"))

    assert [sensors.look().was_out_of_memory for _ in range(2)] == [True, False]


def test_open_files_are_a_share_of_the_limit(tmp_path: Path):
    for number in range(5):
        (tmp_path / str(number)).touch()

    assert open_files_share(tmp_path, lambda: 20) == 0.25
    assert open_files_share(tmp_path, lambda: -1) is None
    assert open_files_share(tmp_path / "nowhere", lambda: 20) is None


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_its_parent(tmp_path: Path):
    assert free_disk_share(tmp_path / "a" / "b") == pytest.approx(free_disk_share(tmp_path), abs=0.01)


def test_without_a_descriptor_left_all_files_are_open_and_the_rest_is_absent(tmp_path: Path):
    groups = machine(tmp_path, v2(memory__events="oom_kill 1\n", memory__max=GIB, memory__current=1))
    sensors = LoadSensors(tmp_path, max_cpu_percent=80, groups=groups)
    with no_more_files():
        look = sensors.look()
    found = {reading.signal.name: reading.value for reading in look.readings}

    assert (found["open_files"], found["memory"], look.was_out_of_memory) == (1.0, None, False)
    assert not sensors.look().was_out_of_memory, "what could not be read meanwhile was no kill"


def test_a_disk_that_does_not_answer_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(_folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", fail)

    assert free_disk_share(tmp_path) is None


def test_the_cpu_is_looked_at_over_the_last_five_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock = iter([0.0, 1.0, 5.0, 7.0])
    counted_s = iter([(0, 0), (2, 1), (10, 1), (14, 5)])  # of both CPUs, and busy
    monkeypatch.setattr("backends.load_sensors.host_times", partial(next, counted_s))
    monkeypatch.setattr("backends.load_sensors.available_cpus", lambda: 2.0)
    meter = CpuMeter(machine(tmp_path, {}), clock=partial(next, clock))
    assert meter.shares({1: 10.0}) is None
    seen = [meter.shares(busy_s) for busy_s in ({1: 10.25}, {1: 10.5, 2: 77.0}, {2: 78.5})]
    assert [shares.all for shares in seen if shares] == [0.5, 0.1, pytest.approx(4 / 12)], (
        "since the look at one second"
    )
    assert [shares.own for shares in seen if shares] == [0.125, 0.05, 1.75 / 12], "one that is new has no share yet"


@pytest.mark.parametrize(
    ("before", "after", "own", "everybody"),
    [
        (Times(0, 0, 0, None, 0), Times(1, 2, 1, None, 0.5), 0.25, 0.5),
        (Times(0, 0, 0, 0.0, 0), Times(1, 8, 1, 0.9, 0), 0.0, 0.45),  # two CPUs of eight are allowed by a quota
        (Times(0, 0, 0, 0.0, 0), Times(1, 8, 8, 0.9, 0), 0.0, 1.0),  # others have them all
        (Times(0, 0, 0, 0.0, 0), Times(1, 8, 1, 2.4, 2.2), 1.0, 1.0),  # counters of different moments
        (Times(0, 0, 0, 0.0, 0), Times(0, 0, 0, 0.0, 0), 0.0, 0.0),
        (Times(0, 9, 9, 9.0, 9), Times(1, 8, 8, 8.0, 8), 0.0, 0.0),  # counters that went back
    ],
)
def test_our_share_and_everybodys(before: Times, after: Times, own: float, everybody: float):
    assert shares_between(before, after, 2.0) == Shares(own, everybody)


@pytest.mark.parametrize(
    ("own", "everybody", "is_mostly_others"),
    [(0.3, 1.0, True), (0.6, 1.0, False), (0.3, 0.8, False), (0.0, 0.0, False)],
)
def test_the_processors_are_taken_by_others_if_none_is_free_and_most_are_theirs(
    own: float, everybody: float, is_mostly_others: bool
):
    assert Shares(own, everybody).is_mostly_others is is_mostly_others


def test_the_cpu_signal_is_what_our_processes_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    counted_s = iter([(0.0, 0.0), (20.0, 20.0)])  # of two CPUs, all of them busy
    monkeypatch.setattr("backends.load_sensors.host_times", partial(next, counted_s))
    monkeypatch.setattr("backends.load_sensors.available_cpus", lambda: 2.0)
    sensors = LoadSensors(
        tmp_path,
        max_cpu_percent=80,
        groups=machine(tmp_path, {}),
        processes=Using(1, busy_s=[5.0, 9.0]),
        clock=partial(next, iter([0.0, 10.0])),
    )
    sensors.look()
    look = sensors.look()
    found = {reading.signal.name: reading.value for reading in look.readings}

    assert (found["cpu"], found["machine_cpu"]) == (0.25, 1.25)
    assert look.is_busy_with_others
