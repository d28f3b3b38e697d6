import json

import pytest

from backends.builtin.store import JsonFile


def test_what_was_written_is_read_back(tmp_path):
    file = JsonFile(tmp_path / "deep" / "notes.json")

    file.write(["Käse", {"a": 1}])

    assert JsonFile(file.path).read() == ["Käse", {"a": 1}]
    assert [path.name for path in file.path.parent.iterdir()] == ["notes.json"]


def test_a_file_that_is_not_there_is_none(tmp_path):
    assert JsonFile(tmp_path / "none.json").read() is None


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe\x00"])
def test_a_damaged_file_is_set_aside_and_kept(tmp_path, damage, caplog):
    path = tmp_path / "notes.json"
    for _ in range(2):
        path.write_bytes(damage)
        assert JsonFile(path).read() is None

    assert sorted(each.name for each in tmp_path.iterdir()) == ["notes.damaged-1", "notes.damaged-2"]
    assert (tmp_path / "notes.damaged-1").read_bytes() == damage
    assert "is damaged" in caplog.text


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    file = JsonFile(tmp_path / "notes.json")
    file.write(["old"])

    with pytest.raises(TypeError):
        file.write([object()])

    assert json.loads(file.path.read_text()) == ["old"]
