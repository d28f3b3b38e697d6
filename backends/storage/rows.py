"""Records as rows of the tables that both databases have, and back.

Rules kept here:

* A column has the name of its field. Mappings are stored as JSON.
* What no database can store in a text (NUL, half of a surrogate pair) is replaced; everything else stays as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from protocol.messages.history import KeptConversation, KeptTurn, Position, Record
from protocol.messages.records import SessionRecord, ToolRecord, TurnRecord

TABLES: Final[Mapping[type[Record], str]] = {
    SessionRecord: "sessions",
    TurnRecord: "conversations",
    ToolRecord: "tool_calls",
}
TURN_COLUMNS: Final = tuple(field.name for field in attrs.fields(TurnRecord))
CALL_COLUMNS: Final = tuple(field.name for field in attrs.fields(ToolRecord))
CONVERSATION_COLUMNS: Final = tuple(field.name for field in attrs.fields(KeptConversation))
PLAIN: Final = (int, float, type(None))  # what a database takes as it is
JSON_COLUMNS: Final = frozenset({"latency_ms", "arguments"})


def by_table(records: Iterable[Record]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of records by the table that they belong to; each row has the columns of its table."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        rows.setdefault(TABLES[type(record)], []).append(row_of(record))
    return rows


def row_of(record: Record) -> dict[str, Any]:
    """Return a record's row: its fields by name."""
    return {name: _stored(value) for name, value in attrs.asdict(record, recurse=False).items()}


def storable(text: str) -> str:
    """Return a text as a database can store it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _stored(value: Any) -> Any:
    if isinstance(value, PLAIN):
        return value
    return storable(value if isinstance(value, str) else msgspec.json.encode(_encodable(value)).decode())


def _encodable(value: Any) -> Any:
    """Return what a tool was called with, without the texts that JSON in UTF-8 cannot have."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): _encodable(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_encodable(inner) for inner in value]
    return value


def turn_of(row: Sequence[Any], calls: Iterable[ToolRecord]) -> KeptTurn:
    """Return a turn of a row with its number before ``TURN_COLUMNS``; raises ``msgspec.DecodeError``."""
    record = TurnRecord(**_fields(TURN_COLUMNS, row[1:]))
    return KeptTurn(record, tuple(calls), Position(record.timestamp, str(row[0])))


def call_of(row: Sequence[Any]) -> ToolRecord:
    """Return a tool call of a row with ``CALL_COLUMNS``; raises ``msgspec.DecodeError``."""
    fields = _fields(CALL_COLUMNS, row)
    return ToolRecord(**fields | {"ok": bool(fields["ok"])})


def conversation_of(row: Sequence[Any]) -> KeptConversation:
    """Return a conversation of a row with the fields in their order."""
    return KeptConversation(**dict(zip(CONVERSATION_COLUMNS, row, strict=True)))


def _fields(columns: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    return {
        name: msgspec.json.decode(value) if name in JSON_COLUMNS else value
        for name, value in zip(columns, row, strict=True)
    }
