"""What every store of users' things does, with SQLite as the one there is; and what is SQLite's own."""

import logging
import sqlite3
import stat

import pytest

from backends.builtin.asker import ASKER, Asker
from backends.builtin.owned import (
    MAX_CHANGES,
    MAX_TELLINGS,
    NoSuchChange,
    OwnedStore,
    OwnedThing,
    StoreBusy,
    StoreFailed,
)
from backends.builtin.owned_sqlite import STEPS, SqliteOwnedStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept" / "history.db"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.system)])
def stores(request, path):
    """Return two views of one store, as two processes have them."""
    if request.param == "sqlite":
        found: tuple[OwnedStore, ...] = (SqliteOwnedStore(path), SqliteOwnedStore(path))
    else:
        from backends.builtin.owned_postgres import PostgresOwnedStore

        url = request.getfixturevalue("postgres").make_database()
        found = (PostgresOwnedStore(url), PostgresOwnedStore(url))
    yield found
    for one in found:
        one.close()


@pytest.fixture
def store(stores):
    return stores[0]


def put(store, user, *texts):
    """Keep things, in a change for each; return the numbers of the changes."""
    asker = Asker(user)
    token = ASKER.set(asker)
    for text in texts:
        with store.changing(user) as change:
            change.add("note", {"text": text})
    ASKER.reset(token)
    return asker.changes


def texts(store, user):
    return [thing.body["text"] for thing in store.things(user, "note")]


def tell(store, user, *due):
    for due_s in due:
        with store.changing(user, can_be_undone=False) as change:
            change.tell(due_s, {"text": f"{due_s:g}"})


# --- things ---------------------------------------------------------------------------------------------------------


def test_things_are_found_by_their_user_and_kind_only(store):
    put(store, "ada", "a", "b")
    put(store, "bob", "c")

    assert (texts(store, "ada"), texts(store, "bob"), texts(store, "eve")) == (["a", "b"], ["c"], [])
    assert store.things("ada", "timer") == []
    assert [(thing.user, thing.body["text"]) for thing in store.all_things(["note", "timer"])] == [
        ("ada", "a"),
        ("ada", "b"),
        ("bob", "c"),
    ]


def test_a_change_of_one_process_is_seen_by_the_other(stores):
    one, other = stores
    put(one, "ada", "a")
    put(other, "ada", "b")

    assert texts(one, "ada") == texts(other, "ada") == ["a", "b"]


def test_an_error_within_a_change_changes_nothing(store):
    put(store, "ada", "a")
    asker = Asker("ada")
    ASKER.set(asker)

    def fail():
        with store.changing("ada") as change:
            change.remove(change.things("note"))
            change.add("note", {"text": "b"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert (texts(store, "ada"), asker.changes) == (["a"], [])


def test_a_change_of_a_thing_of_another_user_changes_nothing(store):
    put(store, "ada", "a")
    (thing,) = store.things("ada", "note")
    with store.changing("bob") as change:
        change.replace(thing, {"text": "stolen"})
        change.remove([thing])

    assert texts(store, "ada") == ["a"]


def test_the_id_of_a_deleted_thing_is_used_by_no_other(store):
    put(store, "ada", "a")
    (thing,) = store.things("ada", "note")
    with store.changing("ada") as change:
        change.remove([thing])
    put(store, "ada", "b")

    assert store.things("ada", "note")[0].id > thing.id


# --- undo -----------------------------------------------------------------------------------------------------------


def test_what_was_removed_comes_back_under_its_id_and_in_its_place(store):
    put(store, "ada", "a", "b", "c")
    asker = Asker("ada")
    ASKER.set(asker)
    before = store.things("ada", "note")
    with store.changing("ada") as change:
        change.remove(before[:2])
    with store.changing("ada") as change:
        change.add("note", {"text": "d"})

    store.undo("ada", asker.changes[0])
    assert store.things("ada", "note")[:3] == before


def test_a_change_that_was_changed_again_is_not_taken_back(store):
    (number,) = put(store, "ada", "a")
    (thing,) = store.things("ada", "note")
    with store.changing("ada") as change:
        change.replace(thing, {"text": "b"})

    with pytest.raises(NoSuchChange, match="changed since"):
        store.undo("ada", number)
    assert texts(store, "ada") == ["b"]


@pytest.mark.parametrize(("user", "offset"), [("bob", 0), ("ada", 1)])
def test_a_change_of_somebody_else_or_of_nobody_is_not_taken_back(store, user, offset):
    (number,) = put(store, "ada", "a")

    with pytest.raises(NoSuchChange, match="any more"):
        store.undo(user, number + offset)
    assert texts(store, "ada") == ["a"]


def test_only_the_last_changes_can_be_taken_back(store):
    numbers = put(store, "ada", *(str(number) for number in range(MAX_CHANGES + 1)))

    with pytest.raises(NoSuchChange):
        store.undo("ada", numbers[0])
    store.undo("ada", numbers[1])
    assert "1" not in texts(store, "ada")


def test_a_change_that_comes_to_nothing_has_no_number(store):
    put(store, "ada", "a")
    asker = Asker("ada")
    ASKER.set(asker)
    with store.changing("ada") as change:
        (thing,) = change.things("note")
        change.replace(thing, thing.body)
    with store.changing("ada", can_be_undone=False) as change:
        change.add("note", {"text": "b"})

    assert asker.changes == []


# --- tellings -------------------------------------------------------------------------------------------------------


def test_what_is_claimed_by_one_server_is_told_by_no_other(stores):
    one, other = stores
    tell(one, "ada", 5, 3)
    tell(one, "bob", 4)

    claimed = one.claim(["ada"], "one", now_s=10.0, until_s=70.0)
    assert [(telling.user, telling.due_s) for telling in claimed] == [("ada", 3.0), ("ada", 5.0)]
    assert other.claim(["ada"], "other", now_s=69.9, until_s=200.0) == ()
    assert (other.waiting_until_s(["ada"]), other.waiting_until_s(["bob"]), other.waiting_until_s(["eve"])) == (
        70.0,
        0.0,
        None,
    )
    one.told([claimed[0].id])
    again = other.claim(["ada", "bob"], "other", now_s=70.0, until_s=200.0)
    assert [telling.due_s for telling in again] == [4.0, 5.0], "a claim that was not confirmed has ended"


def test_a_claim_that_is_given_up_is_free(stores):
    one, other = stores
    tell(one, "ada", 5)
    one.claim(["ada"], "one", now_s=10.0, until_s=70.0)
    other.release("other")
    assert other.claim(["ada"], "other", now_s=11.0, until_s=70.0) == ()
    one.release("one")

    assert len(other.claim(["ada"], "other", now_s=11.0, until_s=70.0)) == 1


def test_the_oldest_of_too_many_tellings_are_forgotten(store):
    tell(store, "bob", 1)
    tell(store, "ada", *range(MAX_TELLINGS + 2))

    claimed = store.claim(["ada", "bob"], "one", now_s=100.0, until_s=200.0)
    assert [telling.due_s for telling in claimed if telling.user == "ada"] == list(range(2, MAX_TELLINGS + 2))
    assert len(claimed) == MAX_TELLINGS + 1


# --- what was elsewhere ---------------------------------------------------------------------------------------------


def test_what_is_imported_is_imported_once(stores):
    one, other = stores
    assert one.import_once("notes.json#1", "ada", [("note", {"text": "a"})])
    assert not other.import_once("notes.json#1", "ada", [("note", {"text": "a"})])
    assert other.import_once("notes.json#2", "ada", [("note", {"text": "b"})])

    assert texts(one, "ada") == ["a", "b"]


# --- SQLite ---------------------------------------------------------------------------------------------------------


def test_what_is_kept_survives_a_restart(path):
    first = SqliteOwnedStore(path)
    put(first, "ada", "a")
    first.close()
    first.close()

    assert texts(SqliteOwnedStore(path), "ada") == ["a"]


def test_only_its_owner_may_read_the_file(path):
    put(SqliteOwnedStore(path), "ada", "a")

    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_deleted_file_begins_anew_and_is_reported(path, caplog):
    store = SqliteOwnedStore(path)
    put(store, "ada", "a")
    for file in list(path.parent.iterdir()):
        file.unlink()
    put(store, "ada", "b")

    assert texts(store, "ada") == texts(SqliteOwnedStore(path), "ada") == ["b"]
    assert "was deleted or replaced" in caplog.text


def test_a_damaged_file_is_set_aside_and_the_change_is_made_in_a_new_one(path, caplog):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1_000)
    store = SqliteOwnedStore(path)
    put(store, "ada", "a")

    assert texts(store, "ada") == ["a"]
    assert path.with_name("history.db.damaged-1").read_bytes().startswith(b"no database")
    assert "is damaged" in caplog.text


def test_a_file_that_another_process_has_set_aside_is_not_set_aside_again(path, monkeypatch):
    put(SqliteOwnedStore(path), "ada", "a")
    store = SqliteOwnedStore(path)
    store.things("ada", "note")
    damage = sqlite3.DatabaseError("malformed")
    damage.sqlite_errorname = "SQLITE_CORRUPT"

    found: list[OwnedThing] = []

    def work(_):
        path.rename(path.with_name("aside.db"))
        SqliteOwnedStore(path).waiting_until_s([])
        monkeypatch.setattr("backends.builtin.owned_sqlite.things_of", lambda *_: found)
        raise damage

    monkeypatch.setattr("backends.builtin.owned_sqlite.things_of", lambda *_: work(None))
    assert store.things("ada", "note") is found
    assert list(path.parent.glob("*.damaged-*")) == []


def test_a_change_while_another_process_makes_one_is_refused_in_words(path, monkeypatch):
    monkeypatch.setattr("backends.builtin.owned_sqlite.LOCK_WITHIN_S", 0.0)
    mine, theirs = SqliteOwnedStore(path), SqliteOwnedStore(path)
    put(mine, "ada", "a")
    put(theirs, "ada", "b")
    with theirs.changing("ada") as change:
        change.add("note", {"text": "c"})
        with pytest.raises(StoreBusy, match="being changed elsewhere"), mine.changing("ada"):
            pytest.fail("two changes at a time")
        assert texts(mine, "ada") == ["a", "b"], "reading needs no lock"

    assert texts(mine, "ada") == ["a", "b", "c"]


def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="cannot be kept now"):
        SqliteOwnedStore(tmp_path / "file" / "history.db").things("ada", "note")
    assert "file" in caplog.text


def test_tables_of_a_newer_version_are_left_alone(path, caplog):
    put(SqliteOwnedStore(path), "ada", "a")
    with sqlite3.connect(path) as file:
        file.execute("INSERT INTO owned_schema VALUES (?)", (len(STEPS) + 1,))
    file.close()

    with caplog.at_level(logging.ERROR), pytest.raises(StoreFailed):
        SqliteOwnedStore(path).things("ada", "note")
    assert f"version {len(STEPS) + 1}" in caplog.text


def test_the_version_of_the_file_is_the_historys(path):
    put(SqliteOwnedStore(path), "ada", "a")
    with sqlite3.connect(path) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (0,)
    file.close()


def test_an_endless_thing_is_a_fault_of_ours(store):
    with pytest.raises(AssertionError, match="at most 8000 characters"), store.changing("ada") as change:
        change.add("note", {"text": "x" * 8_000})
