import json
import logging

import pytest

from backends.builtin.notes import Lists, Notes
from backends.builtin.old_files import import_old_files
from backends.builtin.owned_sqlite import SqliteOwnedStore
from backends.builtin.timers import Timers

TIMER = {"number": 1, "name": "tea", "seconds": 60, "due_s": 160.0, "session_id": "s", "owner": "x"}


@pytest.fixture
def store(tmp_path):
    return SqliteOwnedStore(tmp_path / "history.db")


def write(folder, **files):
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value))


def test_notes_lists_and_timers_are_brought_into_the_store_once(tmp_path, store, caplog):
    lists = {"shopping": ["milk", "eggs"], "to do": ["sweep"]}
    write(tmp_path, notes=["call Anna", 5], lists=lists, timers=[TIMER, {**TIMER, "left_s": 9.0}])
    with caplog.at_level(logging.WARNING):
        import_old_files(tmp_path, store)
        import_old_files(tmp_path, store)

    assert Notes(store).text() == "Two notes. 1: call Anna. 2: 5."
    assert Lists(store).text("shopping") == "On the shopping list: milk and eggs."
    assert Lists(store).text("to do") == "On the to do list: sweep."
    assert [(timer.name, timer.due_s, timer.left_s) for timer in Timers(store).by_due()] == [
        ("tea", 160.0, None),
        ("tea", 160.0, 9.0),
    ]
    assert sorted(path.name for path in tmp_path.glob("*.imported-*")) == [
        "lists.imported-1",
        "notes.imported-1",
        "timers.imported-1",
    ]
    assert list(tmp_path.glob("*.json")) == []
    assert len(caplog.records) == 3


def test_a_server_that_died_before_the_file_was_renamed_imports_it_once(tmp_path, store, caplog):
    write(tmp_path, notes=["a"])
    import_old_files(tmp_path, store)
    (tmp_path / "notes.imported-1").rename(tmp_path / "notes.json")
    import_old_files(tmp_path, store)

    assert Notes(store).text() == "One note. 1: a."
    assert "before" in caplog.text


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe\x00"])
def test_a_damaged_file_is_set_aside_and_kept(tmp_path, store, damage, caplog):
    (tmp_path / "notes.json").write_bytes(damage)
    (tmp_path / "notes.damaged-1").write_bytes(b"older")
    import_old_files(tmp_path, store)

    assert (tmp_path / "notes.damaged-2").read_bytes() == damage
    assert "is damaged" in caplog.text
    assert Notes(store).text() == "There are no notes."


@pytest.mark.parametrize("kept", [{"a": 1}, 5, [[]], [{"number": "x"}], ["nonsense"]])
def test_entries_of_another_shape_are_left_out(tmp_path, store, kept):
    write(tmp_path, timers=kept, lists=kept if isinstance(kept, list) else {"shopping": kept})
    import_old_files(tmp_path, store)

    assert Timers(store).by_due() == []
    assert Lists(store).text("shopping") == "The shopping list is empty."
