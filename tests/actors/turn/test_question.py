"""A question that a turn asks, and what the next turns do with it."""

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.language import phrases
from protocol.messages import events
from protocol.messages.hearing import NoWords, Recognition, Transcribe
from protocol.messages.session import Announce, Presence
from protocol.messages.understanding import (
    CallTool,
    Choice,
    CommandMatch,
    Generate,
    ListTools,
    SlotQuestion,
    ToolList,
    ToolOutcome,
)
from protocol.turns.questions import ANSWER_WITHIN_S
from tests.actors.dialogue_fixtures import Room, outcome_of, says
from tests.fakes import FakeGrammar, Grow, command

HOW_LONG = "For how long?"
LACKING = CommandMatch(
    "SetTimer", "house", "set_timer", {}, 1.0, "set a timer", question=SlotQuestion("seconds", HOW_LONG)
)
WHOLE = attrs.evolve(LACKING, arguments={"seconds": 600}, question=None)
WHICH = "There are two timers: pasta timer and pizza timer. Which one?"
CHOICES = (Choice("pasta timer", {"name": "pasta"}), Choice("pizza timer", {"name": "pizza"}))


async def asking(grow: Grow, *, language: str | None = None) -> Room:
    """Return a room in which "set a timer" lacks its duration and has been answered with the question."""
    grammar = FakeGrammar({"set a timer": LACKING} | command("what time is it", "get_time"))
    grammar.answers["ten minutes"] = WHOLE
    room = Room(grammar=grammar)
    room.tools.answers |= {CallTool: outcome_of("Done."), ListTools: ToolList()}
    room.inference.answers[Generate] = says("I see.")
    await room.open(grow, language=language)
    await ask(room)
    assert replies(room) == [HOW_LONG]
    return room


async def ask(room: Room, text: str = "set a timer") -> None:
    """Say something and hear the answer to its end."""
    await room.type(text)
    await trio.sleep(3.0)
    await wait_all_tasks_blocked()


def replies(room: Room) -> list[str]:
    return [event.text for event in room.connection.events(events.Reply)]


def calls(room: Room) -> list[tuple[str, object]]:
    return [(call.tool, call.arguments) for call in room.tools.of(CallTool)]


def completed_once(room: Room) -> bool:
    ended = [event.turn_id for event in room.connection.events(events.TurnCompleted)]
    return len(ended) == len(set(ended))


async def test_a_timer_without_a_duration_is_asked_for_it_and_set_once(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    assert calls(room) == []
    await ask(room, "ten minutes")
    await ask(room, "ten minutes")
    assert calls(room) == [("set_timer", {"seconds": 600})]
    assert replies(room)[1] == "Done."
    assert [event.outcome for event in room.connection.events(events.TurnCompleted)] == ["done"] * 3
    assert completed_once(room)


async def test_a_question_is_told_to_the_client_behind_its_reply(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    [question] = room.connection.events(events.Question)
    [reply] = room.connection.events(events.Reply)
    assert question == events.Question(reply.turn_id, HOW_LONG, ANSWER_WITHIN_S)
    told = room.connection.events()
    assert told.index(reply) < told.index(question)
    await ask(room, "ten minutes")
    assert room.connection.events(events.Question) == [question], "the answer asks nothing"


async def test_a_question_is_answered_by_voice_with_its_words_expected(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    room.transcription.answers[Transcribe] = Recognition("ten minutes", "en", 0.9)
    await room.begin_to_speak()
    await room.end_speech()
    await trio.sleep(3.0)
    [transcribe] = room.transcription.of(Transcribe)
    assert transcribe.vocabulary[0] == "answers to SetTimer"
    assert calls(room) == [("set_timer", {"seconds": 600})]


async def test_a_question_lapses(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    await trio.sleep(ANSWER_WITHIN_S + 1.0)
    await ask(room, "ten minutes")
    assert calls(room) == []
    assert replies(room)[-1] == "I see."


async def test_a_command_of_its_own_replaces_the_question(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    await ask(room, "what time is it")
    await ask(room, "ten minutes")
    assert calls(room) == [("get_time", {})]


@pytest.mark.parametrize(
    ("language", "words", "told"),
    [("en", "never mind", phrases.DROPPED), ("en", "no", phrases.DROPPED), ("de", "Abbrechen!", "Gut, ich lasse es.")],
)
async def test_never_mind_drops_the_question(
    grow: Grow, autojump_clock: MockClock, *, language: str, words: str, told: str
) -> None:
    room = await asking(grow, language=language)
    await ask(room, words)
    assert replies(room)[-1] == told
    await ask(room, "ten minutes")
    assert calls(room) == []


async def test_what_is_not_understood_has_it_asked_once_more_and_then_dropped(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await asking(grow)
    await ask(room, "banana")
    await ask(room, "banana")
    await ask(room, "ten minutes")
    assert replies(room)[1:] == [f"{phrases.NOT_UNDERSTOOD} {HOW_LONG}", "I see.", "I see."]
    assert calls(room) == []


async def test_a_question_that_was_asked_once_more_is_answered(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    await ask(room, "banana")
    await ask(room, "repeat that")
    assert replies(room)[-1] == HOW_LONG
    await ask(room, "ten minutes")
    assert calls(room) == [("set_timer", {"seconds": 600})]


async def test_a_cough_and_an_announcement_leave_the_question_open(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    room.transcription.answers[Transcribe] = NoWords("noise")
    await room.begin_to_speak()
    await room.end_speech()
    await room.dialogue.tell(Announce("Your tea is done."))
    await trio.sleep(3.0)
    await ask(room, "ten minutes")
    assert calls(room) == [("set_timer", {"seconds": 600})]


async def test_a_question_survives_a_restart_of_the_dialogue(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    await room.dialogue.tell("nonsense")
    await trio.sleep(3.0)
    await ask(room, "ten minutes")
    assert calls(room) == [("set_timer", {"seconds": 600})]
    assert completed_once(room)


async def test_a_crash_behind_the_answers_call_leaves_no_question(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    await room.type("ten minutes")
    await room.dialogue.tell("nonsense")
    await trio.sleep(3.0)
    await ask(room, "ten minutes")
    assert calls(room) == [("set_timer", {"seconds": 600})]
    assert completed_once(room)


async def test_a_client_that_was_lost_for_a_moment_comes_back_to_its_question(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await asking(grow)
    await room.dialogue.tell(Presence(is_there=False))
    await trio.sleep(ANSWER_WITHIN_S / 2)
    await room.dialogue.tell(Presence(is_there=True))
    await ask(room, "ten minutes")
    assert calls(room) == [("set_timer", {"seconds": 600})]


async def test_a_question_may_be_answered_before_it_was_heard_to_its_end(grow: Grow, autojump_clock: MockClock) -> None:
    grammar = FakeGrammar({"set a timer": LACKING})
    grammar.answers["ten minutes"] = WHOLE
    room = Room(grammar=grammar)
    room.tools.answers |= {CallTool: outcome_of("Done."), ListTools: ToolList()}
    await room.open(grow)
    await room.type("set a timer")
    await ask(room, "ten minutes")
    assert calls(room) == [("set_timer", {"seconds": 600})]


async def test_an_answer_is_no_surer_than_what_it_answers(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    asked = room.memory.turns.question
    assert asked is not None
    room.memory.turns.question = attrs.evolve(asked, confidence=0.1)
    await ask(room, "ten minutes")
    assert len(room.connection.events(events.ConfirmRequest)) == 1
    assert calls(room) == []


async def test_a_tool_that_cannot_tell_which_is_asked_again_with_the_one_that_is_chosen(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room(grammar=FakeGrammar(command("cancel the timer", "cancel_timer")))
    room.tools.answers |= {CallTool: ToolOutcome(True, WHICH, 0.05, choices=CHOICES), ListTools: ToolList()}
    room.transcription.answers[Transcribe] = Recognition("the pizza one", "en", 0.9)
    await room.open(grow)
    await ask(room, "cancel the timer")
    room.tools.answers[CallTool] = outcome_of("The pizza timer is cancelled.")
    await room.begin_to_speak()
    await room.end_speech()
    await trio.sleep(3.0)
    assert room.transcription.of(Transcribe)[0].vocabulary[:3] == ("pasta", "timer", "pizza")
    assert calls(room) == [("cancel_timer", {}), ("cancel_timer", {"name": "pizza"})]
    assert replies(room) == [WHICH, "The pizza timer is cancelled."]


async def test_without_a_question_never_mind_and_repeat_that_are_understood(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    room.tools.answers[ListTools] = ToolList()
    room.inference.answers[Generate] = says("Good morning to you.")
    await room.open(grow)
    for words in ("repeat that", "good morning", "repeat that", "never mind"):
        await ask(room, words)
    assert replies(room) == [
        phrases.NOTHING_SAID,
        "Good morning to you.",
        "Good morning to you.",
        phrases.ALL_RIGHT,
    ]
    assert len(room.inference.of(Generate)) == 1


async def test_an_announcement_is_repeated(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.dialogue.tell(Announce("Your tea is done."))
    await trio.sleep(3.0)
    await ask(room, "repeat that")
    assert replies(room)[-1] == "Your tea is done."


async def test_a_client_that_wants_no_tools_is_asked_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room(grammar=FakeGrammar({"set a timer": LACKING}))
    room.inference.answers[Generate] = says("I have no timer.")
    await room.open(grow, capabilities=("llm",))
    await ask(room)
    assert replies(room) == ["I have no timer."]
