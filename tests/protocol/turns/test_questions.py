import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages.understanding import Choice, CommandMatch, SlotQuestion
from protocol.turns.questions import (
    QUESTIONS,
    OpenQuestion,
    QuestionState,
    Reaction,
    SaidWords,
    WordsDecision,
    WordsEvent,
    decide,
    open_at,
)

LACKING = CommandMatch("SetTimer", "t", "set_timer", {}, 1.0, "set a timer", question=SlotQuestion("s", "How long?"))
WHOLE = attrs.evolve(LACKING, arguments={"seconds": 600}, question=None)
TIME = CommandMatch("GetTime", "t", "get_time", {}, 1.0, "what time is it")
NOTE = attrs.evolve(LACKING, tool="add_note", question=SlotQuestion("text", "What?", is_free_text=True))
QUESTION = OpenQuestion("t1", "How long?", LACKING, until_s=15.0)
AGAIN = attrs.evolve(QUESTION, state=QuestionState.ASKED_AGAIN)
CHOICE = attrs.evolve(
    QUESTION, asked=TIME, choices=(Choice("pasta timer", {"name": "pasta"}), Choice("pizza timer", {"name": "pizza"}))
)


def words(text="x", *, command=None, answer=None):
    return SaidWords((text,), "en", command, answer)


def test_every_kind_of_words_is_decided_in_every_state():
    assert set(QUESTIONS) == set(WordsEvent)
    assert all(set(row) == set(QuestionState) for row in QUESTIONS.values())
    assert {reaction for row in QUESTIONS.values() for reaction, _ in row.values()} == set(Reaction)


def test_a_question_is_asked_at_most_twice_and_every_way_out_of_it_is_open():
    for row in QUESTIONS.values():
        for state, (reaction, after) in row.items():
            assert (reaction, after) != (Reaction.ASK_AGAIN, QuestionState.ASKED)
            assert reaction is not Reaction.ASK_AGAIN or state is QuestionState.ASKED
            assert reaction is not Reaction.CALL or after is QuestionState.NONE


@pytest.mark.parametrize(
    ("said", "question", "reaction", "match"),
    [
        (words(command=TIME), None, Reaction.CALL, TIME),
        (words(command=LACKING), None, Reaction.ASK, LACKING),
        (words(), None, Reaction.GO_ON, None),
        (words("never mind"), None, Reaction.DROP, None),
        (words("stop", command=TIME), None, Reaction.CALL, TIME),
        (words("no"), None, Reaction.GO_ON, None),
        (words("repeat that"), None, Reaction.REPEAT, None),
        (words(answer=WHOLE), QUESTION, Reaction.CALL, WHOLE),
        (words(answer=WHOLE, command=TIME), QUESTION, Reaction.CALL, WHOLE),
        (words(command=TIME), QUESTION, Reaction.CALL, TIME),
        (words(answer=LACKING), QUESTION, Reaction.ASK, LACKING),
        (words("no"), QUESTION, Reaction.DROP, None),
        (words("stop", command=TIME), QUESTION, Reaction.DROP, None),
        (words("repeat that", answer=WHOLE), QUESTION, Reaction.REPEAT, None),
        (words(), QUESTION, Reaction.ASK_AGAIN, None),
        (words(), AGAIN, Reaction.GO_ON, None),
    ],
)
def test_what_is_done_with_words(said, question, reaction, match):
    decision = decide(said, question)

    assert (decision.reaction, decision.match) == (reaction, match)


def test_where_any_text_answers_a_command_that_was_said_exactly_comes_first():
    question = attrs.evolve(QUESTION, asked=NOTE)

    assert decide(words(answer=WHOLE, command=TIME), question).match is TIME
    assert decide(words(answer=WHOLE, command=attrs.evolve(TIME, confidence=0.9)), question).match is WHOLE


@pytest.mark.parametrize(
    ("text", "name"), [("the pizza one", "pizza"), ("the first one", "pasta"), ("the second", "pizza")]
)
def test_a_choice_makes_the_same_call_with_its_arguments(text, name):
    decision = decide(words(text), CHOICE)

    assert decision == WordsDecision(
        Reaction.CALL, attrs.evolve(TIME, arguments={"name": name}), QuestionState.NONE, is_answer=True
    )


def test_words_that_choose_nothing_have_it_asked_once_more():
    assert decide(words("the soup one"), CHOICE).reaction is Reaction.ASK_AGAIN


def test_several_commands_are_made_in_order_and_replace_a_question():
    said = SaidWords(("x",), "en", several=(TIME, WHOLE))

    for question in (None, QUESTION):
        assert decide(said, question) == WordsDecision(Reaction.CALL, TIME, more=(WHOLE,))
    assert decide(SaidWords(("x",), "en", several=(LACKING, TIME)), None).reaction is Reaction.CALL
    assert decide(SaidWords(("x",), "en", several=(LACKING, LACKING)), None).reaction is Reaction.ASK


def test_what_waits_for_an_answer_comes_behind_it_and_not_behind_another_command():
    question = attrs.evolve(QUESTION, then=(NOTE,))

    assert decide(words(answer=WHOLE), question).more == (NOTE,)
    assert decide(words(command=TIME), question).more == ()


def test_a_question_lapses():
    assert open_at(QUESTION, 15.0) is QUESTION
    assert open_at(QUESTION, 15.1) is None
    assert open_at(None, 0.0) is None


@given(st.lists(st.sampled_from(["x", "no", "repeat that", "time", "answer", "lacking"]), max_size=12))
def test_whatever_is_said_a_question_ends_and_a_call_closes_it(story):
    question: OpenQuestion | None = QUESTION
    unclear = 0
    for said in story:
        command = {"time": TIME, "lacking": LACKING}.get(said)
        decision = decide(words(said, command=command, answer=WHOLE if said == "answer" else None), question)
        unclear = unclear + 1 if said == "x" and question is not None else 0 if said == "lacking" else unclear
        if decision.reaction is Reaction.CALL:
            assert decision.state is QuestionState.NONE
            assert decision.match.question is None
        is_open = decision.state is not QuestionState.NONE
        question = attrs.evolve(QUESTION, state=decision.state) if is_open else None
        assert question is None or unclear < 2
        unclear = unclear if is_open else 0
