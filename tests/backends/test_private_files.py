import errno
import os
import re
import stat

import pytest

from backends.private_files import make_private_folder, open_private, prepare


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def data_dir(tmp_path):
    """A folder as an older version made it, with all that is kept in it."""
    folder = tmp_path / "sayso"
    (folder / "tools").mkdir(parents=True)
    for name in ("history.db", "history.db-wal", "history.db.damaged-1", "tools/notes.json", "tools/lists.json"):
        (folder / name).write_text("x")
        (folder / name).chmod(0o644)
    for each in (folder, folder / "tools"):
        each.chmod(0o755)
    return folder


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_folders_and_files_are_for_their_owner_whatever_the_umask(tmp_path, umask):
    make_private_folder(tmp_path / "a" / "b")
    make_private_folder(tmp_path / "a" / "b")
    file = tmp_path / "a" / "b" / "c"
    os.close(open_private(file, os.O_WRONLY))

    assert [mode(path) for path in (tmp_path / "a", tmp_path / "a" / "b", file)] == [0o700, 0o700, 0o600]


def test_a_folder_that_is_there_is_not_changed_and_a_file_is(tmp_path):
    tmp_path.chmod(0o755)
    file = tmp_path / "file"
    file.touch(0o644)
    make_private_folder(tmp_path)
    os.close(open_private(file, os.O_RDWR))

    assert (mode(tmp_path), mode(file)) == (0o755, 0o600)


def test_what_an_older_version_left_open_is_closed_and_told_once(data_dir):
    history = data_dir / "history.db"
    (told,) = prepare(data_dir, history, is_default=True)

    assert told.startswith(f"closed to other users, which could open it: {data_dir}, {data_dir / 'tools'}, {history}, ")
    assert told.endswith(" and 2 more")
    assert {mode(path) for path in data_dir.rglob("*") if path.is_file()} == {0o600}
    assert [mode(path) for path in (data_dir, data_dir / "tools")] == [0o700, 0o700]
    assert prepare(data_dir, history, is_default=True) == []


def test_a_chosen_folder_is_left_as_it_is_with_a_warning(data_dir):
    stranger = data_dir / "holiday.jpg"
    stranger.touch(0o644)
    stranger.chmod(0o644)
    prepare(data_dir, data_dir / "history.db", is_default=False)
    told = prepare(data_dir, data_dir / "history.db", is_default=False)

    assert told == [f"{data_dir} is open to other users, who see what files are in it: chmod 700 {data_dir}"]
    assert (mode(data_dir), mode(stranger), mode(data_dir / "history.db")) == (0o755, 0o644, 0o600)


def test_a_link_is_not_followed(data_dir, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch(0o644)
    elsewhere.chmod(0o644)
    (data_dir / "tools" / "link.json").symlink_to(elsewhere)
    prepare(data_dir, data_dir / "history.db", is_default=True)

    assert mode(elsewhere) == 0o644


def test_a_new_folder_is_made_and_nothing_is_left_in_it(tmp_path):
    assert prepare(tmp_path / "deep" / "data", tmp_path / "deep" / "data" / "history.db", is_default=False) == []
    assert mode(tmp_path / "deep") == mode(tmp_path / "deep" / "data") == 0o700
    assert list((tmp_path / "deep" / "data").iterdir()) == []


@pytest.mark.parametrize(
    ("data_dir", "history", "words"),
    [
        ("file", "h.db", "file: Not a directory; the server must be able to write there (supervisor.data_dir)"),
        (
            "file/data",
            "h.db",
            "file/data: Not a directory; the server must be able to write there (supervisor.data_dir)",
        ),
        ("data", "file/h.db", "file: Not a directory; the server must be able to write there (history.sqlite.path)"),
        ("data", "folder", "folder is a folder; history.sqlite.path must be a file"),
    ],
)
def test_a_place_where_nothing_can_be_kept_is_refused_in_words(tmp_path, data_dir, history, words):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir(0o755)
    (tmp_path / "folder").chmod(0o755)

    with pytest.raises(OSError, match=re.escape(words)):
        prepare(tmp_path / data_dir, tmp_path / history, is_default=True)
    assert mode(tmp_path / "folder") == 0o755


def test_without_history_its_place_is_not_asked_for(tmp_path):
    assert prepare(tmp_path / "data", tmp_path / "other" / "history.db", is_history_kept=False) == []
    assert not (tmp_path / "other").exists()


def test_a_full_disk_is_refused_and_nothing_is_left_there(tmp_path, monkeypatch):
    def write(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space left on device; the server must be able to write there"):
        prepare(tmp_path, tmp_path / "history.db", is_default=False)
    assert list(tmp_path.iterdir()) == []


def test_other_files_with_a_like_name_are_not_touched(tmp_path):
    other = tmp_path / "history.db.txt"
    other.touch()
    other.chmod(0o644)
    prepare(tmp_path, tmp_path / "history.db", is_default=True)

    assert mode(other) == 0o644
