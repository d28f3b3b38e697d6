import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from backends.replicas.state_file import ReplicasState, ShownReplica, own_state, write_state
from cli import main

BEFORE = (ShownReplica("replica-1", 11, 1), ShownReplica("replica-2", 12, 1))


def restart(data: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["restart", *options, "--set", f"supervisor.data_dir={data}"])


@pytest.fixture
def keeper(bare_environment: Path, tmp_path: Path) -> Iterator[Callable[[ReplicasState], None]]:
    """Be the keeper: write a first state, and when told to restart write the next one."""
    then: list[ReplicasState] = []
    first = attrs.evolve(own_state(), replicas=BEFORE)
    write_state(tmp_path, first)
    before = signal.signal(signal.SIGHUP, lambda _number, _frame: write_state(tmp_path, then.pop(0)))
    yield then.append
    signal.signal(signal.SIGHUP, before)


def test_each_new_replica_is_told(keeper: Callable[[ReplicasState], None], tmp_path: Path) -> None:
    after = (ShownReplica("replica-1", 21, 2), ShownReplica("replica-2", 22, 2))
    keeper(attrs.evolve(own_state(), replicas=after, restarts=1, phase="done"))
    result = restart(tmp_path, "--rolling")
    assert result.output == "replica-1: process 21\nreplica-2: process 22\nall replicas are new\n"
    assert result.exit_code == 0


def test_a_restart_that_failed_is_told_with_its_reason(keeper: Callable[[ReplicasState], None], tmp_path: Path) -> None:
    why = "replica-1: it has ended with exit code 2"
    keeper(attrs.evolve(own_state(), replicas=BEFORE, restarts=1, phase="failed", why=why))
    result = restart(tmp_path, "--rolling")
    assert result.exit_code == 1
    assert f"Error: {why}; the others go on as they were" in result.output


def test_a_restart_that_runs_is_not_begun_again(keeper: Callable[[ReplicasState], None], tmp_path: Path) -> None:
    write_state(tmp_path, attrs.evolve(own_state(), replicas=BEFORE, phase="running", restarts=1))
    result = restart(tmp_path, "--rolling")
    assert result.exit_code == 1
    assert "they are being restarted already" in result.output


def test_a_single_server_has_no_replicas(bare_environment: Path, tmp_path: Path) -> None:
    result = restart(tmp_path, "--rolling")
    assert result.exit_code == 1
    assert "A single server is restarted by its service manager" in result.output


def test_that_it_goes_one_after_the_other_must_be_said(bare_environment: Path, tmp_path: Path) -> None:
    assert restart(tmp_path).exit_code == 2
