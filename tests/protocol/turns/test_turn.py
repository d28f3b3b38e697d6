"""The states of a turn."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages.errors import LocalProtocolError
from protocol.messages.events import Text
from protocol.messages.hearing import Utterance, UtteranceEnded
from protocol.messages.session import Announce
from protocol.turns.turn import TRANSITIONS, Transition, TurnEvent, TurnMachine, TurnState

E = TurnEvent
LATER = [TurnState.TRANSCRIBING, TurnState.UNDERSTANDING, TurnState.CONFIRMING, TurnState.ACTING, TurnState.SPEAKING]

PATHS = {
    "spoken": [E.SPEECH_ENDED, E.HEARD, E.UNDERSTOOD, E.ANSWERED],
    "typed": [E.TEXT_RECEIVED, E.UNDERSTOOD, E.ANSWERED],
    "announced": [E.ANNOUNCED, E.ANSWERED],
    "confirmed before acting": [E.TEXT_RECEIVED, E.CONFIRMATION_ASKED, E.CONFIRMED, E.ANSWERED],
    "confirmed while acting": [E.TEXT_RECEIVED, E.UNDERSTOOD, E.CONFIRMATION_ASKED, E.CONFIRMED, E.ANSWERED],
    "declined": [E.TEXT_RECEIVED, E.UNDERSTOOD, E.CONFIRMATION_ASKED, E.ANSWERED],
    "not understood": [E.SPEECH_ENDED, E.HEARD, E.ANSWERED],
    "recogniser gone": [E.SPEECH_ENDED, E.ANSWERED],
    "answered, then too late": [E.SPEECH_ENDED, E.HEARD, E.UNDERSTOOD, E.ANSWERED, E.ANSWERED],
}


def machine_after(*happened: TurnEvent) -> TurnMachine:
    machine = TurnMachine("t1")
    for event in happened:
        machine.advance(event)
    return machine


def state_of(machine: TurnMachine) -> TurnState:
    """Ask through a function, so that the type checker does not take the first answer for good."""
    return machine.state


def path_to(state: TurnState) -> list[TurnEvent]:
    """Return the shortest way from the beginning."""
    paths: dict[TurnState, list[TurnEvent]] = {TurnState.LISTENING: []}
    queue = [TurnState.LISTENING]
    for before in queue:
        for event, after in TRANSITIONS[before].items():
            if after not in paths:
                paths[after] = [*paths[before], event]
                queue.append(after)
    return paths[state]


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_turn_that_is_answered_speaks_and_then_is_over(path: list[TurnEvent]) -> None:
    machine = machine_after(*path)
    assert state_of(machine) is TurnState.SPEAKING
    machine.finish()
    assert state_of(machine) is TurnState.OVER


def test_a_spoken_turn_goes_through_all_states_in_order() -> None:
    machine, states = TurnMachine("t1"), []
    for event in PATHS["spoken"]:
        machine.advance(event)
        states.append(machine.state.value)
    assert states == ["transcribing", "understanding", "acting", "speaking"]


@pytest.mark.parametrize("state", LATER)
def test_what_a_turn_had_under_way_when_it_was_cut_changes_nothing(state: TurnState) -> None:
    machine = machine_after(*path_to(state), E.INTERRUPTED)
    for event in (E.HEARD, E.UNDERSTOOD, E.CONFIRMED, E.ANSWERED, E.INTERRUPTED):
        machine.advance(event)
        assert state_of(machine) is TurnState.CUT
    machine.ask("call 1")
    assert machine.question is None
    machine.finish()
    assert state_of(machine) is TurnState.OVER


@pytest.mark.parametrize("state", LATER)
def test_a_turn_ends_once_in_every_state_that_it_was_begun_in(state: TurnState) -> None:
    machine = machine_after(*path_to(state))
    machine.finish()
    assert state_of(machine) is TurnState.OVER
    machine.advance(E.INTERRUPTED)  # it comes too late
    with pytest.raises(LocalProtocolError, match="turn t1: FINISHED must not happen while OVER"):
        machine.finish()


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (UtteranceEnded(Utterance(b"", 0, 0), "silence", 0.0), TurnState.TRANSCRIBING),
        (Text("hello"), TurnState.UNDERSTANDING),
        (Announce("Your tea is ready."), TurnState.SPEAKING),
    ],
)
def test_a_turn_begins_with_what_was_said(said: UtteranceEnded | Text | Announce, state: TurnState) -> None:
    machine = TurnMachine("t1")
    machine.begin(said)
    assert state_of(machine) is state


def test_a_question_is_open_until_it_is_answered_or_closed() -> None:
    machine = machine_after(E.TEXT_RECEIVED)
    machine.ask("call 1")
    assert machine.question == "call 1"
    machine.advance(E.CONFIRMED)
    assert machine.question is None
    machine.ask("call 2")
    machine.close_question()
    assert (machine.question, state_of(machine)) == (None, TurnState.CONFIRMING)


def test_what_has_not_begun_cannot_end() -> None:
    with pytest.raises(LocalProtocolError, match="turn t1: FINISHED must not happen while LISTENING"):
        TurnMachine("t1").finish()


def test_an_impossible_event_names_both_and_changes_nothing() -> None:
    machine = machine_after(E.SPEECH_ENDED)
    with pytest.raises(LocalProtocolError, match="turn t1: UNDERSTOOD must not happen while TRANSCRIBING"):
        machine.advance(E.UNDERSTOOD)
    assert state_of(machine) is TurnState.TRANSCRIBING


def test_every_change_is_reported_once() -> None:
    seen: list[Transition] = []
    machine = TurnMachine("t1", seen.append)
    machine.advance(E.TEXT_RECEIVED)
    machine.finish()
    assert seen == [
        Transition("t1", TurnState.LISTENING, E.TEXT_RECEIVED, TurnState.UNDERSTANDING),
        Transition("t1", TurnState.UNDERSTANDING, E.FINISHED, TurnState.OVER),
    ]


def test_changes_are_logged_unless_a_callback_is_given(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "sayso.turn"):
        machine_after(E.TEXT_RECEIVED)
    assert caplog.messages == ["listening -> understanding (text received)"]
    assert vars(caplog.records[0])["turn_id"] == "t1"


def test_every_state_can_be_reached_and_left() -> None:
    assert set(TRANSITIONS) == set(TurnState)
    assert all(path_to(state) or state is TurnState.LISTENING for state in TurnState)


def test_every_event_is_in_the_table() -> None:
    assert {event for row in TRANSITIONS.values() for event in row} == set(TurnEvent)


def test_it_shows_its_state() -> None:
    assert repr(TurnMachine("t1")) == "<TurnMachine t1 LISTENING>"


@given(st.lists(st.sampled_from(TurnEvent), max_size=30))
def test_whatever_happens_the_state_follows_the_table(happened: list[TurnEvent]) -> None:
    machine = TurnMachine("t1", lambda _: None)
    for event in happened:
        expected = TRANSITIONS[machine.state].get(event)
        if expected is None:
            with pytest.raises(LocalProtocolError):
                machine.advance(event)
        else:
            machine.advance(event)
            assert state_of(machine) is expected
