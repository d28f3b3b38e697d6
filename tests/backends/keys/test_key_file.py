"""The file of the keys, with real files."""

import fcntl
import os
import stat
from pathlib import Path

import pytest

from backends.keys import file_lock
from backends.keys.key_file import FILE_MAX_BYTES, KeyFile, KeyFileError, KeyFileUnfit
from protocol.admission.keys import AccessKey
from protocol.messages.identity import Scope

KEY = AccessKey("0123456789ab", "phone", "ann", frozenset({Scope.TALK, Scope.READ}), "d" * 64, 1.0, 2.0)


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile.in_folder(tmp_path / "data")


def write(file: KeyFile, *keys: AccessKey) -> None:
    with file.locked():
        file.write(keys)


def test_without_a_file_there_are_no_keys(file: KeyFile) -> None:
    assert file.read() == ()
    assert file.signature() is None


def test_what_was_written_is_read_again(file: KeyFile) -> None:
    write(file, KEY)
    assert KeyFile(file.path).read() == (KEY,)
    write(file)
    assert file.read() == ()


def test_the_file_and_its_folder_are_for_the_owner_only_whatever_the_umask(file: KeyFile) -> None:
    before = os.umask(0)
    try:
        write(file, KEY)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert {path.name for path in file.path.parent.iterdir()} == {"keys.json", "keys.lock"}


def test_each_change_is_seen_by_the_signature(file: KeyFile) -> None:
    write(file, KEY)
    before = file.signature()
    assert file.signature() == before
    write(file, KEY)
    assert file.signature() != before


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "is no file of keys"),
        (b"{", "is no file of keys"),
        (b"[]", "is no file of keys"),
        (b'{"version": 1, "keys": [{"key_id": "\xff"}]}', "is no file of keys"),
        (b"[" * 100_000, "is no file of keys"),
        (b'{"version": 1, "keys": [{"key_id": 7}]}', "is no file of keys"),
        (
            (
                b'{"version": 1, "keys": [{"key_id": "a", "name": "phone", "user": "ann", "scopes": ["talk"],'
                b' "digest": "\xc3\xa4", "created_at_s": 1}]}'
            ),
            "the digest of 'phone' is not 64 hexadecimal digits",
        ),
        (b'{"version": 2, "keys": []}', "another version of sayso: version 2"),
        (b" " * (FILE_MAX_BYTES + 1), "must have at most"),
    ],
)
def test_a_file_that_cannot_be_understood_is_an_error_and_never_no_keys(
    file: KeyFile, contents: bytes, reason: str
) -> None:
    write(file)
    file.path.write_bytes(contents)
    with pytest.raises(KeyFileError, match=reason):
        file.read()


def test_a_folder_in_its_place_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "keys.json").mkdir()
    with pytest.raises(KeyFileError, match=r"keys\.json: Is a directory"):
        KeyFile.in_folder(tmp_path).read()


def test_a_change_that_fails_leaves_the_old_keys(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, KEY)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="No space left on device"):
        write(file)
    assert file.read() == (KEY,)
    assert {path.name for path in file.path.parent.iterdir()} == {"keys.json", "keys.lock"}, "no draft is left"


def test_a_change_is_on_the_disk_with_its_name_before_it_is_told(
    file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    write(file, KEY)
    assert synced == [False, True], "the file, and then the folder that names it"


def test_keys_that_every_user_may_write_are_an_error(file: KeyFile) -> None:
    write(file, KEY)
    file.path.chmod(0o602)
    with pytest.raises(KeyFileUnfit, match="may be written by every user"):
        file.read()


def test_two_changes_do_not_overlap(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "LOCK_WITHIN_S", 0.0)
    with file.locked(), pytest.raises(KeyFileError, match="is being changed by another process"), file.locked():
        pass
    with file.locked():
        pass


def test_a_lock_that_cannot_be_had_is_an_error_in_words(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(KeyFileError, match="No locks available"), file.locked():
        pass
