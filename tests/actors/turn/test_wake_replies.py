"""When a turn lets the user speak without the wake word."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.messages import events
from protocol.messages.hearing import NothingHeard, NoWords, ReplyExpected, Transcribe
from protocol.messages.session import Announce
from protocol.messages.understanding import CallTool, CommandMatch, ListTools, SlotQuestion, ToolList
from protocol.turns.questions import ANSWER_WITHIN_S
from tests.actors.dialogue_fixtures import Room, outcome_of
from tests.fakes import FakeGrammar, Grow, command

LACKING = CommandMatch(
    "SetTimer", "house", "set_timer", {}, 1.0, "set a timer", question=SlotQuestion("seconds", "For how long?")
)


async def room_of(grow: Grow, *, wake: str | None = "okay nabu", **policy: str) -> Room:
    room = Room(grammar=FakeGrammar({"set a timer": LACKING} | command("what time is it", "get_time")))
    room.tools.answers |= {CallTool: outcome_of("It is noon."), ListTools: ToolList()}
    room.permit(**policy)
    await room.open(grow)
    await room.configure(wake=wake)
    return room


async def test_after_an_answer_more_may_be_said(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow)
    await room.type("what time is it")
    await trio.sleep(0.9)
    assert room.audio.of(ReplyExpected) == [], "it is still being heard"
    await trio.sleep(2.0)
    assert room.audio.of(ReplyExpected) == [ReplyExpected(0.0)]


async def test_a_question_waits_as_long_as_it_may_be_answered(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow)
    await room.type("set a timer")
    await trio.sleep(3.0)
    assert room.audio.of(ReplyExpected) == [ReplyExpected(ANSWER_WITHIN_S)]


async def test_a_question_within_a_turn_is_answered_while_it_is_open(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow, **{"house/get_time": "confirm"})
    await room.type("what time is it")
    await wait_all_tasks_blocked()
    assert room.connection.events(events.ConfirmRequest)
    assert room.audio.of(ReplyExpected) == [ReplyExpected(20.0)]


async def test_an_announcement_opens_no_window(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow)
    await room.refs["dialogue"].tell(Announce("Your timer is done."))
    await trio.sleep(3.0)
    assert room.connection.events(events.TurnCompleted)
    assert room.audio.of(ReplyExpected) == []


async def test_an_answer_that_was_cut_opens_no_window(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow)
    await room.type("what time is it")
    await trio.sleep(0.2)
    await room.refs["dialogue"].tell(events.Interrupt())
    await trio.sleep(3.0)
    [completed] = room.connection.events(events.TurnCompleted)
    assert completed.outcome == "interrupted"
    assert room.audio.of(ReplyExpected) == []


@pytest.mark.parametrize(("wake", "told"), [("okay nabu", [NothingHeard()]), (None, [])])
async def test_words_that_were_none_give_the_window_back(
    grow: Grow, autojump_clock: MockClock, wake: str | None, told: list[NothingHeard]
) -> None:
    room = await room_of(grow, wake=wake)
    room.transcription.answers[Transcribe] = NoWords("noise")
    await room.begin_to_speak()
    await room.end_speech()
    await trio.sleep(1.0)
    assert room.audio.of(NothingHeard) == told
    assert room.audio.of(ReplyExpected) == []


async def test_without_a_wake_word_nothing_is_told(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_of(grow, wake=None)
    await room.type("what time is it")
    await trio.sleep(3.0)
    assert room.audio.of(ReplyExpected) == []
