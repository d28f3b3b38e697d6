"""A copy of the history file that is whole at one moment, taken while servers write.

Rules kept here:

* The copy is checked before it gets its name, and nothing that exists is overwritten.
* It is readable for its owner only, as the file itself is.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from backends.private_files import open_private
from backends.protocols import StoreError
from backends.storage.sqlite_file import check

LOCK_TIMEOUT_S: Final = 30.0


def back_up(source: Path, target: Path) -> int:
    """Copy the database at ``source`` to a new file; return its size in bytes. Raises ``StoreError``.

    All pages are read in one transaction (https://sqlite.org/backup.html): in a file with a write-ahead log that
    delays no writer.
    """
    if not source.is_file():
        raise StoreError(f"there is no database at {source}")
    if target.exists():
        raise StoreError(f"{target} exists already, and is not overwritten")
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        os.close(open_private(part, os.O_RDWR | os.O_EXCL))
        try:
            _copy(source, part)
            os.link(part, target)  # fails if there is such a file by now
        finally:
            part.unlink()
        _sync(target.parent)
        return target.stat().st_size
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{source} was not copied to {target}: {error}") from error


def _copy(source: Path, part: Path) -> None:
    with (
        closing(sqlite3.connect(source, timeout=LOCK_TIMEOUT_S)) as reader,
        closing(sqlite3.connect(part, timeout=LOCK_TIMEOUT_S)) as copy,
    ):
        reader.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        check(copy)
    _sync(part)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
