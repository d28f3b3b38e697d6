"""A voice into an answer: it is held, and ends or goes on by what was said. Through a whole dialogue."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.messages import events
from protocol.messages.hearing import NoWords, Recognition, Transcribe
from protocol.messages.records import TurnRecord
from protocol.messages.session import DropAudio, Hang, SendAudio
from protocol.messages.speaking import Synthesise
from protocol.messages.understanding import CallTool, Generate, Generation, ListTools, ModelToolCall, ToolList
from runtime import DomainError
from tests.actors.dialogue_fixtures import Room, after, outcome_of, says, spec_of, speech_of
from tests.fakes import Grow, command


class Down(DomainError):
    """The error of a model that is down."""


async def talking(grow: Grow, *sentences: str, length_s: float = 4.0) -> Room:
    """Return a room in which a typed question is being answered aloud."""
    room = Room()
    room.inference.answers[Generate] = says(" ".join(sentences))
    room.speech.answers[Synthesise] = speech_of(length_s)
    room.transcription.answers[Transcribe] = NoWords("noise")
    await room.open(grow, capabilities=("stt", "llm", "tts"))
    await room.type("tell me a story")
    await room.connection.wait_for_event(events.SpeechAudioStart)
    return room


async def test_speech_during_the_answer_holds_it_once_it_has_lasted(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    await trio.sleep(4.5)
    began_s = trio.current_time()
    await room.begin_to_speak()
    assert await room.connection.wait_for_event(events.SpeechAudioPaused) == events.SpeechAudioPaused("id1")
    assert trio.current_time() - began_s == pytest.approx(room.settings.dialogue.barge_in_ms / 1000)
    assert len(room.connection.of(DropAudio)) == 1
    told = len(room.connection.of(SendAudio))
    await trio.sleep(5.0)
    assert len(room.connection.of(SendAudio)) == told, "who is held says nothing"
    assert room.connection.events(events.TurnCompleted) == []


async def test_words_during_the_answer_end_it_and_are_the_next_turn(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    room.transcription.answers[Transcribe] = after(0.5, Recognition("stop it", "en", 0.9))
    room.inference.answers[Generate] = says("All right.")
    await trio.sleep(4.5)
    await room.begin_to_speak()
    await trio.sleep(1.0)
    await room.end_speech()
    assert await room.completed(2) == [("id1", "interrupted"), ("id2", "done")]
    assert room.connection.events(events.SpeechAudioEnd)[0] == events.SpeechAudioEnd("id1")
    assert room.connection.events(events.SpeechAudioResumed) == []
    assert len(room.transcription.of(Transcribe)) == 1, "what was heard to weigh it is not heard again"
    assert room.memory.turns.recent_turns(5)[0] == ("tell me a story", "One day.")
    room.assert_each_turn_was_completed_once()


@pytest.mark.parametrize("heard", [NoWords("noise"), Recognition("Mhm.", "en", 0.9), Recognition("Hm, hm.", "en", 0.9)])
async def test_an_answer_goes_on_at_the_clause_that_was_cut_if_nothing_was_said(
    heard: Any, grow: Grow, autojump_clock: MockClock
) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    room.transcription.answers[Transcribe] = after(0.5, heard)
    await trio.sleep(4.5)
    await room.begin_to_speak()
    await trio.sleep(1.0)
    await room.end_speech()
    resumed = await room.connection.wait_for_event(events.SpeechAudioResumed)
    assert resumed == events.SpeechAudioResumed("id1", at_ms=4_000)
    assert await room.completed(2) == [("id2", "no_speech"), ("id1", "done")]
    assert trio.current_time() == pytest.approx(4.5 + 1.0 + 0.5 + 8.0)
    assert room.connection.events(events.SpeechAudioEnd) == [events.SpeechAudioEnd("id1")]
    assert room.memory.turns.recent_turns(5) == (("tell me a story", "One day. Another day. The end."),)
    assert [text for text, is_cut in room.replies() if is_cut] == []
    room.assert_each_turn_was_completed_once()


async def test_an_answer_that_was_sent_whole_and_not_heard_goes_on_too(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", length_s=1.5)
    await trio.sleep(0.5)
    assert room.connection.events(events.SpeechAudioEnd) == [events.SpeechAudioEnd("id1")]
    await room.begin_to_speak()
    await trio.sleep(0.5)
    await room.drop_speech()
    assert await room.completed(2) == [("id2", "no_speech"), ("id1", "done")]
    assert trio.current_time() == pytest.approx(0.5 + 0.5 + 1.5)
    assert len(room.connection.of(SendAudio)) == 2 * 15
    assert room.connection.events(events.SpeechAudioEnd) == [events.SpeechAudioEnd("id1")] * 2


async def test_an_answer_is_held_before_its_first_word(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.grammar.commands = command("set a timer")
    room.tools.answers[CallTool] = outcome_of("Timer set.")
    room.speech.answers[Synthesise] = after(1.0, speech_of(1.0))
    room.transcription.answers[Transcribe] = NoWords("noise")
    await room.open(grow)
    await room.type("set a timer")
    await room.begin_to_speak()
    await trio.sleep(3.0)
    assert room.connection.events(events.SpeechAudioStart) == []
    await room.end_speech()
    assert await room.completed(2) == [("id3", "no_speech"), ("id1", "done")]
    assert len(room.connection.of(SendAudio)) == 10
    assert room.connection.events(events.SpeechAudioPaused) == []


async def test_an_answer_is_held_and_goes_on_as_often_as_need_be(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    for at_ms in (1_000, 2_000):
        await trio.sleep(2.0)
        await room.begin_to_speak(at_ms)
        await trio.sleep(0.5)
        await room.drop_speech()
    await room.completed(3)
    assert [event.at_ms for event in room.connection.events(events.SpeechAudioResumed)] == [0, 0]
    assert room.memory.turns.recent_turns(5) == (("tell me a story", "One day. Another day. The end."),)


async def test_an_interrupt_by_hand_ends_an_answer_that_is_held(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    room.transcription.answers[Transcribe] = after(3.0, Recognition("stop it", "en", 0.9))
    room.inference.answers[Generate] = says("All right.")
    await trio.sleep(4.5)
    await room.begin_to_speak()
    await trio.sleep(1.0)
    await room.end_speech()
    room.dialogue.signal(events.Interrupt())
    assert await room.completed(1) == [("id1", "interrupted")]
    assert await room.completed(2) == [("id1", "interrupted"), ("id2", "done")]
    assert room.memory.turns.recent_turns(5)[0] == ("tell me a story", "One day.")


async def test_words_that_could_not_be_heard_end_the_answer_and_are_apologised_for(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    room.transcription.answers[Transcribe] = Down("no worker")
    await trio.sleep(1.0)
    await room.begin_to_speak()
    await room.end_speech()
    assert await room.completed(2) == [("id1", "interrupted"), ("id2", "failed")]


async def test_a_goodbye_in_the_middle_of_speech_lets_the_answer_end(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    await trio.sleep(1.0)
    await room.begin_to_speak()
    await trio.sleep(1.0)
    await room.dialogue.tell(events.Bye())
    assert await room.completed(2) == [("id2", "interrupted"), ("id1", "done")]
    assert await room.connection.wait_for(Hang) == Hang(1000, "bye")


async def test_a_cough_during_the_answer_does_not_interrupt_it(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.")
    await trio.sleep(1.0)
    await room.begin_to_speak()
    await trio.sleep(0.2)
    await room.drop_speech()
    assert await room.completed(2) == [("id2", "no_speech"), ("id1", "done")]
    assert room.connection.of(DropAudio) == []
    room.assert_each_turn_was_completed_once()


async def test_an_interrupted_answer_is_remembered_only_as_far_as_it_was_heard(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    room.transcription.answers[Transcribe] = Recognition("stop it", "en", 0.9)
    await trio.sleep(6.5)  # the second sentence of four seconds is heard to more than its half
    await room.begin_to_speak()
    await trio.sleep(1.0)
    await room.end_speech()
    await room.completed()
    assert room.memory.turns.recent_turns(5) == (("tell me a story", "One day. Another day."),)
    assert ("One day. Another day.", True) in room.replies()
    record = room.history.of(TurnRecord)[0]
    assert (record.replied, record.outcome) == ("One day. Another day.", "interrupted")


async def test_the_client_knows_best_how_much_it_played(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    await trio.sleep(6.5)
    room.dialogue.signal(events.Interrupt(heard_ms=2_100))
    await room.completed()
    assert room.memory.turns.recent_turns(5) == (("tell me a story", "One day."),)


async def test_an_answer_that_was_not_heard_is_no_answer(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.")
    room.dialogue.signal(events.Interrupt(heard_ms=0))
    assert await room.completed() == [("id1", "interrupted")]
    assert room.memory.turns.recent_turns(5) == (("tell me a story", ""),)
    assert not any(truncated for _, truncated in room.replies())


async def test_an_interrupt_stops_the_model_too(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Late.", before_s=10.0)
    await room.open(grow, capabilities=("llm",))
    await room.type("tell me a story")
    room.dialogue.signal(events.Interrupt())
    assert await room.completed() == [("id1", "interrupted")]
    await trio.sleep(20.0)
    assert room.connection.events(events.ReplyDelta) == [], "the completion was cancelled"


async def test_an_interrupt_in_the_silence_does_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    room.dialogue.signal(events.Interrupt(heard_ms=10))
    await wait_all_tasks_blocked()
    assert room.connection.seen == []


async def test_the_words_of_a_barge_in_are_the_next_turn(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    room.transcription.answers[Transcribe] = Recognition("stop it", "en", 0.9)
    room.inference.answers[Generate] = says("All right.")
    await trio.sleep(1.0)
    await room.begin_to_speak()
    await trio.sleep(0.1)
    await room.end_speech()  # shorter than barge_in_ms, but complete
    assert await room.completed(2) == [("id1", "interrupted"), ("id2", "done")]
    room.assert_each_turn_was_completed_once()


async def test_typed_words_end_an_answer_that_is_being_spoken(grow: Grow, autojump_clock: MockClock) -> None:
    room = await talking(grow, "One day.", "Another day.", "The end.")
    room.inference.answers[Generate] = says("Fine.")
    await room.type("enough")
    assert await room.completed(2) == [("id1", "interrupted"), ("id2", "done")]


async def test_a_question_that_comes_while_the_answer_is_held_is_put_after_the_cough(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    call = ModelToolCall("m1", "gate", {})
    room.inference.answers[Generate] = [slow_to_act(call), says("It is open.")]
    room.tools.answers |= {ListTools: ToolList((spec_of("gate"),)), CallTool: outcome_of()}
    room.transcription.answers[Transcribe] = NoWords("noise")
    await room.open(grow)
    await room.type("open the gate")
    await room.connection.wait_for_event(events.SpeechAudioStart)
    await room.begin_to_speak()
    await trio.sleep(0.5)
    assert len(room.connection.events(events.SpeechAudioPaused)) == 1
    await room.connection.wait_for_event(events.ConfirmRequest)
    await room.end_speech()
    await room.connection.wait_for_event(events.SpeechAudioResumed)
    await room.type("yes")
    assert dict(await room.completed(3)) == {"id1": "done", "id2": "no_speech", "id4": "done"}


def slow_to_act(call: ModelToolCall) -> Any:
    """Return a model's answer that says something, and a second later wants to do it."""

    async def generate(message: Generate) -> Generation:
        await message.text_sink.send("One moment. ")
        await trio.sleep(1.0)
        return Generation("One moment. ", (call,), "fake", "tiny")

    return generate
