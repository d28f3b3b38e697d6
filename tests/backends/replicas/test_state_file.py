import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from backends.replicas.state_file import (
    NoReplicas,
    ShownReplica,
    ask_restart,
    own_state,
    read_state,
    remove_state,
    write_state,
)


def test_what_is_written_is_read_and_only_its_owner_may(tmp_path: Path) -> None:
    state = attrs.evolve(own_state(), replicas=(ShownReplica("replica-1", 7, 2),), restarts=1, phase="done")
    write_state(tmp_path / "data", state)
    assert read_state(tmp_path / "data") == state
    assert stat.S_IMODE((tmp_path / "data/replicas.json").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["replicas.json"]


def test_without_replicas_it_is_told_how_they_are_started(tmp_path: Path) -> None:
    with pytest.raises(NoReplicas, match=r"replicas\.count above 1"):
        read_state(tmp_path)
    write_state(tmp_path, own_state())
    remove_state(tmp_path)
    remove_state(tmp_path)  # it may be gone
    with pytest.raises(NoReplicas):
        read_state(tmp_path)


def test_a_file_that_is_no_state_is_told(tmp_path: Path) -> None:
    (tmp_path / "replicas.json").write_text('{"pid": "seven"}')
    with pytest.raises(NoReplicas, match="cannot be read"):
        read_state(tmp_path)


def test_a_keeper_that_is_gone_is_told_also_when_its_number_is_used_again(tmp_path: Path) -> None:
    state = own_state()
    write_state(tmp_path, attrs.evolve(state, started_s=state.started_s - 60.0))
    with pytest.raises(NoReplicas, match="does not run any more"):
        read_state(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_state(tmp_path, attrs.evolve(state, pid=gone.pid))
    with pytest.raises(NoReplicas, match="does not run any more"):
        read_state(tmp_path)
    with pytest.raises(NoReplicas, match="cannot be told: No such process"):
        ask_restart(attrs.evolve(state, pid=gone.pid))


def test_a_keeper_is_told_by_a_signal() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _frame: seen.append(number))
    try:
        ask_restart(own_state())
    finally:
        signal.signal(signal.SIGHUP, before)
    assert seen == [signal.SIGHUP]
    assert own_state().pid == os.getpid()
