import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backends.keys.key_file import KeyFileError
from backends.keys.token_secret import token_secret

NEW, LATER = b"n" * 32, b"l" * 32


def test_the_secret_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert token_secret(folder, NEW) == NEW
    assert token_secret(folder, LATER) == NEW
    assert stat.S_IMODE((folder / "tokens.secret").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["tokens.secret"]


def test_a_secret_that_was_never_written_is_made(tmp_path: Path) -> None:
    (tmp_path / "tokens.secret").touch()  # its maker was killed
    assert token_secret(tmp_path, NEW) == NEW


def test_of_many_that_come_at_once_all_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: token_secret(tmp_path, bytes([number]) * 32), range(64)))
    assert len(set(found)) == 1


def test_a_secret_that_is_no_good_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "tokens.secret").write_bytes(b"short")
    with pytest.raises(KeyFileError, match="must have 32 bytes, not 5: delete it"):
        token_secret(tmp_path, NEW)


def test_a_secret_that_may_only_be_read_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens.secret").write_bytes(NEW)

    def is_read_only(path: Path, flags: int) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))  # as a mounted secret answers, root too

    monkeypatch.setattr("backends.keys.token_secret.open_private", is_read_only)
    assert token_secret(tmp_path, LATER) == NEW
    with pytest.raises(KeyFileError, match="Read-only file system"):
        token_secret(tmp_path / "elsewhere", LATER)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyFileError, match=r"file/tokens\.secret"):
        token_secret(tmp_path / "file", NEW)
