"""A lock between two openers of one file."""

import os
from pathlib import Path

import pytest

from backends.keys import file_lock
from backends.keys.file_lock import FileInUse, take_lock


def test_a_file_has_one_lock_which_ends_with_its_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "LOCK_WITHIN_S", 0.0)
    path = tmp_path / "lock"
    first, second = (os.open(path, os.O_RDWR | os.O_CREAT) for _ in range(2))
    take_lock(first, path)
    with pytest.raises(FileInUse, match="is being changed by another process"):
        take_lock(second, path)
    os.close(first)
    take_lock(second, path)
    os.close(second)
