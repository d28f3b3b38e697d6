import pytest

from backends.builtin.notes import ITEM, MAX_ITEM_CHARS, MAX_ITEMS, NOTE, Lists, Notes, NotesError, list_title
from backends.builtin.owned_sqlite import SqliteOwnedStore
from backends.builtin.things import SeveralMeant
from protocol.messages.identity import LOCAL_USER


@pytest.fixture
def store(tmp_path):
    return SqliteOwnedStore(tmp_path / "tools.db")


@pytest.fixture
def lists(store):
    return Lists(store)


def test_notes_are_kept_and_read_back(store):
    assert Notes(store).text() == "There are no notes."
    assert Notes(store).add("call Anna ") == "Noted: call Anna"
    Notes(store).add("buy milk!")

    assert Notes(store).text() == "Two notes. 1: call Anna. 2: buy milk!"


@pytest.mark.parametrize("text", ["", "   ", "x" * 1_001])
def test_an_empty_or_endless_note_is_refused(store, text):
    with pytest.raises(NotesError, match="1 to 1000 characters"):
        Notes(store).add(text)


def test_only_the_last_ten_of_many_notes_are_read(store):
    notes = Notes(store)
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
def test_the_note_that_is_meant_is_deleted_and_no_other(store, which, answer, left):
    notes = Notes(store)
    for text in ("buy milk", "call Anna", "call Bob"):
        notes.add(text)

    assert notes.delete(which) == answer
    assert len(store.things(LOCAL_USER, NOTE)) == left


def test_two_servers_share_notes_and_lists(tmp_path):
    one, other = (Notes(SqliteOwnedStore(tmp_path / "tools.db")) for _ in range(2))
    mine, theirs = (Lists(SqliteOwnedStore(tmp_path / "tools.db")) for _ in range(2))
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
    assert lists.add("shopping", "milk") == "Already on the shopping list: milk."
    assert lists.text("my shopping list") == "On the shopping list: milk, eggs and bread."


def test_things_are_taken_off_a_list(lists):
    lists.add("to do", "call Bob and sweep")

    assert lists.remove("todo", "Sweep") == "Removed sweep from the to do list."
    assert lists.remove("todo", "dance") == "Not on the to do list: dance."
    assert lists.remove("todo", "all") == "The to do list is empty now."
    assert lists.remove("todo", "all") == "The to do list is empty."
    assert lists.text("to-do list") == "The to do list is empty."


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("the eggs", "Removed eggs from the shopping list."),
        ("egg", "Removed eggs from the shopping list."),
        ("Milk and the egg", "Removed milk and eggs from the shopping list."),
        ("avocado", "Removed two avocados from the shopping list."),
        ("milk and beer", "Removed milk from the shopping list. Not on the shopping list: beer."),
        ("the beer", "Not on the shopping list: the beer."),
        ("mac", "Not on the shopping list: mac."),
        ("cheese", "Not on the shopping list: cheese."),
        ("mac and cheese", "Removed mac and cheese from the shopping list."),
    ],
)
def test_what_is_taken_off_is_named_as_people_name_it(lists, said, answer):
    lists.add("shopping", "milk, eggs, two avocados, and mac and cheese")

    assert lists.remove("shopping", said) == answer


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("the milk", "Already on the shopping list: milk."),
        ("more coffee", "Already on the shopping list: coffee."),
        ("some cheese", "Added cheese to the shopping list."),
        ("the egg", "Already on the shopping list: eggs."),
        ("a trip to the lake", "Added a trip to the lake to the shopping list."),
        ("fish and chips", "Added fish and chips to the shopping list."),
        ("tea and the tea", "Added tea to the shopping list."),
    ],
)
def test_what_is_added_again_under_another_form_is_there_already(lists, said, answer):
    lists.add("shopping", "milk, coffee, eggs")

    assert lists.add("shopping", said) == answer


def test_a_thing_that_was_kept_with_its_and_is_found_whole_first(store):
    with store.changing(LOCAL_USER) as change:
        for item in ("black and tan", "tan"):
            change.add(ITEM, {"list": "shopping", "item": item})

    assert Lists(store).remove("shopping", "black and tan") == "Removed black and tan from the shopping list."
    assert Lists(store).text("shopping") == "On the shopping list: tan."


def test_a_list_without_a_name_is_the_only_one_or_the_shopping_list(lists):
    assert lists.add("", "milk") == "Added milk to the shopping list."
    assert lists.remove("", "all") == "The shopping list is empty now."
    lists.add("to do", "sweep")
    assert lists.text("") == "On the to do list: sweep."
    assert lists.add("", "wash") == "Added wash to the to do list."
    lists.add("shopping", "milk and bread")
    assert lists.add("", "tea") == "Added tea to the shopping list."


def test_without_a_name_things_come_off_the_list_that_has_them_and_no_list_is_emptied(lists):
    lists.add("to do", "sweep, milk the cow")
    lists.add("shopping", "milk and bread")

    assert lists.remove("", "sweep") == "Removed sweep from the to do list."
    assert lists.remove("", "the bread") == "Removed bread from the shopping list."
    assert lists.remove("", "beer") == "Not on the shopping list: beer."
    with pytest.raises(SeveralMeant, match=r"There are several lists: to do list and shopping list\. Which") as asked:
        lists.remove("", "all")
    assert [thing.arguments for thing in asked.value.things] == [{"list_name": "to do"}, {"list_name": "shopping"}]
    assert lists.text("to do") == "On the to do list: milk the cow."


@pytest.mark.parametrize(
    ("which", "answer"),
    [
        ("1", "buy milk."),
        ("last", "call Bob."),
        ("milk", "buy milk."),
        ("call", "Two notes fit that. Say the number of a note, or the last one."),
        ("9", "No note fits that. Say the number of a note, or the last one."),
        ("all", "Three notes. 1: buy milk. 2: call Anna. 3: call Bob."),
    ],
)
def test_one_note_is_read(store, which, answer):
    notes = Notes(store)
    for text in ("buy milk", "call Anna", "call Bob"):
        notes.add(text)

    assert notes.text(which) == answer


def test_lists_are_bounded_and_refuse_nothing_at_all(lists):
    with pytest.raises(NotesError, match="nothing to add"):
        lists.add("shopping", " , ")
    lists.add("shopping", ",".join(f"thing {number}" for number in range(MAX_ITEMS)))
    with pytest.raises(NotesError, match="not more"):
        lists.add("shopping", "one thing too many")


def test_a_long_list_is_not_read_to_its_end(lists):
    lists.add("shopping", ",".join(f"t{number}" for number in range(13)))

    assert lists.text("shopping").endswith("t9 and three more.")


def test_an_endless_thing_is_refused(lists):
    with pytest.raises(NotesError, match="may have 200 characters"):
        lists.add("shopping", "milk, " + "x" * (MAX_ITEM_CHARS + 1))
    assert lists.text("shopping") == "The shopping list is empty."


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
