import errno
import shutil
from functools import partial
from pathlib import Path

import pytest

from backends.load_sensors import CpuMeter, LoadSensors, Times, free_disk_share, open_files_share, used_share
from tests.backends.test_cgroup import machine, v2
from tests.rlimits import no_more_files

GIB = 1 << 30


def values(sensors: LoadSensors) -> dict[str, float | None]:
    readings, _ = sensors.look()
    return {reading.signal.name: reading.value for reading in readings}


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
    }
    assert all(0 < (found[name] or 0) < 1 for name in ("memory", "free_disk", "open_files"))


@pytest.mark.parametrize(("own_share", "share"), [(0.1, 0.25), (0.9, 0.9)])
def test_an_operators_limit_is_for_what_the_server_uses_itself(tmp_path: Path, own_share: float, share: float):
    groups = machine(tmp_path, {})  # of which others use a quarter

    assert values(LoadSensors(tmp_path, max_cpu_percent=80, groups=groups))["memory"] == 0.25
    assert (
        values(LoadSensors(tmp_path, max_cpu_percent=80, groups=groups, own_memory_share=lambda: own_share))["memory"]
        == share
    )


def test_throttling_is_counted_from_the_last_look(tmp_path: Path):
    groups = machine(tmp_path, v2(cpu__stat="nr_periods 100\nnr_throttled 50\n"))
    sensors = LoadSensors(tmp_path, max_cpu_percent=80, groups=groups)
    assert values(sensors)["cpu_throttled"] == 0.0
    machine(tmp_path, v2(cpu__stat="nr_periods 110\nnr_throttled 53\n"))

    assert values(sensors)["cpu_throttled"] == 0.3


def test_a_kill_for_memory_is_told_once(tmp_path: Path):
    groups = machine(tmp_path, v2(memory__events="oom_kill 1\n"))
    sensors = LoadSensors(tmp_path, max_cpu_percent=80, groups=groups)
    assert not sensors.look()[1]
    machine(tmp_path, v2(memory__events="oom_kill 2\n"))

    assert [sensors.look()[1] for _ in range(2)] == [True, False]


def test_open_files_are_a_share_of_the_limit(tmp_path: Path):
    for number in range(5):
        (tmp_path / str(number)).touch()

    assert open_files_share(tmp_path, lambda: 20) == 0.25
    assert open_files_share(tmp_path, lambda: -1) is None
    assert open_files_share(tmp_path / "nowhere", lambda: 20) is None


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_its_parent(tmp_path: Path):
    assert free_disk_share(tmp_path / "a" / "b") == free_disk_share(tmp_path)


def test_without_a_descriptor_left_all_files_are_open_and_the_rest_is_absent(tmp_path: Path):
    groups = machine(tmp_path, v2(memory__events="oom_kill 1\n", memory__max=GIB, memory__current=1))
    sensors = LoadSensors(tmp_path, max_cpu_percent=80, groups=groups)
    with no_more_files():
        readings, was_killed = sensors.look()
    found = {reading.signal.name: reading.value for reading in readings}

    assert (found["open_files"], found["memory"], was_killed) == (1.0, None, False)
    assert sensors.look()[1] is False, "what could not be read meanwhile was no kill"


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
    assert meter.share() is None
    assert meter.share() == 0.5
    assert meter.share() == 0.1
    assert meter.share() == pytest.approx(4 / 12), "since the look at one second"


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        (Times(0, 0, 0, None), Times(1, 2, 1, None), 0.5),
        (Times(0, 0, 0, 0.0), Times(1, 8, 1, 0.9), 0.45),  # two CPUs of eight are allowed by a quota
        (Times(0, 0, 0, 0.0), Times(1, 8, 8, 0.9), 1.0),  # others have them all
        (Times(0, 0, 0, 0.0), Times(1, 8, 1, 2.4), 1.0),  # counters of different moments
        (Times(0, 0, 0, 0.0), Times(0, 0, 0, 0.0), 0.0),
        (Times(0, 9, 9, 9.0), Times(1, 8, 8, 8.0), 0.0),  # counters that went back
    ],
)
def test_the_larger_share_counts(before: Times, after: Times, share: float):
    assert used_share(before, after, 2.0) == share
