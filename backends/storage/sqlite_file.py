"""The file of a SQLite database: which one it is, whether it is damaged, and how it is set aside."""

import sqlite3
from pathlib import Path
from typing import Final

Identity = tuple[int, int]

CHECKED_MAX_BYTES: Final = 64 << 20  # SQLite checks that in about 0.2 s; beyond it damage is found when it is met
DAMAGED: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
SIDE_FILES: Final = ("-wal", "-shm")


def identity_of(path: Path) -> Identity | None:
    """Return device and inode of the file at ``path``, ``None`` if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def check(connection: sqlite3.Connection) -> None:
    """Raise ``sqlite3.DatabaseError`` with the code of damage if SQLite finds some."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorname = "SQLITE_CORRUPT"
        raise error


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Return whether an error means that the file is damaged, and not that it is locked, read-only or the disk full."""
    name = getattr(error, "sqlite_errorname", "")
    return any(name == code or name.startswith(f"{code}_") for code in DAMAGED)


def set_aside(path: Path) -> Path:
    """Rename the file to the first free ``<name>.damaged-<n>``, its log with it; return the new path."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for side in SIDE_FILES:
        file = path.with_name(path.name + side)
        if file.exists():
            file.rename(aside.with_name(aside.name + side))
    path.rename(aside)
    return aside
