"""What is asked of the history: positions, and what a deletion is about."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages.history import BadPosition, Deletion, KeptConversation, Position, position_of
from tests.backends.storage.record_fixtures import CALL, SESSION, TURN


@given(st.floats(-1e6, 4e9), st.text(min_size=1, max_size=200))
def test_a_position_comes_back_as_it_was_sent(timestamp: float, key: str) -> None:
    found = position_of(str(Position(timestamp, key)))
    assert found.key == key
    assert found.timestamp == pytest.approx(timestamp, abs=1e-9)


@given(st.floats(1e9, 4e9))
def test_no_time_of_today_is_rounded_in_a_position(timestamp: float) -> None:
    assert position_of(str(Position(timestamp, "7"))).timestamp == timestamp


@pytest.mark.parametrize(
    "text", ["", "1", "1~", "~7", "nan~7", "1e5~7", "1.~7", "٣~7", "1~" + "7" * 201, "9" * 13 + "~1"]
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(BadPosition, match="after must be the next of an earlier page"):
        position_of(text)


def test_a_conversation_stands_where_it_began() -> None:
    kept = KeptConversation(
        session_id="s1", user_id="anna", client_id="", started_at=5.0, last_at=9.0, turns=1, first_heard=""
    )
    assert kept.position == Position(5.0, "s1")


@pytest.mark.parametrize(
    ("what", "covered"),
    [
        (Deletion(user_id="anna"), True),
        (Deletion(user_id="ann"), False),
        (Deletion(session_id="s1"), True),
        (Deletion(session_id="s2"), False),
        (Deletion(user_id="anna", session_id="s2"), False),
        (Deletion(before_s=2_000.0), True),
        (Deletion(before_s=1_000.0), False),
        (Deletion(user_id="anna", session_id="s1", before_s=1_000.0), False),
    ],
)
def test_a_deletion_is_about_what_fits_all_of_it(what: Deletion, covered: bool) -> None:
    assert [what.covers(record) for record in (SESSION, TURN, CALL)] == [covered] * 3


def test_what_was_at_the_limit_or_later_is_not_old() -> None:
    assert Deletion(before_s=1_000.5).covers(SESSION)
    assert not Deletion(before_s=1_000.0).covers(attrs.evolve(SESSION, started_at=1_000.0))


def test_a_deletion_without_a_condition_is_of_everything() -> None:
    assert Deletion().is_of_everything
    assert not any(
        what.is_of_everything for what in (Deletion(user_id=""), Deletion(session_id=""), Deletion(before_s=0))
    )
