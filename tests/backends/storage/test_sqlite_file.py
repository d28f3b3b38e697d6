import sqlite3
from pathlib import Path

import pytest

from backends.storage.sqlite_file import check, identity_of, is_damage, set_aside


@pytest.mark.parametrize(
    ("name", "damaged"),
    [
        ("SQLITE_CORRUPT", True),
        ("SQLITE_CORRUPT_INDEX", True),
        ("SQLITE_NOTADB", True),
        ("SQLITE_FULL", False),
        ("SQLITE_BUSY", False),
        ("SQLITE_READONLY", False),
        ("", False),
    ],
)
def test_only_damage_is_damage(name: str, damaged: bool) -> None:
    error = sqlite3.DatabaseError()
    error.sqlite_errorname = name

    assert is_damage(error) is damaged


def test_a_file_is_set_aside_with_its_log_under_a_free_name(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    for expected in ("history.db.damaged-1", "history.db.damaged-2"):
        path.write_text("x")
        path.with_name("history.db-wal").write_text("log")
        assert set_aside(path).name == expected
        assert (tmp_path / f"{expected}-wal").read_text() == "log"
    assert identity_of(path) is None


def test_a_whole_file_passes_the_check(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db")
    check(connection)
    connection.close()
    assert identity_of(tmp_path / "a.db") is not None
