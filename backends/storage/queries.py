"""The SQL that both databases understand, with its values apart: what a client sends is never part of a statement.

A statement has ``?`` where a value belongs; PostgreSQL's adapter writes ``%s`` in its place.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from backends.storage.rows import CALL_COLUMNS, TURN_COLUMNS, storable
from protocol.messages.history import ConversationQuery, Deletion, KeptTurn, TurnQuery
from protocol.messages.records import ToolRecord


@attrs.frozen
class Statement:
    """A statement and its values."""

    sql: str
    values: tuple[Any, ...] = ()


@attrs.frozen
class Condition:
    """A part of a ``WHERE`` clause; without one, everything fits."""

    sql: str
    values: tuple[Any, ...] = ()


_TURNS: Final = ", ".join(("id", *TURN_COLUMNS))
_CALLS: Final = ", ".join(CALL_COLUMNS)
_CONVERSATIONS: Final = """SELECT s.session_id, s.user_id, s.client_id, s.started_at,
    (SELECT max(timestamp) FROM conversations WHERE session_id = s.session_id),
    (SELECT count(*) FROM conversations WHERE session_id = s.session_id),
    (SELECT heard FROM conversations WHERE session_id = s.session_id ORDER BY timestamp, id LIMIT 1)
    FROM sessions AS s"""


def insertion(table: str, row: Mapping[str, Any]) -> str:
    """Return the statement for rows like ``row``, with its values in the row's order.

    ``INSERT OR IGNORE``, which sqlite-utils would write, also ignores rows with a value missing: they would be lost.
    """
    names, values = ", ".join(row), ", ".join("?" * len(row))
    return f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608 - names are ours


def turns(wanted: TurnQuery, words: Condition | None) -> Statement:
    """Return the statement for a page of turns; ``words`` is the database's own search, if any words are wanted."""
    where, values = _where(_turn_conditions(wanted, words))
    sql = f"SELECT {_TURNS} FROM conversations{where} ORDER BY timestamp DESC, id DESC LIMIT ?"  # noqa: S608 - ours
    return Statement(sql, (*values, max(wanted.limit, 0)))


def _turn_conditions(wanted: TurnQuery, words: Condition | None) -> Iterator[Condition]:
    if wanted.user_id is not None:
        yield Condition("user_id = ?", (storable(wanted.user_id),))
    if wanted.session_id is not None:
        yield Condition("session_id = ?", (storable(wanted.session_id),))
    if wanted.after is not None:
        after = wanted.after
        yield Condition("(timestamp, id) < (?, ?)", (after.timestamp, number_of(after.key)))
    if words is not None:
        yield words


def number_of(key: str) -> int:
    """Return a turn's number from its key; a key that is none stands before every turn."""
    return int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else 0  # noqa: PLR2004 - 64 bits


def calls_of(rows: Sequence[Sequence[Any]]) -> Statement:
    """Return the statement for the tool calls of the turns in ``rows``, those of one turn in order; at least one."""
    session, turn = (1 + TURN_COLUMNS.index(name) for name in ("session_id", "turn_id"))
    marks = ", ".join(["(?, ?)"] * len(rows))
    values = tuple(value for row in rows for value in (row[session], row[turn]))
    fitting = f"(session_id, turn_id) IN (VALUES {marks})"
    return Statement(f"SELECT {_CALLS} FROM tool_calls WHERE {fitting} ORDER BY timestamp, call_id", values)  # noqa: S608


def with_calls(found: Sequence[KeptTurn], calls: Sequence[ToolRecord]) -> tuple[KeptTurn, ...]:
    """Return turns with those of the calls that are theirs."""
    by_turn: dict[tuple[str, str], list[ToolRecord]] = {}
    for call in calls:
        by_turn.setdefault((call.session_id, call.turn_id), []).append(call)
    return tuple(
        attrs.evolve(turn, calls=tuple(by_turn.get((turn.record.session_id, turn.record.turn_id), ())))
        for turn in found
    )


def conversations(wanted: ConversationQuery) -> Statement:
    """Return the statement for a page of conversations."""
    conditions = [Condition("EXISTS (SELECT 1 FROM conversations WHERE session_id = s.session_id)")]
    if wanted.user_id is not None:
        conditions.append(Condition("s.user_id = ?", (storable(wanted.user_id),)))
    if wanted.after is not None:
        after = wanted.after
        place = (after.timestamp, storable(after.key))
        conditions.append(Condition("(s.started_at, s.session_id) < (?, ?)", place))
    where, values = _where(conditions)
    sql = f"{_CONVERSATIONS}{where} ORDER BY s.started_at DESC, s.session_id DESC LIMIT ?"
    return Statement(sql, (*values, max(wanted.limit, 0)))


def deletions(what: Deletion, limit: int) -> Iterator[Statement]:
    """Yield the statements that delete up to ``limit`` records of each kind, the oldest first.

    A session stays while one of its turns does.
    """
    where, values = _where(_deletion_conditions(what, "timestamp"))
    for table, key in (("conversations", "id"), ("tool_calls", "session_id, call_id")):
        oldest = f"SELECT {key} FROM {table}{where} ORDER BY timestamp LIMIT ?"  # noqa: S608 - names are ours
        yield Statement(f"DELETE FROM {table} WHERE ({key}) IN ({oldest})", (*values, limit))  # noqa: S608 - ours
    bare = Condition("NOT EXISTS (SELECT 1 FROM conversations WHERE session_id = old.session_id)")
    where, values = _where([*_deletion_conditions(what, "started_at"), bare])
    oldest = f"SELECT session_id FROM sessions AS old{where} LIMIT ?"  # noqa: S608 - names are ours
    yield Statement(f"DELETE FROM sessions WHERE session_id IN ({oldest})", (*values, limit))  # noqa: S608 - ours


def _deletion_conditions(what: Deletion, time_column: str) -> Iterator[Condition]:
    if what.user_id is not None:
        yield Condition("user_id = ?", (storable(what.user_id),))
    if what.session_id is not None:
        yield Condition("session_id = ?", (storable(what.session_id),))
    if what.before_s is not None:
        yield Condition(f"{time_column} < ?", (what.before_s,))


def _where(conditions: Iterator[Condition] | Sequence[Condition]) -> tuple[str, tuple[Any, ...]]:
    found = list(conditions)
    clause = " AND ".join(condition.sql for condition in found)
    values = tuple(value for condition in found for value in condition.values)
    return (f" WHERE {clause}" if clause else ""), values
