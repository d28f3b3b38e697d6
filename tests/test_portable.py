"""Which Pythons ``make portable`` chooses, and what it makes of them."""

import subprocess
from pathlib import Path

import pytest

from tests.portable import __main__ as tool
from tests.portable.pythons import by_version, oldest_and_newest


def test_the_first_command_of_each_version_is_taken_and_what_is_older_or_does_not_run_is_not():
    versions = {"a": (3, 12), "b": None, "c": (3, 12), "d": (3, 10), "e": (3, 11)}
    assert by_version(versions, versions.__getitem__) == {(3, 12): "a", (3, 11): "e"}


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ({}, {}),
        ({(3, 12): "a"}, {(3, 12): "a"}),
        ({(3, 12): "a", (3, 13): "b", (3, 11): "c"}, {(3, 11): "c", (3, 13): "b"}),
    ],
)
def test_tests_run_on_the_oldest_and_the_newest(found, chosen):
    assert oldest_and_newest(found) == chosen


def test_an_environment_is_made_of_hashed_requirements_alone():
    make, *requirements, sayso = tool.steps("python3.12", Path("env"), "env/bin/python")
    assert make == ("python3.12", "-m", "venv", "--clear", "env")
    assert all("--require-hashes" in step for step in requirements)
    assert "--no-deps" in sayso


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Let no command run; what would have run is kept."""
    ran = []

    def run(command):
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, "= 7 passed in 1.00s =\n")

    monkeypatch.setattr(tool, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(tool, "run", run)
    return ran


def test_an_environment_is_made_once_and_again_when_requirements_change(commands, tmp_path):
    (tmp_path / "3.12").mkdir()
    for _ in range(2):
        assert tool.run_on((3, 12), "python3.12").returncode == 0
    assert len(commands) == len(tool.steps("", tmp_path, "")) + 2

    (tmp_path / "3.12" / "requirements.txt").write_text("older")
    tool.run_on((3, 12), "python3.12")
    assert len(commands) == 2 * len(tool.steps("", tmp_path, "")) + 3


def test_each_python_and_this_one_without_linux_are_told_of(commands, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "version_of", {"a": (3, 11), "b": (3, 13)}.get)
    for name in ("3.11", "3.13"):
        (tmp_path / name).mkdir()
    assert tool.main(["a", "b"]) == 0
    assert [line.partition(";")[0] for line in sorted(capsys.readouterr().out.splitlines())] == [
        "Python 3.11: 7 passed in 1.00s",
        "Python 3.13: 7 passed in 1.00s",
        "without Linux: 7 passed in 1.00s",
    ]


def test_what_failed_is_shown_and_ends_with_one(capsys, monkeypatch):
    failed = subprocess.CompletedProcess((), 1, "FAILED a\n1 failed in 2.00s\n")
    assert not tool.show("Python 3.11", lambda: failed)
    assert capsys.readouterr().out.startswith("FAILED a\nPython 3.11: 1 failed in 2.00s; 0 s")

    monkeypatch.setattr(tool, "version_of", lambda _: None)
    assert tool.main(["python2"]) == 1
    assert "none of these is a Python to test on: python2" in capsys.readouterr().out
