import attrs
import pytest

from protocol.language import phrases
from protocol.messages.meaning import Certainty, Meaning
from protocol.messages.understanding import CommandMatch, Guess, SlotQuestion
from protocol.turns.meaning import (
    CANNOT,
    GO_ON,
    STEPS,
    MeaningEvent,
    MeaningStep,
    Thresholds,
    decide_meaning,
    meaning_of,
)
from protocol.turns.questions import Reaction

THRESHOLDS = Thresholds(sure=0.6, likely=0.4, own=0.75)
WHOLE = CommandMatch("GetTime", "house", "get_time", {}, 1.0, "words", guess=Guess("Shall I?", is_sure=False))
LACKING = attrs.evolve(WHOLE, question=SlotQuestion("seconds", "For how long?"))


def meant(name: str, confidence: float, *, is_own: bool = False) -> Meaning:
    """Return a meaning as the head or an example gives it."""
    own = {name: confidence} if is_own else {}
    found = meaning_of({} if is_own else {name: confidence}, own, THRESHOLDS)
    assert found is not None
    return found


def test_the_table_has_every_cell() -> None:
    assert set(STEPS) == set(MeaningEvent)
    assert all(set(row) == set(Certainty) for row in STEPS.values())


@pytest.mark.parametrize(
    ("confidence", "step", "is_sure"),
    [(0.6, MeaningStep.CALL, True), (0.59, MeaningStep.ASK_FIRST, False), (0.4, MeaningStep.ASK_FIRST, False)],
)
def test_a_whole_call_is_made_or_asked_about_by_how_sure_it_is(
    confidence: float, step: MeaningStep, *, is_sure: bool
) -> None:
    decision = decide_meaning(meant("get_time", confidence), WHOLE)
    assert decision.step is step
    assert decision.words is not None
    assert decision.words.reaction is Reaction.CALL
    assert decision.words.match == attrs.evolve(WHOLE, confidence=confidence, guess=Guess("Shall I?", is_sure=is_sure))


def test_what_is_doubtful_goes_on() -> None:
    assert decide_meaning(meant("get_time", 0.39), WHOLE) == GO_ON
    assert decide_meaning(meant("order", 0.39), None) == GO_ON
    assert decide_meaning(None, None) == GO_ON
    assert GO_ON.words is None


def test_what_a_call_lacks_is_asked_for_and_the_answer_makes_the_call_without_another_question() -> None:
    decision = decide_meaning(meant("set_timer", 0.5), LACKING)
    assert decision.words is not None
    assert decision.words.reaction is Reaction.ASK
    assert decision.words.match == attrs.evolve(LACKING, guess=None)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("order", phrases.CANNOT_ORDER), ("play", phrases.CANNOT_PLAY)],
)
def test_what_cannot_be_done_is_named_and_kept_from_models_without_tools(name: str, sentence: str) -> None:
    decision = decide_meaning(meant(name, 0.9), None)
    assert (decision.cannot, decision.words, decision.is_action) == (sentence, None, True)


def test_a_class_for_which_there_is_a_tool_is_not_named_as_missing() -> None:
    assert decide_meaning(meant("set_alarm", 0.9), WHOLE).cannot is None


@pytest.mark.parametrize(("confidence", "step"), [(0.7, MeaningStep.HELP), (0.5, MeaningStep.GO_ON)])
def test_help_is_given_only_for_what_surely_asks_for_it(confidence: float, step: MeaningStep) -> None:
    assert decide_meaning(meant("help", confidence), None).step is step


@pytest.mark.parametrize("name", ["talk", "question", "none", "get_time"])
def test_talk_and_what_cannot_be_filled_go_on(name: str) -> None:
    assert decide_meaning(meant(name, 1.0), None) == GO_ON


def test_a_users_own_command_is_never_made_unasked_however_near_it_is() -> None:
    decision = decide_meaning(meant("Lights", 0.99, is_own=True), WHOLE)
    assert decision.step is MeaningStep.ASK_FIRST
    assert decide_meaning(meant("order", 0.99, is_own=True), None) == GO_ON


def test_the_likeliest_class_counts_where_no_example_is_near() -> None:
    assert meaning_of({"talk": 0.7, "none": 0.2}, {"Lights": 0.74}, THRESHOLDS) == meant("talk", 0.7)
    assert meaning_of({}, {}, THRESHOLDS) is None


def test_a_near_example_goes_before_the_head() -> None:
    assert meaning_of({"control": 0.9}, {"Lights": 0.8, "Blinds": 0.5}, THRESHOLDS) == meant("Lights", 0.8, is_own=True)


def test_two_examples_that_are_as_near_are_none() -> None:
    assert meaning_of({"control": 0.9}, {"LightOn": 0.9, "LightOff": 0.88}, THRESHOLDS) == meant("control", 0.9)


def test_every_class_that_may_be_missing_has_a_sentence() -> None:
    assert all(sentence.startswith("I can't") for sentence in CANNOT.values())
