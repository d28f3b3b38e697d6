"""A turn whose words are no command, and what is found in their sound."""

from typing import Any

import attrs
import pytest
from trio.testing import MockClock

from protocol.messages import events
from protocol.messages.hearing import NoWords, Recognition, Transcribe
from protocol.messages.meaning import ReadMeaning
from protocol.messages.records import Count, Observe
from protocol.messages.searching import FindSentences, FoundSentence, FoundSentences, NoSearch, SentenceAutomaton
from protocol.messages.understanding import CallTool, Generate, ListTools, SlotQuestion, ToolList
from runtime import DomainError
from tests.actors.dialogue_fixtures import Room, outcome_of, says, spec_of, spoken
from tests.fakes import Grow, command

AUTOMATON = SentenceAutomaton("v", ("", " "), b"")
HEARD = Recognition("Shop the timer", "en", 0.6, first_tokens=(7, 8))
FOUND = FoundSentences(
    (FoundSentence("Stop the timer.", -2.0, 4),), "Shop the timer", -1.0, 4, is_loop=False, compute_s=0
)
UNSURE = attrs.evolve(FOUND, sentences=(FoundSentence("Stop the timer.", -5.1, 8),), free_tokens=8)


class Busy(DomainError):
    """What transcription says that cannot answer."""


async def room_with(grow: Grow, found: Any, heard: Any = HEARD, **options: Any) -> Room:
    """Return a room in which an utterance is heard as ``heard``, and a search finds ``found``."""
    room = Room()
    room.grammar.sentences = AUTOMATON
    room.grammar.commands = command("Stop the timer.", "stop_timer")
    room.transcription.answers |= {Transcribe: heard, FindSentences: found}
    spec = spec_of("stop_timer", read_only=False, destructive=False)
    room.tools.answers |= {ListTools: ToolList((spec,)), CallTool: outcome_of("Stopped.")}
    room.inference.answers[Generate] = says("I see.")
    room.tune(**{"search_within_s": 1.5, **options.pop("dialogue", {})})
    await room.open(grow, **options)
    return room


def calls(room: Room) -> list[str]:
    return [call.tool for call in room.tools.of(CallTool)]


def outcomes(room: Room) -> list[str]:
    return [count.labels[0] for count in room.metrics.of(Count) if count.name == "sentence_searches_total"]


async def test_the_command_that_is_found_is_carried_out_without_a_question(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_with(grow, FOUND)
    await room.dialogue.tell(spoken())
    assert await room.completed() == [("id1", "done")]
    assert calls(room) == ["stop_timer"]
    assert outcomes(room) == ["accepted"]
    [asked] = room.transcription.of(FindSentences)
    assert (asked.automaton, asked.first_tokens, asked.within_s, asked.language) == (AUTOMATON, (7, 8), 1.5, "en")
    [understood] = room.connection.events(events.Understood)
    assert (understood.source, understood.tool) == ("command", "stop_timer")
    assert understood.confidence < 1
    assert [seen.name for seen in room.metrics.of(Observe)].count("sentence_search_seconds") == 1
    assert room.meaning.of(ReadMeaning) == []


async def test_a_command_that_is_found_far_from_what_was_heard_is_asked_about(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_with(grow, UNSURE)
    await room.dialogue.tell(spoken())
    asked = await room.connection.wait_for_event(events.ConfirmRequest)
    assert calls(room) == []
    await room.dialogue.tell(events.Confirm(asked.call_id, approve=True))
    await room.completed()
    assert calls(room) == ["stop_timer"]


async def test_words_that_the_recogniser_has_rejected_are_found_and_asked_about(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_with(grow, FOUND, NoWords("low_confidence", (7, 8)))
    await room.dialogue.tell(spoken())
    asked = await room.connection.wait_for_event(events.ConfirmRequest)
    [transcript] = room.connection.events(events.Transcript)
    assert (transcript.text, transcript.confidence) == ("Stop the timer.", 0.3)
    await room.dialogue.tell(events.Confirm(asked.call_id, approve=False))
    await room.completed()
    assert calls(room) == []


@pytest.mark.parametrize("reason", ["noise", "hallucination", "too_short"])
async def test_what_was_no_speech_is_not_searched(grow: Grow, autojump_clock: MockClock, reason: Any) -> None:
    room = await room_with(grow, FOUND, NoWords(reason, (7, 8)))
    await room.dialogue.tell(spoken())
    assert await room.completed() == [("id1", "no_speech")]
    assert room.transcription.of(FindSentences) == []


async def test_rejected_words_in_which_nothing_is_found_stay_no_speech(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_with(grow, attrs.evolve(FOUND, sentences=()), NoWords("low_confidence", (7, 8)))
    await room.dialogue.tell(spoken())
    assert await room.completed() == [("id1", "no_speech")]
    assert outcomes(room) == ["nothing"]


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (attrs.evolve(FOUND, sentences=()), "nothing"),
        (attrs.evolve(FOUND, is_loop=True), "loop"),
        (NoSearch("busy"), "busy"),
        (NoSearch("late"), "late"),
        (Busy("no"), "failed"),
    ],
)
async def test_without_a_command_the_turn_goes_on_as_ever(
    grow: Grow, autojump_clock: MockClock, found: Any, outcome: str
) -> None:
    room = await room_with(grow, found)
    await room.dialogue.tell(spoken())
    await room.completed()
    assert room.replies() == [("I see.", False)]
    assert calls(room) == []
    assert outcomes(room) == [outcome]


@pytest.mark.parametrize(
    ("heard", "options"),
    [
        (attrs.evolve(HEARD, text="Stop the timer."), {}),
        (attrs.evolve(HEARD, confidence=0.95), {}),
        (attrs.evolve(HEARD, first_tokens=()), {}),
        (HEARD, {"dialogue": {"search_within_s": 0.0}}),
        (HEARD, {"capabilities": ("stt", "llm")}),
        (attrs.evolve(HEARD, text="never mind"), {}),
    ],
    ids=["a command", "sure words", "a server elsewhere", "turned off", "no tools wanted", "a remark"],
)
async def test_there_is_no_search_where_none_is_needed(
    grow: Grow, autojump_clock: MockClock, heard: Recognition, options: dict[str, Any]
) -> None:
    room = await room_with(grow, FOUND, heard, **options)
    await room.dialogue.tell(spoken())
    await room.completed()
    assert room.transcription.of(FindSentences) == []
    assert outcomes(room) == []


async def test_typed_words_have_no_sound(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_with(grow, FOUND)
    await room.type("shop the timer")
    await room.completed()
    assert room.transcription.of(FindSentences) == []


async def test_a_language_without_sentences_is_not_searched(grow: Grow, autojump_clock: MockClock) -> None:
    room = await room_with(grow, FOUND)
    room.grammar.sentences = None
    await room.dialogue.tell(spoken())
    await room.completed()
    assert room.transcription.of(FindSentences) == []


async def test_while_a_question_is_open_its_answer_is_expected_and_nothing_is_searched(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await room_with(grow, FOUND)
    lacking = attrs.evolve(
        room.grammar.commands["Stop the timer."], question=SlotQuestion("name", "Which one?"), text="stop"
    )
    room.grammar.commands["stop"] = lacking
    await room.type("stop")
    await room.completed()
    await room.dialogue.tell(spoken(2_000, 3_000))
    await room.completed(2)
    assert room.transcription.of(FindSentences) == []
