"""The machine, looked at without waiting."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.machine import (
    Machine,
    OwnProcesses,
    ProcessorWaits,
    Sample,
    allowed_cpus,
    available_cpus,
    child_pids,
    children_of,
    own_percent,
    read_quota,
)
from tests.rlimits import no_more_files

MIB = 1 << 20


def sampled(machine: Machine) -> Sample:
    sample = machine.sample()
    assert sample is not None
    return sample


def test_memory_is_that_of_the_process_and_its_children() -> None:
    machine = Machine()
    alone = sampled(machine).memory_bytes
    code = "import sys; held = bytearray(50 << 20); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        together = sampled(machine).memory_bytes
        child.kill()

    assert alone == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)
    assert together - alone > 50 * MIB
    assert sampled(machine).memory_bytes < together - 40 * MIB


def test_the_last_sample_can_be_read_again() -> None:
    machine = Machine()
    assert (machine.memory_bytes, machine.cpu_percent) == (0, 0.0)

    sample = sampled(machine)

    assert (machine.memory_bytes, machine.cpu_percent) == (sample.memory_bytes, sample.cpu_percent)


def test_work_is_seen_as_use_of_the_cpu() -> None:
    now_s = [0.0]
    machine = Machine(clock=lambda: now_s[0])
    machine.sample()
    before = psutil.Process().cpu_times()
    while psutil.Process().cpu_times().user - before.user < 0.2:
        sum(range(10_000))
    now_s[0] += 0.4 / machine.cpus  # of which 0.2 s were used

    assert 45 < sampled(machine).cpu_percent <= 100


def test_the_children_are_looked_up_now_and_then() -> None:
    now_s = [0.0]
    processes = OwnProcesses(clock=lambda: now_s[0], refresh_s=5.0)
    processes.look()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        now_s[0] = 4.9
        assert child.pid not in processes.look()[1]
        now_s[0] = 5.0
        assert child.pid in processes.look()[1]
        child.kill()

    assert child.pid not in processes.look()[1], "one that has ended is left out"


def test_waits_for_a_processor_are_what_the_kernel_counts(tmp_path: Path) -> None:
    file = tmp_path / "schedstat"
    waits = ProcessorWaits(file)
    assert waits.total_s() == 0.0, "on another kernel there is no such file"
    file.write_text("441119103 739618846 154\n")

    assert waits.total_s() == 0.739618846
    assert ProcessorWaits().total_s() >= 0.0


def test_looking_twice_at_once_is_no_division_by_nothing() -> None:
    machine = Machine(clock=lambda: 5.0)
    machine.sample()

    assert 0 <= sampled(machine).cpu_percent <= 100


def test_without_a_descriptor_left_there_is_no_sample_and_the_last_one_stands() -> None:
    machine = Machine()
    last = sampled(machine)
    with no_more_files():
        assert machine.sample() is None

    assert machine.memory_bytes == last.memory_bytes
    assert machine.sample() is not None


def test_the_memory_of_the_machine_is_told_in_shares_and_gigabytes() -> None:
    memory = Machine().memory()

    assert 0 < memory.usage_percent < 100
    assert 0 < memory.available_gb <= psutil.virtual_memory().total / (1 << 30)


@pytest.mark.parametrize(
    ("before", "after", "elapsed_s", "cpus", "percent"),
    [
        ({1: 10.0}, {1: 11.0}, 1.0, 2.0, 50.0),
        ({1: 10.0, 2: 5.0}, {1: 10.5, 2: 6.5}, 1.0, 2.0, 100.0),
        ({1: 10.0, 2: 500.0}, {1: 10.5}, 1.0, 1.0, 50.0),
        ({1: 10.0}, {1: 10.5, 2: 300.0}, 1.0, 1.0, 50.0),
        ({1: 10.0}, {1: 19.0}, 1.0, 2.0, 100.0),
        ({1: 10.0}, {1: 9.0}, 1.0, 2.0, 0.0),
        ({}, {1: 9.0}, 0.0, 2.0, 0.0),
    ],
)
def test_own_use_counts_what_was_seen_at_both_looks(
    before: dict[int, float], after: dict[int, float], elapsed_s: float, cpus: float, percent: float
) -> None:
    assert own_percent(before, after, elapsed_s, cpus) == percent


SECONDS = st.dictionaries(st.integers(1, 9), st.floats(0, 1e6))


@given(SECONDS, SECONDS, st.floats(0, 1e6), st.floats(0.1, 256))
def test_own_use_is_a_percentage(
    before: dict[int, float], after: dict[int, float], elapsed_s: float, cpus: float
) -> None:
    assert 0 <= own_percent(before, after, elapsed_s, cpus) <= 100


def test_the_allowed_cpus_are_those_of_the_scheduler() -> None:
    assert 1 <= len(allowed_cpus()) <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({"cpu.max": "50000 0"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_a_quota_of_a_container_is_read(tmp_path: Path, files: dict[str, str], cpus: float | None) -> None:
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    assert read_quota(tmp_path) == cpus


def test_a_small_quota_is_what_there_is_and_a_large_one_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("25000 100000")
    assert available_cpus(tmp_path) == 0.25

    (tmp_path / "cpu.max").write_text("99900000 100000")
    assert available_cpus(tmp_path) == len(allowed_cpus())


def test_the_processes_below_one_are_found_with_and_without_lists_of_children(tmp_path: Path) -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        ours = psutil.Process()
        found = {process.pid for process in children_of(ours)}
        assert child.pid in found
        assert found == {process.pid for process in children_of(ours, tmp_path)}
        assert {process.ppid() for process in children_of(psutil.Process(child.pid))} == {child.pid}


def test_a_process_that_has_ended_has_no_children(tmp_path: Path) -> None:
    assert child_pids(tmp_path / "1234") == ()
