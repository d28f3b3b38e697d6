import errno
import fcntl
import json
import os
import stat

import pytest

from backends.builtin.store import JsonFile, StoreBusy


def put(file, value):
    with file.locked():
        file.write(value)


def test_what_was_written_is_read_back(tmp_path):
    file = JsonFile(tmp_path / "deep" / "notes.json")

    put(file, ["Käse", {"a": 1}])

    assert JsonFile(file.path).read() == ["Käse", {"a": 1}]
    assert sorted(path.name for path in file.path.parent.iterdir()) == [".notes.json.lock", "notes.json"]


def test_a_file_that_is_not_there_is_none(tmp_path):
    assert JsonFile(tmp_path / "none.json").read() is None


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe\x00"])
def test_a_damaged_file_is_set_aside_and_kept(tmp_path, damage, caplog):
    path = tmp_path / "notes.json"
    for _ in range(2):
        path.write_bytes(damage)
        assert JsonFile(path).read() is None

    assert sorted(each.name for each in tmp_path.glob("notes*")) == ["notes.damaged-1", "notes.damaged-2"]
    assert (tmp_path / "notes.damaged-1").read_bytes() == damage
    assert "is damaged" in caplog.text


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    file = JsonFile(tmp_path / "notes.json")
    put(file, ["old"])

    with pytest.raises(TypeError):
        put(file, [object()])

    assert json.loads(file.path.read_text()) == ["old"]


def test_what_another_process_wrote_is_seen_at_the_next_read(tmp_path):
    mine, theirs = JsonFile(tmp_path / "notes.json"), JsonFile(tmp_path / "notes.json")
    put(mine, ["a"])
    assert mine.read() == ["a"]

    for value in (["b"], ["c"], ["d"]):  # of one size, and within one tick of the file system's clock
        put(theirs, value)
        assert mine.read() == value


def test_a_file_that_did_not_change_is_parsed_once(tmp_path):
    file = JsonFile(tmp_path / "notes.json")
    put(file, ["a"])
    os.utime(file.path, (1_000.0, 1_000.0))

    assert file.read() is file.read()
    os.utime(file.path, (2_000.0, 2_000.0))
    assert file.read() == ["a"]


def test_a_change_while_another_process_makes_one_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr("backends.builtin.store.LOCK_WITHIN_S", 0.0)
    mine, theirs = JsonFile(tmp_path / "notes.json"), JsonFile(tmp_path / "notes.json")

    with theirs.locked():
        with pytest.raises(StoreBusy, match="being changed elsewhere"), mine.locked():
            pytest.fail("two changes at a time")
        theirs.write(["theirs"])
        assert mine.read() == ["theirs"], "reading needs no lock"

    put(mine, ["mine"])
    assert theirs.read() == ["mine"]


def test_a_file_is_not_written_without_its_lock(tmp_path):
    with pytest.raises(AssertionError, match="locked"):
        JsonFile(tmp_path / "notes.json").write([])


def test_where_nothing_can_be_locked_it_is_said_once(tmp_path, monkeypatch, caplog):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    file = JsonFile(tmp_path / "notes.json")
    put(file, ["a"])
    put(file, ["b"])

    assert file.read() == ["b"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{file.path} cannot be locked here (No locks available): only one server may use it"
    ]


def test_only_its_owner_may_read_the_file_and_its_folder(tmp_path):
    file = JsonFile(tmp_path / "tools" / "notes.json")
    before = os.umask(0o000)
    try:
        put(file, ["a"])
        file.path.chmod(0o644)  # as an older version wrote it
        put(file, ["b"])
    finally:
        os.umask(before)

    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.path.parent.iterdir()} == {0o600}
