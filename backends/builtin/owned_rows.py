"""Changes of users' things in SQL that SQLite and PostgreSQL both understand.

A statement has ``?`` where a value belongs. ``user``, ``before`` and ``after`` are quoted: they are words of SQL.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from backends.builtin.owned import (
    MAX_BODY_CHARS,
    MAX_CHANGES,
    MAX_TELLINGS,
    Body,
    NoSuchChange,
    OwnedThing,
    Telling,
)
from backends.builtin.wording import told

Images = dict[int, tuple[str, str] | None]
"""By id what a thing is, its kind and its body as JSON; None for a thing that is not there."""
Execute = Callable[[str, Sequence[Any]], Any]
"""Executes a statement with its values in the open transaction; returns its rows."""


class RowsChange:
    """A transaction on one user's things (``backends.builtin.owned.OwnedChange``)."""

    def __init__(self, execute: Execute, user: str) -> None:
        self._execute = execute
        self._user = user
        self._before: Images = {}
        self._after: Images = {}

    def things(self, kind: str) -> Sequence[OwnedThing]:
        """Return the user's things of a kind, the oldest first."""
        return things_of(self._execute, self._user, kind)

    def add(self, kind: str, body: Body) -> OwnedThing:
        """Keep a new thing."""
        text = json_of(body)
        insertion = 'INSERT INTO owned_things ("user", kind, body) VALUES (?, ?, ?) RETURNING id'
        (id_,) = self._one(insertion, (self._user, kind, text))
        self._note(id_, None, (kind, text))
        return OwnedThing(id_, self._user, kind, dict(body))

    def replace(self, thing: OwnedThing, body: Body) -> OwnedThing:
        """Keep something else under a thing's id."""
        self._put(thing.id, (thing.kind, json_of(thing.body)), (thing.kind, json_of(body)))
        return OwnedThing(thing.id, thing.user, thing.kind, dict(body))

    def remove(self, things: Iterable[OwnedThing]) -> None:
        """Forget things; those that are gone already are no error."""
        for thing in things:
            self._put(thing.id, (thing.kind, json_of(thing.body)), None)

    def tell(self, due_s: float, body: Body) -> None:
        """Have the user told something, once; beyond ``MAX_TELLINGS`` the oldest are forgotten."""
        insertion = 'INSERT INTO owned_tellings ("user", due_s, body) VALUES (?, ?, ?)'
        self._execute(insertion, (self._user, due_s, json_of(body)))
        oldest = """DELETE FROM owned_tellings WHERE "user" = ? AND id NOT IN
            (SELECT id FROM owned_tellings WHERE "user" = ? ORDER BY due_s DESC, id DESC LIMIT ?)"""
        self._execute(oldest, (self._user, self._user, MAX_TELLINGS))

    def undo(self, number: int) -> None:
        """Put back what was there before a change; raises ``NoSuchChange``."""
        found = self._execute(
            'SELECT "before", "after" FROM owned_changes WHERE id = ? AND "user" = ?', (number, self._user)
        ).fetchone()
        if found is None:
            raise NoSuchChange(told("That cannot be undone any more."))
        before, after = (_images(text) for text in found)
        now = {id_: self._image(id_) for id_ in after}
        if now != after:
            raise NoSuchChange(told("That has changed since, and cannot be undone."))
        for id_, image in before.items():
            self._put(id_, after[id_], image)
        self._execute("DELETE FROM owned_changes WHERE id = ?", (number,))

    def note(self) -> int | None:
        """Note what was changed, so that it can be undone; return its number, None if nothing was."""
        if self._before == self._after:
            return None
        insertion = 'INSERT INTO owned_changes ("user", "before", "after") VALUES (?, ?, ?) RETURNING id'
        (number,) = self._one(insertion, (self._user, json.dumps(self._before), json.dumps(self._after)))
        oldest = """DELETE FROM owned_changes WHERE "user" = ? AND id NOT IN
            (SELECT id FROM owned_changes WHERE "user" = ? ORDER BY id DESC LIMIT ?)"""
        self._execute(oldest, (self._user, self._user, MAX_CHANGES))
        return int(number)

    def _put(self, id_: int, before: tuple[str, str] | None, after: tuple[str, str] | None) -> None:
        """Make a thing what it is to be; the user's name is in the row, so that no other user's is touched."""
        if after is None:
            self._execute('DELETE FROM owned_things WHERE id = ? AND "user" = ?', (id_, self._user))
        else:
            put = """INSERT INTO owned_things (id, "user", kind, body) VALUES (?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE excluded."user" = owned_things."user" """
            self._execute(put, (id_, self._user, *after))
        self._note(id_, before, after)

    def _note(self, id_: int, before: tuple[str, str] | None, after: tuple[str, str] | None) -> None:
        self._before.setdefault(id_, before)
        self._after[id_] = after

    def _image(self, id_: int) -> tuple[str, str] | None:
        found = self._execute(
            'SELECT kind, body FROM owned_things WHERE id = ? AND "user" = ?', (id_, self._user)
        ).fetchone()
        return None if found is None else (found[0], found[1])

    def _one(self, sql: str, values: Sequence[Any]) -> Any:
        """Return the one row of a statement that has one."""
        (row,) = self._execute(sql, values).fetchall()  # all: with a row that is not fetched nothing can be committed
        return row


def things_of(execute: Execute, user: str, kind: str) -> Sequence[OwnedThing]:
    """Return a user's things of a kind, the oldest first."""
    found = 'SELECT id, "user", kind, body FROM owned_things WHERE "user" = ? AND kind = ? ORDER BY id'
    return [thing_of(row) for row in execute(found, (user, kind))]


def thing_of(row: Sequence[Any]) -> OwnedThing:
    """Return a thing of its row: id, user, kind, body."""
    return OwnedThing(row[0], row[1], row[2], json.loads(row[3]))


def telling_of(row: Sequence[Any]) -> Telling:
    """Return what has to be told of its row: id, user, time, body."""
    return Telling(row[0], row[1], row[2], json.loads(row[3]))


def json_of(body: Mapping[str, Any]) -> str:
    """Return what is kept, as JSON; the same for the same content."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    if len(text) > MAX_BODY_CHARS:
        raise AssertionError(f"what is kept must have at most {MAX_BODY_CHARS} characters, not {len(text)}")
    return text


def _images(text: str) -> Images:
    return {int(id_): None if image is None else (image[0], image[1]) for id_, image in json.loads(text).items()}
