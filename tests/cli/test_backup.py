"""The command, on a database of its own."""

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main

pytestmark = pytest.mark.usefixtures("bare_environment")


def test_a_database_of_postgresql_is_for_its_own_programs(tmp_path: Path) -> None:
    command = ["backup", "--set", "history.url=postgresql://sayso:hunter2@db/sayso", str(tmp_path / "copy.db")]
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, "pg_dump" in result.output) == (1, True)
    assert "hunter2" not in result.output


def test_the_database_is_copied_to_a_new_file(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "history.db") as database:
        database.execute("CREATE TABLE things (name TEXT)")
    database.close()
    command = ["backup", "--set", f"supervisor.data_dir={tmp_path}", str(tmp_path / "copy.db")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert result.output == f"{tmp_path / 'copy.db'}: 0.0 MB\n"
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT name FROM sqlite_master").fetchall() == [("things",)]
    copy.close()
    again = CliRunner().invoke(main, command)
    assert (again.exit_code, "exists already" in again.output) == (1, True)
