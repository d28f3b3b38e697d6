"""The benchmarks of the runtime and of sessions still run: tiny counts, and no figure is judged."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 400


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, "-m", f"bench.{name}", *arguments, "--dry"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def row(name: str, table: str) -> list[float]:
    """Return the figures of a row of a printed table."""
    found = re.search(rf"│ {name} +│(.*)", table)
    assert found is not None, table
    return [float(figure.replace(",", "")) for figure in re.findall(r"-?[\d.,]*\d", found[1])]


def test_asks_tells_and_restarts_are_compared_with_bare_trio() -> None:
    shown = run("runtime", "--only", "ask,tell,restart", "--rounds", "1", "--messages", "50", "--restarts", "3")
    assert all(figure > 0 for figure in row("sayso", shown))
    assert row("trio channels", shown)[3:] == [1, 1, 1]


def test_a_worker_killed_in_its_job_is_followed_by_one_that_does_it() -> None:
    shown = run("runtime", "--only", "handover,kill", "--rounds", "1", "--jobs", "2", "--load-s", "0")
    assert len(re.findall(r"│ sayso", shown)) == 3


def test_sessions_leave_no_task_descriptor_or_process_behind() -> None:
    shown = run("sessions", "--count", "20", "--sockets", "5", "--idle-s", "0.2")
    assert row("sessions", shown) == [20, 5]
    for what in ("tasks", "fds", "children"):
        assert set(re.findall(rf"\b{what} (-?\d+)", shown)) == {"0"}, what


def test_an_unknown_comparison_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AssertionError, match="expected some of ask, tell"):
        run("runtime", "--only", "nonsense")
