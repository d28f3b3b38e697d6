"""Several commands in one sentence: done in order, told in one answer, stopped by an interruption."""

from collections.abc import Mapping
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.language import phrases
from protocol.messages import events
from protocol.messages.hearing import Recognition, Transcribe
from protocol.messages.records import Count, ToolRecord
from protocol.messages.understanding import (
    CallTool,
    Choice,
    Generate,
    ListTools,
    NoModel,
    SlotQuestion,
    ToolList,
    ToolOutcome,
)
from tests.actors.dialogue_fixtures import Room, after, outcome_of, says
from tests.fakes import FakeGrammar, Grow, command

LIGHT_AND_TIMER = "turn on the light and set a timer for ten minutes"
LACKING = attrs.evolve(
    command("set a timer")["set a timer"], intent="SetTimer", question=SlotQuestion("seconds", "For how long?")
)


async def room_of(grow: Grow, *answers: Any, policy: Mapping[str, str] | None = None) -> Room:
    """Return a room whose tools give these answers, one after the other."""
    grammar = FakeGrammar(
        command("turn on the light", "light")
        | command("set a timer for ten minutes", seconds=600)
        | command("what time is it", "time")
        | {"set a timer": LACKING}
    )
    room = Room(grammar=grammar)
    room.grammar.answers["ten minutes"] = attrs.evolve(LACKING, arguments={"seconds": 600}, question=None)
    room.tools.answers |= {CallTool: list(answers) or [outcome_of("Done.")], ListTools: ToolList()}
    room.inference.answers[Generate] = NoModel()
    room.permit(**(policy or {}))
    await room.open(grow)
    return room


async def say(room: Room, text: str) -> str:
    """Say something and hear the answer to its end; return it."""
    await room.type(text)
    await trio.sleep(5.0)
    await wait_all_tasks_blocked()
    return room.connection.events(events.Reply)[-1].text


def calls(room: Room) -> list[str]:
    return [call.tool for call in room.tools.of(CallTool)]


async def test_each_is_done_in_order_and_shown_and_all_are_told_in_one_answer(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_of(grow, outcome_of("The light is on."), outcome_of("Timer set."))
    assert await say(room, LIGHT_AND_TIMER) == "The light is on. Timer set."
    assert calls(room) == ["light", "set_timer"]
    assert [call.tool for call in room.connection.events(events.ToolCall)] == ["light", "set_timer"]
    assert [shown.tool for shown in room.connection.events(events.Understood)] == ["light", "set_timer"]
    assert await room.completed() == [("id1", "done")]
    assert len(room.replies()) == 1
    assert Count("turn_commands_total", (), 2) in room.metrics.of(Count)


async def test_spoken_words_are_cut_as_typed_ones_are(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow)
    room.transcription.answers[Transcribe] = Recognition("turn on the light, and then what time is it", "en", 0.9)
    await room.begin_to_speak()
    await room.end_speech()
    await room.completed()
    assert calls(room) == ["light", "time"]


async def test_a_failure_of_one_does_not_hide_the_others(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow, outcome_of("", ok=False, error="I could not reach it."), outcome_of("Timer set."))
    assert await say(room, LIGHT_AND_TIMER) == 'I could not do "turn on the light". I could not reach it. Timer set.'
    assert await room.completed() == [("id1", "failed")]


async def test_a_part_that_is_not_allowed_is_told_and_the_rest_is_done(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow, outcome_of("Timer set."), policy={"house/light": "deny"})
    assert await say(room, LIGHT_AND_TIMER) == f"{phrases.NOT_ALLOWED} Timer set."
    assert await room.completed() == [("id1", "refused")]


async def confirming(grow: Grow, answer: str) -> Room:
    """Return a room in which the first of two commands has been asked about, and this was said to that."""
    room = await room_of(grow, outcome_of("Done."), policy={"house/light": "confirm"})
    await room.type(LIGHT_AND_TIMER)
    await room.connection.wait_for_event(events.ConfirmRequest)
    assert calls(room) == []
    await room.type(answer)
    await trio.sleep(5.0)
    return room


@pytest.mark.parametrize(
    ("answer", "made"), [("yes", ["light", "set_timer"]), ("no", ["set_timer"]), ("stop", []), ("vergiss es", [])]
)
async def test_a_part_is_asked_about_in_its_turn(
    grow: Grow, autojump_clock: MockClock, answer: str, made: list[str]
) -> None:
    room = await confirming(grow, answer)
    assert calls(room) == made
    [reply] = [reply.text for reply in room.connection.events(events.Reply)]
    assert reply.startswith("Done." if answer == "yes" else phrases.NOT_DONE)


async def test_what_was_stopped_stands_in_the_history(grow: Grow, autojump_clock: MockClock) -> None:
    room = await confirming(grow, "stop")
    results = [(record.tool, record.result) for record in room.history.of(ToolRecord)]
    assert results == [("set_timer", "stopped by the user"), ("light", "not confirmed by the user")]


@pytest.mark.parametrize("how", ["interrupt", "typed", "spoken"])
async def test_an_interruption_between_two_stops_the_rest_and_says_so_in_the_history(
    grow: Grow, autojump_clock: MockClock, how: str
) -> None:
    room = await room_of(grow, after(3.0, outcome_of("The light is on.")), outcome_of("Done."))
    room.transcription.answers[Transcribe] = Recognition("stop", "en", 0.9)
    await room.type(LIGHT_AND_TIMER)
    assert calls(room) == ["light"]
    if how == "interrupt":
        await room.dialogue.tell(events.Interrupt())
    elif how == "typed":
        await room.type("stop")
    else:
        await room.begin_to_speak()
        await trio.sleep(0.5)
        await room.end_speech()
    await trio.sleep(5.0)
    assert calls(room) == ["light"]
    [(said, heard), *others] = room.memory.turns.recent_turns(5)
    assert (said, heard) == (LIGHT_AND_TIMER, '(Stopped before: "set a timer for ten minutes".)')
    assert others == ([] if how == "interrupt" else [("stop", phrases.ALL_RIGHT)])
    assert ("set_timer", "stopped by the user") in [
        (record.tool, record.result) for record in room.history.of(ToolRecord)
    ]
    room.assert_each_turn_was_completed_once()


async def test_a_cough_between_two_stops_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow, after(3.0, outcome_of("The light is on.")), outcome_of("Timer set."))
    room.transcription.answers[Transcribe] = Recognition("mhm", "en", 0.9)
    await room.type(LIGHT_AND_TIMER)
    await room.begin_to_speak()
    await trio.sleep(0.5)
    await room.end_speech()
    await trio.sleep(9.0)
    assert calls(room) == ["light", "set_timer"]


async def test_what_lacks_something_is_asked_for_after_the_rest_was_done(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow, outcome_of("The light is on"), outcome_of("Timer set."))
    assert await say(room, "set a timer and turn on the light") == "The light is on. For how long?"
    assert calls(room) == ["light"]
    assert await say(room, "ten minutes") == "Timer set."
    assert calls(room) == ["light", "set_timer"]


async def test_two_that_lack_something_are_asked_for_one_after_the_other(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow, outcome_of("Timer set."))
    assert await say(room, "set a timer and set a timer") == "For how long?"
    assert await say(room, "ten minutes") == "Timer set. For how long?"
    assert await say(room, "ten minutes") == "Timer set."
    assert calls(room) == ["set_timer", "set_timer"]


async def test_a_question_of_a_tool_comes_behind_what_the_others_did(grow: Grow, autojump_clock: MockClock) -> None:
    choices = (Choice("kitchen light", {"where": "kitchen"}), Choice("hall light", {"where": "hall"}))
    which = ToolOutcome(ok=True, content="Which light?", duration_s=0.0, choices=choices)
    room = await room_of(grow, which, outcome_of("Timer set."), outcome_of("The light is on."))
    assert await say(room, LIGHT_AND_TIMER) == "Timer set. Which light?"
    assert await say(room, "the kitchen light") == "The light is on."
    assert room.tools.of(CallTool)[-1].arguments == {"where": "kitchen"}


@pytest.mark.parametrize("has_model", [False, True])
async def test_nothing_is_done_of_a_sentence_that_is_understood_in_part(
    grow: Grow, autojump_clock: MockClock, *, has_model: bool
) -> None:
    room = await room_of(grow)
    if has_model:
        room.inference.answers[Generate] = says("I can do both.")
    told = await say(room, "order a pizza and turn on the light")
    assert calls(room) == []
    expected = 'I understood "turn on the light", but not "order a pizza". I have done nothing.'
    assert told == ("I can do both." if has_model else expected)


async def test_a_sentence_with_an_and_that_sounds_like_a_command_is_still_one(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_of(grow)
    room.grammar.commands["set a timer for an hour and ten"] = LACKING
    assert await say(room, "set a timer for an hour and ten") == "For how long?"
