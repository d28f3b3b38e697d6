"""The tests have the same environment on every machine: tests/conftest.py hides the user's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SET, WITHOUT_A_CLOCK
from tests.source_tree import ROOT, imported_modules, python_files

HOSTILE = {
    "TIMEOUT": "soon",
    "SAYSO_GATEWAY__PORT": "-1",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "TZ": "Pacific/Kiritimati",
    "LANG": "tr_TR.UTF-8",
    "COLUMNS": "20",
}


def test_no_variable_of_the_users_is_seen() -> None:
    assert not set(os.environ) & (set(HOSTILE) - set(SET)), "tests themselves may set others"
    assert {name: os.environ[name] for name in SET} == SET
    assert "pytest" in Path.home().as_posix()


def test_tests_of_settings_pass_whatever_the_user_has_set(tmp_path: Path) -> None:
    (tmp_path / ".config" / "sayso").mkdir(parents=True)
    (tmp_path / ".config" / "sayso" / "sayso.toml").write_text("nonsense = 1\n")
    named = ("tests/test_environment.py::test_no_variable_of_the_users_is_seen", "tests/cli/test_settings.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *named]
    environ = {**os.environ, **HOSTILE, "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == pytest.ExitCode.OK, done.stdout


def test_the_sources_whose_tests_are_not_repeated_on_a_busy_machine_import_nothing_that_waits() -> None:
    waiting = {"trio", "anyio", "asyncio", "time", "signal", "socket", "select", "subprocess", "multiprocessing"}
    folders = tuple(name for name in WITHOUT_A_CLOCK if name.endswith("/"))
    sources = [path for path in python_files() if path.as_posix().startswith(folders)]
    found = {str(path) for path in sources for name, _ in imported_modules(path) if name.partition(".")[0] in waiting}
    assert sources
    assert found == set()


def test_no_test_keeps_anything_for_the_next_run() -> None:
    kept = [str(path) for path in (ROOT / "tests").rglob("*.py") if KEEPING in path.read_text(encoding="utf-8")]
    assert kept == []


KEEPING = "get" + "tempdir"  # a folder of one's own is made by tmp_path or tmp_path_factory
