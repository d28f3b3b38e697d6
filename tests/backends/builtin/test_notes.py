import pytest

from backends.builtin.notes import MAX_ITEMS, Lists, Notes, NotesError, list_title
from backends.builtin.store import JsonFile


@pytest.fixture
def notes_file(tmp_path):
    return JsonFile(tmp_path / "notes.json")


@pytest.fixture
def lists(tmp_path):
    return Lists(JsonFile(tmp_path / "lists.json"))


def test_notes_are_kept_and_read_back(notes_file):
    assert Notes(notes_file).text() == "There are no notes."
    assert Notes(notes_file).add("call Anna ") == "Noted: call Anna"
    Notes(notes_file).add("buy milk!")

    assert Notes(notes_file).text() == "Two notes. 1: call Anna. 2: buy milk!"


@pytest.mark.parametrize("text", ["", "   ", "x" * 1_001])
def test_an_empty_or_endless_note_is_refused(notes_file, text):
    with pytest.raises(NotesError, match="1 to 1000 characters"):
        Notes(notes_file).add(text)


def test_only_the_last_ten_of_many_notes_are_read(notes_file):
    notes = Notes(notes_file)
    for number in range(12):
        notes.add(f"note {number}")

    assert notes.text().startswith("Twelve notes, the last ten are. 3: note 2.")


@pytest.mark.parametrize(
    ("which", "answer", "left"),
    [
        ("last", "Deleted the note: call Bob.", 2),
        ("1", "Deleted the note: buy milk.", 2),
        ("milk", "Deleted the note: buy milk.", 2),
        ("call", "Two notes fit that. Say the number of a note, or the last one.", 3),
        ("9", "No note fits that. Say the number of a note, or the last one.", 3),
        ("0", "No note fits that. Say the number of a note, or the last one.", 3),
        ("all", "Three notes deleted.", 0),
    ],
)
def test_the_note_that_is_meant_is_deleted_and_no_other(notes_file, which, answer, left):
    notes = Notes(notes_file)
    for text in ("buy milk", "call Anna", "call Bob"):
        notes.add(text)

    assert notes.delete(which) == answer
    assert len(notes_file.read()) == left


def test_two_servers_share_notes_and_lists(tmp_path):
    one, other = (Notes(JsonFile(tmp_path / "notes.json")) for _ in range(2))
    mine, theirs = (Lists(JsonFile(tmp_path / "lists.json")) for _ in range(2))
    for number in range(3):
        one.add(f"mine {number}")
        other.add(f"theirs {number}")
        mine.add("shopping", f"m{number}")
        theirs.add("shopping", f"t{number}")

    assert one.text().startswith("Six notes. 1: mine 0. 2: theirs 0.")
    assert other.delete("mine 0") == "Deleted the note: mine 0."
    assert one.text().startswith("Five notes. 1: theirs 0.")
    assert mine.text("shopping") == theirs.text("shopping") == "On the shopping list: m0, t0, m1, t1, m2 and t2."


def test_things_are_put_on_a_list_once(lists):
    assert lists.add("grocery list", "milk and eggs") == "Added milk and eggs to the shopping list."
    assert lists.add("shopping", "Milk, bread") == "Added bread to the shopping list."
    assert lists.add("shopping", "milk") == "Milk is already on the shopping list."
    assert lists.text("my shopping list") == "On the shopping list: milk, eggs and bread."


def test_things_are_taken_off_a_list(lists):
    lists.add("to do", "call Bob and sweep")

    assert lists.remove("todo", "Sweep") == "Removed sweep from the to do list."
    assert lists.remove("todo", "dance") == "Dance is not on the to do list."
    assert lists.remove("todo", "all") == "The to do list is empty now."
    assert lists.remove("todo", "all") == "The to do list is empty."
    assert lists.text("to-do list") == "The to do list is empty."


def test_lists_are_bounded_and_refuse_nothing_at_all(lists):
    with pytest.raises(NotesError, match="nothing to add"):
        lists.add("shopping", " , ")
    lists.add("shopping", ",".join(f"thing {number}" for number in range(MAX_ITEMS)))
    with pytest.raises(NotesError, match="not more"):
        lists.add("shopping", "one thing too many")


def test_a_long_list_is_not_read_to_its_end(lists):
    lists.add("shopping", ",".join(f"t{number}" for number in range(13)))

    assert lists.text("shopping").endswith("t9 and three more.")


def test_a_kept_file_of_another_shape_counts_as_empty(tmp_path):
    file = JsonFile(tmp_path / "lists.json")
    with file.locked():
        file.write(["no", "mapping"])

    assert Lists(file).text("shopping") == "The shopping list is empty."


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Groceries", "shopping"),
        ("the shopping list", "shopping"),
        ("tasks", "to do"),
        ("Gift list", "gift"),
        ("", "shopping"),
    ],
)
def test_a_list_has_one_name_of_its_many(name, title):
    assert list_title(name) == title
