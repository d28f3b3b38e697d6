"""Notes and lists of a user; what they answer is fit to be spoken.

Each thing on a list is kept by itself, so that it can be taken off and put back whatever else has changed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from backends.builtin.asker import asker
from backends.builtin.owned import OwnedChange, OwnedStore, OwnedThing
from backends.builtin.things import MeantThing, SeveralMeant, named, on_list, without_article
from backends.builtin.wording import count_words, is_german, listed, plural, split_items, told, upper_first
from protocol.language.german import LISTS

NOTE: Final = "note"
ITEM: Final = "list_item"
MAX_NOTES = 500
MAX_NOTE_CHARS = 1_000
MAX_LISTS = 50
MAX_ITEMS = 200
MAX_ITEM_CHARS = 200
MAX_SPOKEN = 10  # more are too many to listen to at once

_LIST_NAMES = {
    "shopping": ("shopping list", "grocery", "groceries", "grocery list", "einkaufsliste", "einkauf"),
    "to do": ("to do list", "todo", "to-do", "to-do list", "todo list", "task", "tasks", "task list", "aufgaben"),
}


class NotesError(ValueError):
    """Something cannot be kept; the message is fit to be spoken."""


class Notes:
    """Notes of the user who asks, the oldest first."""

    def __init__(self, store: OwnedStore) -> None:
        self._store = store

    def add(self, text: str) -> str:
        """Keep a note; raises ``NotesError`` for an empty or endless one."""
        note = text.strip()
        if not 1 <= len(note) <= MAX_NOTE_CHARS:
            raise NotesError(
                told("A note must have 1 to {most} characters, not {count}.", most=MAX_NOTE_CHARS, count=len(note))
            )
        with self._store.changing(asker().user) as change:
            if len(change.things(NOTE)) >= MAX_NOTES:
                raise NotesError(told("There are {count} notes already; delete some first.", count=MAX_NOTES))
            change.add(NOTE, {"text": note})
        return told("Noted: {note}", note=note)

    def text(self, which: str = "") -> str:
        """Say what is noted, or read the note that ``which`` stands for (as ``delete`` understands it)."""
        notes = _texts(self._store.things(asker().user, NOTE))
        wanted = _wanted(which)
        if not notes:
            return told("There are no notes.")
        if wanted not in {"", "all"}:
            found = _find(notes, wanted)
            return _sentence(notes[found[0]]) if len(found) == 1 else _unclear(found)
        shown = notes[-MAX_SPOKEN:]
        first = len(notes) - len(shown) + 1
        lines = " ".join(f"{first + at}: {_sentence(note)}" for at, note in enumerate(shown))
        count = upper_first(plural(len(notes), "note"))
        if len(shown) == len(notes):
            return told("{count}. {notes}", count=count, notes=lines)
        return told("{count}, the last {last} are. {notes}", count=count, last=count_words(MAX_SPOKEN), notes=lines)

    def delete(self, which: str) -> str:
        """Delete "last", "all", a number counted from one, or the only note that has these words."""
        wanted = _wanted(which)
        with self._store.changing(asker().user) as change:
            kept = change.things(NOTE)
            notes = _texts(kept)
            if not notes:
                return told("There are no notes.")
            if wanted == "all":
                change.remove(kept)
                return told("{count} deleted.", count=upper_first(plural(len(notes), "note")))
            found = _find(notes, wanted)
            if len(found) == 1:
                change.remove([kept[found[0]]])
        return _unclear(found) if len(found) != 1 else told("Deleted the note: {note}", note=_sentence(notes[found[0]]))


class Lists:
    """Named lists of the user who asks: the shopping list, the to do list, and any other."""

    def __init__(self, store: OwnedStore) -> None:
        self._store = store

    def add(self, name: str, text: str) -> str:
        """Add "milk and eggs"; raises ``NotesError`` when nothing is named or too much is kept."""
        items = [without_article(item) for item in split_items(text)]
        if not items:
            raise NotesError(told("There is nothing to add."))
        if any(len(item) > MAX_ITEM_CHARS for item in items):
            raise NotesError(told("A thing on a list may have {most} characters.", most=MAX_ITEM_CHARS))
        with self._store.changing(asker().user) as change:
            lists = _lists(change)
            title = _title(name, lists)
            kept = lists.get(title, [])
            fresh: list[str] = []
            for item in items:
                if not named(item, [*kept, *fresh]):
                    fresh.append(item)
            if len(kept) + len(fresh) > MAX_ITEMS or (title not in lists and len(lists) >= MAX_LISTS):
                raise NotesError(
                    told(
                        "There may be {lists} lists with {items} things each, not more.",
                        lists=MAX_LISTS,
                        items=MAX_ITEMS,
                    )
                )
            for item in fresh:
                change.add(ITEM, {"list": title, "item": item})
        if not fresh:
            there = dict.fromkeys(kept[named(item, kept)[0]] for item in items)
            return told("Already on the {name}: {items}.", items=listed(there), name=list_name(title))
        return told("Added {items} to the {name}.", items=listed(fresh), name=list_name(title))

    def remove(self, name: str, text: str) -> str:
        """Take things off a list; "all" empties it, which asks for the list's name if there are several."""
        is_all = text.strip().lower() == "all"
        with self._store.changing(asker().user) as change:
            lists = _lists(change)
            if is_all and not name.strip() and len(lists) > 1:
                question = told(
                    "There are several lists: {names}. Which one?", names=listed(list_name(title) for title in lists)
                )
                raise SeveralMeant(question, [MeantThing(list_name(title), {"list_name": title}) for title in lists])
            title = _title(name, lists) if is_all else _title_with(name, text, lists)
            kept = lists.get(title, [])
            if not kept:
                return told("The {name} is empty.", name=list_name(title))
            if is_all:
                change.remove(_on(change, title))
                return told("The {name} is empty now.", name=list_name(title))
            gone, missing = _found(text, kept)
            change.remove([thing for thing in _on(change, title) if thing.body["item"] in gone])
        absent = told("Not on the {name}: {items}.", items=listed(missing), name=list_name(title)) if missing else ""
        if not gone:
            return absent
        removed = told("Removed {items} from the {name}.", items=listed(gone), name=list_name(title))
        return f"{removed} {absent}".strip()

    def text(self, name: str) -> str:
        """Say what is on a list."""
        lists = _by_title(self._store.things(asker().user, ITEM))
        title = _title(name, lists)
        items = lists.get(title, [])
        if not items:
            return told("The {name} is empty.", name=list_name(title))
        rest = len(items) - MAX_SPOKEN
        shown = [*items[:MAX_SPOKEN], told("{count} more", count=count_words(rest))] if rest > 0 else items
        return told("On the {name}: {items}.", name=list_name(title), items=listed(shown))


def list_name(title: str) -> str:
    """Return what a list is called in the language of the request: "shopping list", "Einkaufsliste"."""
    return LISTS[title] if is_german() and title in LISTS else told("{title} list", title=title)


def list_title(name: str) -> str:
    """Return the one name of a list that has many: "grocery list" is the shopping list."""
    words = " ".join(name.lower().strip(" .!?").removeprefix("my ").removeprefix("the ").split())
    found = next((title for title, others in _LIST_NAMES.items() if words == title or words in others), words)
    return found.removesuffix(" list")[: MAX_SPOKEN * 6] or "shopping"


def _title(name: str, lists: Mapping[str, Sequence[str]]) -> str:
    """Return which list is meant; without a name it is the only one that there is, else the shopping list."""
    return next(iter(lists)) if not name.strip() and len(lists) == 1 else list_title(name)


def _title_with(name: str, text: str, lists: Mapping[str, Sequence[str]]) -> str:
    """Return from which list ``text`` is taken; without a name it is the only one that has something of it."""
    holding = [title for title, kept in lists.items() if _found(text, kept)[0]]
    return holding[0] if not name.strip() and len(holding) == 1 else _title(name, lists)


def _found(text: str, kept: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return which things of a list ``text`` names, and what of ``text`` is not there.

    "mac and cheese" is looked for whole before it is two things.
    """
    whole = on_list(text, kept)
    wanted = [text.strip()] if whole else split_items(text)
    by_item = {item: on_list(item, kept) for item in wanted}
    at = {index for indexes in by_item.values() for index in indexes}
    return [kept[index] for index in sorted(at)], [item for item, indexes in by_item.items() if not indexes]


def _wanted(which: str) -> str:
    return which.strip().lower().strip(".!?")


def _unclear(found: Sequence[int]) -> str:
    """Return what to say where not exactly one note is meant."""
    if not found:
        return told("No note fits that. Say the number of a note, or the last one.")
    count = upper_first(plural(len(found), "note"))
    return told("{count} fit that. Say the number of a note, or the last one.", count=count)


def _find(notes: list[str], wanted: str) -> list[int]:
    """Return which notes are meant, as indexes."""
    if wanted in {"", "last"}:
        return [len(notes) - 1]
    if wanted.isdecimal():
        return [int(wanted) - 1] if 1 <= int(wanted) <= len(notes) else []
    return [at for at, note in enumerate(notes) if wanted in note.lower()]


def _texts(notes: Sequence[OwnedThing]) -> list[str]:
    return [str(note.body["text"]) for note in notes]


def _lists(change: OwnedChange) -> Mapping[str, Sequence[str]]:
    return _by_title(change.things(ITEM))


def _by_title(items: Sequence[OwnedThing]) -> Mapping[str, Sequence[str]]:
    """Return what is on each list; a list without anything is none."""
    lists: dict[str, list[str]] = {}
    for item in items:
        lists.setdefault(str(item.body["list"]), []).append(str(item.body["item"]))
    return lists


def _on(change: OwnedChange, title: str) -> Sequence[OwnedThing]:
    return [item for item in change.things(ITEM) if item.body["list"] == title]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
