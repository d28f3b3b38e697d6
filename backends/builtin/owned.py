"""What is kept for a user: things with an id, changes that can be taken back, and what the user has yet to be told.

Rules kept here:

* Everything belongs to one user, and is found by that user's name only.
* A change is one transaction. It is noted with what was there before and after, so that it can be taken back exactly,
  and only while nothing else has changed the same things.
* An id is never used twice: an undo meets the thing that it is about, or none.
* Everything is bounded; whoever calls says how many of a kind there may be.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import attrs

MAX_CHANGES: Final = 20  # of a user, that can be taken back; older ones are forgotten
MAX_TELLINGS: Final = 50  # of a user, that wait; the oldest are forgotten first
MAX_BODY_CHARS: Final = 8_000  # of one thing, as JSON

Body = Mapping[str, Any]
"""What a thing is, as JSON has it."""


class StoreBusy(Exception):
    """Another process is writing; the message can be spoken."""


class StoreFailed(Exception):
    """Nothing can be kept now, such as on a full disk; the message can be spoken."""


class NoSuchChange(ValueError):
    """A change is unknown, too old, or something has changed since; the message can be spoken."""


@attrs.frozen
class OwnedThing:
    """One thing of a user."""

    id: int
    user: str
    kind: str
    """Such as "timer", "alarm", "note"."""
    body: Body


@attrs.frozen
class Telling:
    """Something that is due: its user is to be told, once."""

    id: int
    user: str
    due_s: float
    """Unix time."""
    body: Body
    """What it is (``backends/builtin/tellings.py``)."""


class OwnedChange(Protocol):
    """A transaction on one user's things, within ``OwnedStore.changing``."""

    def things(self, kind: str) -> Sequence[OwnedThing]:
        """Return the user's things of a kind, the oldest first."""

    def add(self, kind: str, body: Body) -> OwnedThing:
        """Keep a new thing."""

    def replace(self, thing: OwnedThing, body: Body) -> OwnedThing:
        """Keep something else under a thing's id."""

    def remove(self, things: Iterable[OwnedThing]) -> None:
        """Forget things; those that are gone already are no error."""

    def tell(self, due_s: float, body: Body) -> None:
        """Have the user told something, once."""


class OwnedStore(Protocol):
    """Where things of users are kept. Every call blocks for milliseconds, and raises ``StoreBusy`` or ``StoreFailed``.

    Several processes may use the same store at once: none loses what another one has written.
    """

    def things(self, user: str, kind: str) -> Sequence[OwnedThing]:
        """Return a user's things of a kind, the oldest first."""

    def all_things(self, kinds: Iterable[str]) -> Sequence[OwnedThing]:
        """Return the things of these kinds of every user, the oldest first."""

    def changing(self, user: str, *, can_be_undone: bool = True) -> AbstractContextManager[OwnedChange]:
        """Return a block that is one transaction; an error within it changes nothing.

        A change that can be undone is noted, and its number handed to the asker (``backends/builtin/asker.py``).
        """

    def undo(self, user: str, number: int) -> None:
        """Take a change back exactly; that is a change itself. Raises ``NoSuchChange``."""

    def claim(self, users: Iterable[str], claimant: str, *, now_s: float, until_s: float) -> Sequence[Telling]:
        """Return what these users have to be told and nobody else has claimed, the earliest first.

        It stays claimed until it is ``told``, released, or ``until_s`` has passed.
        """

    def told(self, ids: Iterable[int]) -> None:
        """Forget what users have been told."""

    def release(self, claimant: str) -> None:
        """Give up all claims of ``claimant``."""

    def waiting_until_s(self, users: Iterable[str]) -> float | None:
        """Return the Unix time at which the next claim of something for these users ends; 0 if it is free now."""

    def import_once(self, name: str, user: str, things: Iterable[tuple[str, Body]]) -> bool:
        """Keep things that an older version kept elsewhere, unless ``name`` was imported before; return whether."""

    def close(self) -> None:
        """Give up its connection; the next use makes a new one."""
