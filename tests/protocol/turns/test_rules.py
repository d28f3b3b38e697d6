"""The table of a conversation, and the page that is drawn from it."""

from protocol.turns.rules import CONVERSATION, ConversationEvent, ConversationState, Step
from tests.source_tree import ROOT
from tests.turn_drawing import PAGE, drawn

S, E, D = ConversationState, ConversationEvent, Step
EVERYWHERE = set(ConversationState)


def test_every_event_has_a_row_and_every_step_is_taken_somewhere() -> None:
    assert set(CONVERSATION) == set(ConversationEvent)
    assert {step for row in CONVERSATION.values() for steps in row.values() for step in steps} == set(Step)


def test_what_comes_from_outside_may_come_in_every_state() -> None:
    weighed = {E.GOES_ON, E.NOT_THE_REST, E.BARGE_IN_WORDS, E.BARGE_IN_NOTHING}
    inside = weighed | {E.RESTORED, E.CONFIRMED, E.OUTPUT_GIVEN, E.TURN_ENDED}
    assert {event for event, row in CONVERSATION.items() if set(row) != EVERYWHERE} == inside


def test_only_a_turn_that_goes_on_is_held_or_resumed() -> None:
    with_turn = {S.WORKING, S.ASKING, S.ANSWERING}
    for event, row in CONVERSATION.items():
        for state, steps in row.items():
            if D.HOLD in steps or D.RESUME in steps:
                assert state in with_turn, (event, state)


def test_steps_upon_a_turn_are_taken_only_where_there_is_one() -> None:
    for event, row in CONVERSATION.items():
        for state in (S.CLOSED, S.IDLE):
            assert not {D.CUT, D.TIME_SPEECH, D.CONSENT, D.FORGET_TURN, D.HEAR_ANSWER} & set(row.get(state, ())), event


def test_the_page_shows_the_tables_as_they_are() -> None:
    page = (ROOT / PAGE).read_text()
    assert page == drawn(page), "python -m tests.turn_drawing --write"
