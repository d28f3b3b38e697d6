"""A turn whose words are none of the grammar's, from their meaning to what is done and said."""

from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from protocol.language import phrases
from protocol.messages import events
from protocol.messages.meaning import Certainty, Meaning, ReadMeaning
from protocol.messages.records import Count
from protocol.messages.understanding import (
    CallTool,
    CommandMatch,
    CommandSamples,
    Generate,
    Guess,
    ListTools,
    NoModel,
    SlotQuestion,
    ToolList,
)
from runtime import DomainError
from tests.actors.dialogue_fixtures import Room, after, outcome_of, says, spec_of
from tests.fakes import Grow

SURE, LIKELY = Certainty.SURE, Certainty.LIKELY
QUESTION = "Shall I cancel the timer?"
CANCEL = CommandMatch("CancelTimer", "house", "cancel_timer", {}, 1.0, "words", guess=Guess(QUESTION, is_sure=False))
TIME = attrs.evolve(CANCEL, intent="GetTime", tool="get_time", guess=Guess("The time?", is_sure=False))
LACKING = attrs.evolve(CANCEL, tool="add", question=SlotQuestion("item", "What shall I add?", is_free_text=True))


class Down(DomainError):
    """What an actor that cannot answer says."""


async def room_with(grow: Grow, meaning: Any, language: str | None = None) -> Room:
    """Return a room in which every sentence has one meaning."""
    room = Room()
    room.grammar.meanings = {"cancel_timer": CANCEL, "get_time": TIME, "add_to_list": LACKING}
    room.meaning.answers[ReadMeaning] = meaning
    specs = (spec_of("get_time", read_only=True), spec_of("cancel_timer", read_only=False, destructive=True))
    room.tools.answers |= {ListTools: ToolList(specs), CallTool: outcome_of("Done.")}
    room.inference.answers[Generate] = says("I see.")
    await room.open(grow, language=language)
    return room


def replies(room: Room) -> list[str]:
    return [event.text for event in room.connection.events(events.Reply)]


def rungs(room: Room) -> list[tuple[str, ...]]:
    return [count.labels for count in room.metrics.of(Count) if count.name == "understood_total"]


async def test_what_only_reads_is_done_at_once_if_the_meaning_is_sure(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_with(grow, Meaning("get_time", 0.9, SURE))
    await room.type("do you happen to have the time")
    await room.completed()
    assert [call.tool for call in room.tools.of(CallTool)] == ["get_time"]
    assert room.connection.events(events.ConfirmRequest) == []
    [understood] = room.connection.events(events.Understood)
    assert (understood.source, understood.confidence) == ("meaning", 0.9)
    assert rungs(room) == [("meaning", "call")]


async def test_what_changes_something_is_asked_about_first_and_not_by_the_tools_name(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_with(grow, Meaning("cancel_timer", 0.99, SURE))
    await room.type("that timer can go")
    [asked] = room.connection.events(events.ConfirmRequest)
    assert asked.say == QUESTION
    assert room.tools.of(CallTool) == []
    await room.dialogue.tell(events.Confirm(asked.call_id, approve=True))
    assert await room.completed() == [(asked.turn_id, "done")]
    assert [call.tool for call in room.tools.of(CallTool)] == ["cancel_timer"]


async def test_a_meaning_that_is_not_sure_is_asked_about_even_if_it_only_reads(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_with(grow, Meaning("get_time", 0.5, LIKELY))
    await room.type("time wise how are we")
    [asked] = room.connection.events(events.ConfirmRequest)
    await room.dialogue.tell(events.Confirm(asked.call_id, approve=False))
    await room.completed()
    assert room.tools.of(CallTool) == []
    assert replies(room) == [phrases.NOT_DONE]


async def test_what_the_call_lacks_is_asked_for_and_answered_by_the_next_turn(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_with(grow, Meaning("add_to_list", 0.8, SURE))
    room.grammar.answers["milk"] = attrs.evolve(LACKING, arguments={"item": "milk"}, question=None, guess=None)
    await room.type("there is something for the list")
    await room.completed()
    assert replies(room) == ["What shall I add?"]
    await trio.sleep(3.0)
    await room.type("milk")
    await room.completed(2)
    assert [call.arguments for call in room.tools.of(CallTool)] == [{"item": "milk"}]
    assert room.connection.events(events.ConfirmRequest) == []
    assert rungs(room) == [("meaning", "ask"), ("grammar", "call")]


async def test_what_cannot_be_done_is_named_if_no_model_can_do_it(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_with(grow, Meaning("order", 0.9, SURE))
    room.inference.answers[Generate] = NoModel()
    await room.type("get us two pizzas")
    await room.completed()
    assert replies(room) == [phrases.CANNOT_ORDER]
    assert [request.asked_for for request in room.inference.of(Generate)] == ["action"]


async def test_a_client_without_models_hears_at_once_what_cannot_be_done(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.meaning.answers[ReadMeaning] = Meaning("weather", 0.9, SURE)
    await room.open(grow, capabilities=("tools",))
    await room.type("will I need my coat")
    await room.completed()
    assert replies(room) == [phrases.CANNOT_WEATHER]


async def test_a_sentence_that_surely_asks_for_help_is_told_what_can_be_said(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_with(grow, Meaning("help", 0.9, SURE))
    room.grammar.told = (CommandSamples("en", "Light", "home", "turn_on", ("turn on the light",)),)
    await room.type("so what are you good at")
    await room.completed()
    assert replies(room) == ['You can say, for example: "turn on the light".']


@pytest.mark.parametrize("answer", [None, Meaning("talk", 0.9, SURE), Down("no worker"), after(60.0, None)])
async def test_without_a_meaning_the_turn_goes_on_as_before(grow: Grow, autojump_clock: MockClock, answer: Any) -> None:
    room = await room_with(grow, answer)
    await room.type("good morning")
    await room.completed()
    assert replies(room) == ["I see."]
    assert [request.asked_for for request in room.inference.of(Generate)] == ["talk"]
    assert rungs(room) == []
