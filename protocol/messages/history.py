"""What is asked of the history, and what it answers."""

import math
import re
from typing import Final

import attrs

from protocol.messages.ask import Ask
from protocol.messages.records import SessionRecord, ToolRecord, TurnRecord

POSITION: Final = re.compile(r"(-?[0-9]{1,12}(?:\.[0-9]{1,12})?)~(.{1,200})", re.DOTALL)

Record = SessionRecord | TurnRecord | ToolRecord


class BadPosition(ValueError):
    """A text is no position in a list; the message has it."""


@attrs.frozen
class Position:
    """A place in a list that goes from the newest to the oldest: the next page begins behind it."""

    timestamp: float
    """Unix time, seconds."""
    key: str
    """What tells apart entries of one time."""

    def __str__(self) -> str:
        """Return the text for a client, which ``position_of`` reads."""
        return f"{self.timestamp:.9f}~{self.key}"


def position_of(text: str) -> Position:
    """Return the position that a client sent back; raises ``BadPosition``."""
    found = POSITION.fullmatch(text)
    if found is None:
        raise BadPosition(f"after must be the next of an earlier page, not {text[:40]!r}")
    return Position(float(found[1]), found[2])


@attrs.frozen(kw_only=True)
class TurnQuery:
    """Which turns are wanted; the newest come first."""

    user_id: str | None = None
    """Of this user only; ``None`` for everybody's."""
    session_id: str | None = None
    words: str = ""
    """Only turns in which all of these words were heard or replied; every turn if empty."""
    after: Position | None = None
    """The position of the last turn of the page before."""
    limit: int = 50


@attrs.frozen
class KeptTurn:
    """A turn as it was kept, with its tool calls, the first one first."""

    record: TurnRecord
    calls: tuple[ToolRecord, ...]
    position: Position


@attrs.frozen(kw_only=True)
class ConversationQuery:
    """Which conversations are wanted; those that began last come first."""

    user_id: str | None = None
    after: Position | None = None
    limit: int = 50


@attrs.frozen(kw_only=True)
class KeptConversation:
    """A session that has at least one turn."""

    session_id: str
    user_id: str
    client_id: str
    started_at: float
    """Unix time, seconds."""
    last_at: float
    """When its last turn was, as Unix time."""
    turns: int
    first_heard: str
    """The words of its first turn."""

    @property
    def position(self) -> Position:
        """Where it stands in the list."""
        return Position(self.started_at, self.session_id)


@attrs.frozen(kw_only=True)
class Deletion:
    """Which records are to be deleted: those for which everything holds that is given."""

    user_id: str | None = None
    session_id: str | None = None
    before_s: float | None = None
    """From before this Unix time."""

    @property
    def is_of_everything(self) -> bool:
        """Whether nothing is given."""
        return self.user_id is None and self.session_id is None and self.before_s is None

    def covers(self, record: Record) -> bool:
        """Return whether it is about ``record``."""
        at_s = record.started_at if isinstance(record, SessionRecord) else record.timestamp
        return (
            self.user_id in {None, record.user_id}
            and self.session_id in {None, record.session_id}
            and at_s < (math.inf if self.before_s is None else self.before_s)
        )


@attrs.frozen
class Deleted:
    """How many records were deleted, and whether those were all."""

    count: int
    is_all: bool


@attrs.frozen
class FindTurns(Ask[tuple[KeptTurn, ...]]):
    """To history: return the turns that fit."""

    wanted: TurnQuery


@attrs.frozen
class ListConversations(Ask[tuple[KeptConversation, ...]]):
    """To history: return the conversations that fit."""

    wanted: ConversationQuery


@attrs.frozen
class DeleteRecords(Ask[Deleted]):
    """To history: delete these records, also those that wait to be written."""

    what: Deletion
