import errno
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest

from backends.ingress import uploads
from backends.ingress.api_errors import ApiError
from backends.ingress.uploads import Storage, UploadFile
from tests.systems import on_linux


@pytest.fixture(params=[True, False], ids=["without a name", "with a name"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made, on a system that can and on one that cannot open files without a name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not request.param:
        monkeypatch.setattr(uploads, "OPEN_FILES", tmp_path / "missing")
    return tmp_path


def test_what_is_written_can_be_read_by_its_path_and_by_this_user_only(folder: Path) -> None:
    file = UploadFile(Storage())
    file.write(b"some")
    file.write(b"thing")
    file.seek(0)
    path = Path(file.path)
    assert path.read_bytes() == b"something"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file.close()


def test_nothing_is_left_after_it_is_closed(folder: Path) -> None:
    storage = Storage()
    file = UploadFile(storage)
    file.write(b"something")
    path = Path(file.path)
    assert storage.stored_bytes == 9
    file.close()
    assert not path.exists()
    assert list(folder.iterdir()) == []
    assert storage.stored_bytes == 0


@on_linux
def test_a_file_without_a_name_leaves_nothing_however_the_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = UploadFile(Storage())
    file.write(b"something")
    assert list(tmp_path.iterdir()) == []
    file.close()


def test_all_uploads_together_are_bounded() -> None:
    storage = Storage(max_bytes=3 << 20)
    first, second = UploadFile(storage), UploadFile(storage)
    first.write(bytes(2 << 20))
    second.write(bytes(1 << 20))
    with pytest.raises(ApiError, match="uploads hold 3 MB already, and may hold no more") as caught:
        second.write(b"x")
    assert (caught.value.status, caught.value.retry_after_s) == (503, 10.0)
    first.close()
    second.write(b"x")
    second.close()
    assert storage.stored_bytes == 0


@pytest.mark.parametrize("written", [OSError(errno.ENOSPC, "No space left on device"), 2])
def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, written: OSError | int) -> None:
    class FullDisk:
        def __init__(self, **_: object) -> None:
            pass

        def write(self, _data: bytes) -> int:
            if isinstance(written, OSError):
                raise written
            return written

        def close(self) -> None:
            pass

    full: Any = FullDisk
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    storage = Storage()
    file = UploadFile(storage)
    with pytest.raises(ApiError, match="the recording cannot be stored: ") as caught:
        file.write(b"something")
    assert caught.value.status == 503
    file.close()
    assert storage.stored_bytes == 0
