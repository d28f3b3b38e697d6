"""Records as rows, and back."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.storage.rows import by_table, call_of, row_of, storable, turn_of
from protocol.messages.history import Position
from tests.backends.storage.record_fixtures import CALL, SESSION, TURN

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS, st.lists, max_leaves=5)


def test_records_are_rows_of_their_tables() -> None:
    rows = by_table([SESSION, TURN, attrs.evolve(TURN, turn_id="t2"), CALL])
    assert {table: len(found) for table, found in rows.items()} == {"sessions": 1, "conversations": 2, "tool_calls": 1}
    assert rows["sessions"] == [{"session_id": "s1", "user_id": "anna", "started_at": 1_000.0, "client_id": "phone"}]
    assert rows["conversations"][0]["latency_ms"] == '{"stt":120.5,"total":300.0}'
    assert rows["tool_calls"][0]["arguments"] == '{"on":true,"rooms":["Küche"]}'


@given(heard=TEXTS, source=st.none() | TEXTS, confidence=st.none() | st.floats(0, 1))
def test_a_turn_is_read_as_it_was(heard: str, source: str | None, confidence: float | None) -> None:
    record = attrs.evolve(TURN, heard=heard, source=source, confidence=confidence)
    kept = turn_of([7, *row_of(record).values()], ())
    assert (kept.record, kept.calls, kept.position) == (record, (), Position(1_001.0, "7"))


@given(arguments=st.dictionaries(TEXTS, JSON), result=TEXTS, ok=st.booleans())
def test_a_call_is_read_as_it_was(arguments: dict[str, object], result: str, ok: bool) -> None:
    record = attrs.evolve(CALL, arguments=arguments, result=result, ok=ok)
    assert call_of(list(row_of(record).values())) == record


@given(st.text(), st.dictionaries(st.text(), st.text() | st.lists(st.text())))
def test_any_text_can_be_stored(heard: str, arguments: dict[str, object]) -> None:
    values = [
        *row_of(attrs.evolve(TURN, heard=heard)).values(),
        *row_of(attrs.evolve(CALL, arguments=arguments)).values(),
    ]
    texts = [value for value in values if isinstance(value, str)]
    assert all("\0" not in text and text.encode().decode() == text for text in texts)


@pytest.mark.parametrize(
    ("text", "stored"), [("a\0b", "a\ufffdb"), ("\ud800x", "?x"), ("\x07\x1b[31m'; --", "\x07\x1b[31m'; --")]
)
def test_only_what_cannot_be_stored_is_replaced(text: str, stored: str) -> None:
    assert storable(text) == stored
