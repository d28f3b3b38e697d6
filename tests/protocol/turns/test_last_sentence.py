import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages.errors import LocalProtocolError
from protocol.messages.understanding import Choice, CommandMatch, ToolOutcome, Undo
from protocol.turns.last_sentence import (
    AMEND_WITHIN_S,
    DONE,
    TAKE_BACK_WITHIN_S,
    TYPING_S,
    DoneCall,
    DoneEvent,
    DoneState,
    LastSentence,
    amendment_of,
    event_of,
    followed_by,
    is_whole_of,
    joined,
    to_take_back,
)

E, S = DoneEvent, DoneState
HOUR = CommandMatch("Timer", "t", "set_timer", {"seconds": 3600}, 1.0, "set a timer for an hour")
WHOLE = attrs.evolve(HOUR, arguments={"seconds": 5400})
LIGHT = CommandMatch("Light", "home", "light", {}, 1.0, "turn on the light")
CALL = DoneCall("c1", "t", "set_timer", {"seconds": 3600}, Undo("cancel", {"id": 1}))
LIGHT_CALL = DoneCall("c2", "home", "light", {})
DONE_ONE = LastSentence("t1", HOUR.text, 10.0, S.DONE, (CALL,))


def test_only_what_is_done_and_known_is_taken_back():
    assert [state for state in S if E.UNDO_SENT in DONE[state]] == [S.DONE]
    assert set(DONE) == set(S)
    with pytest.raises(LocalProtocolError, match="UNDO_SENT must not happen while SENT"):
        DONE_ONE.after(E.CALL_SENT).after(E.UNDO_SENT)


@given(st.lists(st.sampled_from(E)))
def test_what_is_not_known_stays_unknown(events):
    state = S.LASTING
    for event in events:
        state = DONE[state].get(event, state)
        assert state is S.LASTING


def test_outcomes():
    fine = ToolOutcome(ok=True, content="", duration_s=0.0)
    assert event_of(fine) is E.CALL_DONE
    assert event_of(attrs.evolve(fine, choices=(Choice("a", {}), Choice("b", {})))) is E.CALL_ASKED
    assert event_of(attrs.evolve(fine, ok=False)) is E.CALL_FAILED
    sent = LastSentence("t1", "x", 0.0).after(E.CALL_SENT)
    assert sent.with_outcome(CALL, E.CALL_DONE) == LastSentence("t1", "x", 0.0, S.DONE, (CALL,))
    assert sent.with_outcome(CALL, E.CALL_ASKED).calls == ()
    assert not sent.with_outcome(CALL, E.CALL_FAILED).is_known


def test_a_sentence_may_go_on_for_a_while_and_typing_takes_time():
    assert DONE_ONE.may_go_on(10.0 + AMEND_WITHIN_S, is_typed=False)
    assert not DONE_ONE.may_go_on(10.1 + AMEND_WITHIN_S, is_typed=False)
    assert DONE_ONE.may_go_on(10.0 + AMEND_WITHIN_S + TYPING_S, is_typed=True)
    assert not DONE_ONE.may_go_on(10.1 + AMEND_WITHIN_S + TYPING_S, is_typed=True)


@pytest.mark.parametrize(
    ("before", "commands", "undone", "to_do"),
    [
        (DONE_ONE, (WHOLE,), (CALL,), (WHOLE,)),
        (DONE_ONE, (HOUR,), (), ()),
        (DONE_ONE, (HOUR, LIGHT), (), (LIGHT,)),
        (attrs.evolve(DONE_ONE, calls=(LIGHT_CALL, CALL)), (LIGHT, WHOLE), (CALL,), (WHOLE,)),
        (attrs.evolve(DONE_ONE, calls=(CALL, LIGHT_CALL)), (WHOLE, LIGHT), (LIGHT_CALL, CALL), (WHOLE, LIGHT)),
        (LastSentence("t1", "set a timer for", 10.0), (WHOLE,), (), (WHOLE,)),
    ],
)
def test_an_amendment_undoes_what_differs_and_does_the_rest(before, commands, undone, to_do):
    amendment = amendment_of(before, "whole", commands)
    assert (amendment.undone, amendment.commands) == (undone, to_do)


def test_free_text_is_the_rest_only_where_it_was_begun():
    note = CommandMatch("Note", "t", "add_note", {"text": "the car needs oil"}, 1.0, "note", has_free_text=True)
    nothing = LastSentence("t1", "add eggs", 10.0)
    noted = attrs.evolve(DONE_ONE, calls=(attrs.evolve(CALL, tool="add_note"),))
    assert is_whole_of(DONE_ONE, [WHOLE])
    assert is_whole_of(nothing, [note])
    assert not is_whole_of(nothing.after(E.CALL_SENT), [note])
    assert not is_whole_of(noted, [note])
    assert is_whole_of(noted, [note], takes_text=True)
    assert not is_whole_of(DONE_ONE, [note], takes_text=True)
    assert not is_whole_of(noted, [note, WHOLE], takes_text=True)


def test_two_halves_are_joined_with_and_without_an_and():
    assert joined("set a timer for an hour", "thirty minutes", "en") == [
        "set a timer for an hour thirty minutes",
        "set a timer for an hour and thirty minutes",
    ]
    assert joined("Stelle einen Timer auf eine Stunde.", "und dreißig Minuten", "de")[0].endswith(
        "Stunde und dreißig Minuten"
    )
    assert joined("x", "y", "fr") == ["x y"]
    assert joined("...", "y", "en") == joined("x", " ", "en") == ()


def test_undo_means_the_last_that_can_be_taken_back():
    reading = LastSentence("t2", "what time is it", 20.0, S.DONE, (LIGHT_CALL,), before=DONE_ONE)
    assert to_take_back(reading, 21.0) is DONE_ONE
    assert to_take_back(DONE_ONE, 10.0 + TAKE_BACK_WITHIN_S) is DONE_ONE
    assert to_take_back(DONE_ONE, 10.1 + TAKE_BACK_WITHIN_S) is None
    assert to_take_back(None, 0.0) is None
    unknown = attrs.evolve(reading, state=S.LASTING)
    assert to_take_back(unknown, 21.0) is unknown, "nothing before it is meant"


def test_what_was_taken_back_is_gone_from_the_whole_chain():
    rest = LastSentence("t2", "whole", 11.0, S.DONE, (LIGHT_CALL,), goes_on=True, before=DONE_ONE)
    assert rest.all_calls == (CALL, LIGHT_CALL)
    assert rest.without_call("c1").all_calls == (LIGHT_CALL,)
    assert not attrs.evolve(rest, before=attrs.evolve(DONE_ONE, state=S.SENT)).is_known


def test_the_record_does_not_grow():
    sentence = DONE_ONE
    for number in range(50):
        sentence = followed_by(
            sentence, attrs.evolve(DONE_ONE, turn_id=f"t{number}", goes_on=number % 3 == 1, ended_s=10.0 + number)
        )
    assert sentence.before is not None
    assert sentence.before.before is not None
    assert sentence.before.before.before is None


def test_what_followed_knows_the_one_before_and_what_undo_may_mean():
    reading = LastSentence("t2", "what time is it", 20.0, S.DONE, (LIGHT_CALL,))
    third = followed_by(followed_by(DONE_ONE, reading), LastSentence("t3", "x", 30.0))
    assert third.before is not None
    assert third.before.turn_id == "t2"
    assert third.before.before == DONE_ONE
