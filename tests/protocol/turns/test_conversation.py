"""What a conversation decides. Through a whole dialogue: tests/actors/test_turn_states.py and test_barge_in.py."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages import events
from protocol.messages.errors import CloseCode, LocalProtocolError
from protocol.messages.hearing import Utterance, UtteranceEnded
from protocol.messages.session import Announce, Hang
from protocol.turns import actions
from protocol.turns.conversation import MAX_ANNOUNCEMENTS, MAX_KEPT, ConversationMachine, Moment
from protocol.turns.rules import ConversationState
from protocol.turns.turn import TurnEvent, TurnState
from tests.protocol.turns.conversation_driver import WHATEVER, WORDS, Driver

S = ConversationState


def after(*happened: str) -> Driver:
    """Return a conversation that is open, after this."""
    driver = Driver()
    for what in ("options", *happened):
        driver.happen(what)
    return driver


def kinds(*happened: str) -> list[type]:
    """Return what is decided at the last of these."""
    driver = after(*happened[:-1])
    count = len(driver.done)
    driver.happen(happened[-1])
    return [type(action) for action in driver.done[count:]]


@pytest.mark.parametrize(
    ("happened", "state"),
    [
        ((), S.IDLE),
        (("speech began",), S.IDLE),
        (("text",), S.WORKING),
        (("utterance ended",), S.WORKING),
        (("text", "understood"), S.WORKING),
        (("text", "asks"), S.ASKING),
        (("text", "asks", "confirm"), S.WORKING),
        (("text", "asks", "answered"), S.ANSWERING),
        (("text", "answered"), S.ANSWERING),
        (("text", "speaks"), S.ANSWERING),
        (("announcement",), S.ANSWERING),
        (("text", "interrupt"), S.ENDING),
        (("text", "asks", "interrupt"), S.ENDING),
        (("text", "turn ends"), S.IDLE),
    ],
)
def test_the_state_is_what_the_turn_does(happened: tuple[str, ...], state: ConversationState) -> None:
    driver = after(*happened)
    assert driver.conversation.state(driver.now_s) is state


def test_what_the_client_still_hears_counts_as_the_answer() -> None:
    driver = after("text", "speaks")
    assert driver.conversation.state(driver.now_s + 0.9) is S.ANSWERING
    assert driver.conversation.state(driver.now_s + 1.0) is S.WORKING


def test_nothing_starts_before_the_handshake() -> None:
    driver = Driver()
    driver.happen("text")
    assert (driver.turn, driver.conversation.state(0.0)) == (None, S.CLOSED)
    driver.happen("options")
    driver.happen("text")
    assert driver.completed == {"turn 0": 1}, "the second has replaced it"
    assert driver.started == {"turn 1": 1}


def test_what_cannot_happen_names_event_and_state() -> None:
    conversation = ConversationMachine(lambda: "t", is_open=True)
    with pytest.raises(LocalProtocolError, match="conversation: TURN_ENDED must not happen while IDLE"):
        conversation.receive(actions.TurnEnded("t"), Moment(0.0))


def test_a_second_utterance_waits_and_a_third_replaces_it() -> None:
    driver = after("utterance ended", "utterance ended", "utterance ended")
    assert driver.conversation.waiting is not None
    assert driver.conversation.waiting.turn_id == "turn 2"
    assert driver.completed == {"turn 1": 1}
    driver.happen("turn ends")
    assert driver.started == {"turn 0": 1, "turn 2": 1}


def test_speech_into_the_answer_is_timed_then_holds_it_and_is_weighed_when_it_ends() -> None:
    assert kinds("text", "answered", "speech began") == [
        actions.GiveUpEarly,
        actions.ShowEvent,
        actions.TimeSpeech,
    ]
    assert kinds("text", "answered", "speech began", "timer") == [actions.HoldAnswer]
    assert kinds("text", "answered", "speech began", "utterance ended") == [
        actions.EndPartial,
        actions.ShowEvent,
        actions.StopTiming,
        actions.HoldAnswer,
        actions.WeighWords,
    ]


def test_words_cut_the_answer_and_are_kept_for_their_turn() -> None:
    driver = after("text", "answered", "speech began", "utterance ended", "words")
    assert driver.done[-1] == actions.CutTurn()
    driver.happen("turn ends")
    assert driver.conversation.running is not None
    assert driver.conversation.running.heard == WORDS


@pytest.mark.parametrize("heard", ["noise", "hum"])
def test_the_answer_goes_on_if_nothing_was_said(heard: str) -> None:
    driver = after("text", "answered", "speech began", "utterance ended", heard)
    assert driver.done[-2:] == [actions.CompleteTurn("turn 1", "no_speech"), actions.ResumeAnswer()]
    assert driver.conversation.waiting is None


def test_a_timer_of_a_turn_that_is_over_holds_nothing() -> None:
    driver = after("text", "speech began")
    driver.happen("turn ends")
    driver.happen("text")
    assert driver.tell(actions.SpeechLasted("turn 0")) == []


def test_what_is_weighed_of_a_turn_that_waits_no_more_changes_nothing() -> None:
    driver = after("text", "answered", "utterance ended", "text")
    assert driver.completed == {"turn 1": 1}
    assert driver.tell(actions.Weighed("turn 1", WORDS)) == []


def test_a_yes_is_for_the_question_that_was_open_when_it_was_said() -> None:
    driver = after("text", "asks", "utterance ended", "confirm", "agreed", "asks")
    driver.happen("yes")
    assert driver.consents == {"call 0": 1}, "by hand; the second question stays open"
    assert driver.conversation.state(driver.now_s) is S.ASKING
    assert driver.completed == {"turn 1": 1}


def test_what_was_said_before_a_question_is_no_answer_to_it() -> None:
    driver = after("text", "understood", "utterance ended", "asks", "announcement")
    assert driver.questions == []
    driver.happen("text")
    assert [turn_id for turn_id, _ in driver.questions] == ["turn 2"]


def test_other_words_to_a_question_are_a_no_and_the_next_turn() -> None:
    driver = after("text", "asks", "text", "other words")
    assert actions.GiveConsent("call 0", approve=False) in driver.done
    driver.happen("turn ends")
    assert driver.started == {"turn 0": 1, "turn 1": 1}


def test_after_a_no_a_yes_comes_too_late() -> None:
    driver = after("text", "asks")
    driver.tell(events.Confirm("call 0", approve=False))
    [shown] = driver.tell(events.Confirm("call 0", approve=True))
    assert isinstance(shown, actions.ShowEvent)
    assert isinstance(shown.event, events.Error)


def test_the_output_of_a_call_is_handed_on_once_and_not_after_the_turn_was_cut() -> None:
    driver = after("text", "understood", "leaves a call")
    output = events.ToolOutput("call 0", "It is on.")
    assert driver.tell(output) == [actions.GiveOutput(output)]
    for call_id in ("call 0", "call 1"):
        if call_id == "call 1":
            driver.happen("leaves a call")
            driver.happen("interrupt")
        [shown] = driver.tell(events.ToolOutput(call_id))
        assert isinstance(shown, actions.ShowEvent)
        assert isinstance(shown.event, events.Error)
        assert call_id in shown.event.message
    assert driver.outputs == {"call 0": 1}


def test_while_the_client_is_lost_an_answer_is_held_from_its_beginning() -> None:
    driver = after("lost", "text")
    assert [type(action) for action in driver.done[-2:]] == [actions.StartTurn, actions.HoldAnswer]
    driver.happen("speech dropped")
    driver.happen("utterance ended")
    assert actions.ResumeAnswer() not in driver.done
    driver.happen("back")
    assert type(driver.done[-1]) is actions.ResumeAnswer


def test_only_the_newest_announcements_are_kept() -> None:
    driver = after("text")
    for number in range(MAX_ANNOUNCEMENTS + 1):
        driver.tell(Announce(f"Number {number}."))
    driver.happen("turn ends")
    assert driver.conversation.running is not None
    assert driver.conversation.running.said == Announce("Number 1.")
    assert driver.conversation.announcements == MAX_ANNOUNCEMENTS - 1


def test_bye_hangs_up_when_no_turn_is_open() -> None:
    driver = after("text", "bye")
    assert not any(isinstance(action, actions.HangUp) for action in driver.done)
    driver.happen("turn ends")
    assert driver.done[-1] == actions.HangUp(Hang(CloseCode.NORMAL, "bye"))


def test_bye_during_speech_stops_the_timer_that_would_hold_the_answer_for_ever() -> None:
    driver = after("text", "answered", "speech began", "bye")
    assert driver.timers == []
    assert driver.done[-2:] == [actions.CompleteTurn("turn 1", "interrupted"), actions.ResumeAnswer()]


def test_a_server_that_leaves_hangs_up_at_once_before_the_handshake() -> None:
    driver = Driver()
    driver.happen("leave")
    assert driver.done == [actions.HangUp(Hang(CloseCode.SERVICE_RESTART, "deploy"))]


# --- speech that is answered on request ----------------------------------------------------------


def test_on_request_every_utterance_is_heard_in_its_order_and_none_is_answered() -> None:
    driver = after("options on request", "utterance ended", "utterance ended", "utterance ended")
    assert driver.only_hearing == ["turn 0", "turn 1", "turn 2"]
    assert driver.started == {}
    for _ in range(3):
        driver.happen("only heard")
    assert driver.completed == dict.fromkeys(("turn 0", "turn 1", "turn 2"), 1)


def test_a_request_waits_for_what_was_said_before_it() -> None:
    driver = after("options on request", "utterance ended", "answer asked for")
    assert driver.started == {}
    driver.happen("only heard")
    assert driver.started == {"turn 1": 1}
    assert isinstance(driver.done[-1], actions.StartTurn)
    assert driver.done[-1].pending.said == events.Respond()


def test_a_request_without_speech_is_answered_at_once() -> None:
    assert kinds("options on request", "answer asked for") == [actions.StartTurn]
    assert kinds("answer asked for") == [actions.StartTurn], "in any session"


def test_typed_text_is_answered_also_where_speech_is_not() -> None:
    assert kinds("options on request", "text") == [actions.StartTurn]


def test_on_request_words_into_an_answer_end_it_and_are_kept() -> None:
    driver = after("options on request", "text", "answered", "speech began", "utterance ended", "words", "turn ends")
    assert driver.only_hearing == ["turn 1"]
    assert driver.started == {"turn 0": 1}
    [heard] = [action.pending.heard for action in driver.done if isinstance(action, actions.OnlyHear)]
    assert heard == WORDS


def test_of_too_many_utterances_on_request_the_newest_has_failed() -> None:
    driver = after("options on request", *["utterance ended"] * (MAX_KEPT + 1))
    assert len(driver.only_hearing) == MAX_KEPT
    assert driver.done[-1] == actions.CompleteTurn(f"turn {MAX_KEPT}", "failed")


def test_bye_waits_for_what_is_only_heard() -> None:
    driver = after("options on request", "utterance ended", "bye")
    assert not any(isinstance(action, actions.HangUp) for action in driver.done)
    driver.happen("only heard")
    assert isinstance(driver.done[-1], actions.HangUp)


def test_the_end_of_audio_without_speech_is_told() -> None:
    assert after("nothing open").done[-1] == actions.ShowEvent(events.NothingCommitted(0))


# --- after a crash -------------------------------------------------------------------------------

SAID = actions.PendingTurn("t", events.Text("hello"))


def restored(**left: object) -> list[actions.Action]:
    """Return what is decided at the start."""
    conversation = ConversationMachine(lambda: "new", is_open=True)
    return list(conversation.receive(actions.Restored(**left), Moment(0.0)))  # type: ignore[arg-type]


def test_what_ran_runs_once_more() -> None:
    [started] = restored(open_turns=frozenset({"t"}), running=SAID)
    assert isinstance(started, actions.StartTurn)
    assert started.pending == attrs.evolve(SAID, attempt=2)


@pytest.mark.parametrize(
    "left", [{"running": attrs.evolve(SAID, attempt=2)}, {"running": SAID, "has_begun": True}, {"running": None}]
)
def test_what_ran_twice_or_has_begun_to_answer_is_given_up(left: dict[str, object]) -> None:
    assert restored(open_turns=frozenset({"t"}), **left) == [actions.CompleteTurn("t", "failed")]


def test_what_waited_runs_and_everything_else_has_failed() -> None:
    waiting = actions.PendingTurn("w", UtteranceEnded(Utterance(b"", 0, 1), "silence", 0.0))
    lost, *started = restored(open_turns=frozenset({"w", "t"}), waiting=waiting, running=SAID)
    assert lost == actions.CompleteTurn("t", "failed")
    assert [type(action) for action in started] == [actions.StartTurn]


# --- whatever happens ----------------------------------------------------------------------------


MUCH = st.lists(st.sampled_from(WHATEVER), min_size=20, max_size=80)


@given(MUCH, st.booleans())
def test_whatever_happens_every_turn_is_completed_once_and_nothing_is_done_twice(
    happened: list[str], is_open: bool
) -> None:
    driver = after() if is_open else Driver()
    for what in happened:
        driver.happen(what)
        turn = driver.conversation.turn
        assert driver.turn is turn
        if driver.is_lost and turn is not None and turn.state not in (TurnState.CUT, TurnState.OVER):
            assert turn.playback.is_held, "a client that is lost hears nothing"
    driver.come_to_rest()
    assert driver.conversation.open_turns == frozenset()
    assert driver.completed == dict.fromkeys(driver.opened, 1)
    assert all(count <= 1 for count in (*driver.consents.values(), *driver.outputs.values()))
    assert all(count <= 1 + driver.crashes for count in driver.started.values())
    if not driver.crashes:
        assert all(count == 1 for count in driver.started.values())


@given(MUCH)
def test_whatever_happens_an_answer_that_is_held_goes_on_in_the_end(happened: list[str]) -> None:
    driver = after()
    for what in happened:
        driver.happen(what)
    for what in ("back", "options", "speech dropped", "noise", "noise", "noise"):
        driver.happen(what)
    turn = driver.conversation.turn
    if turn is not None and turn.state is not TurnState.CUT and not driver.weighing:
        assert not turn.playback.is_held


def test_a_turn_that_was_cut_is_told_so() -> None:
    driver = after("text", "interrupt")
    assert driver.turn is not None
    assert driver.turn.state is TurnState.CUT
    driver.turn.advance(TurnEvent.ANSWERED)
    assert driver.conversation.state(driver.now_s) is S.ENDING
