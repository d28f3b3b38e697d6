"""An utterance transcribed in the silence that decides whether it has ended: through a whole dialogue."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.messages import events
from protocol.messages.hearing import (
    Recognition,
    SpeechBegan,
    Transcribe,
    Utterance,
    UtteranceDropped,
    UtteranceEnded,
    UtteranceGrew,
    UtterancePaused,
)
from protocol.messages.understanding import CallTool
from tests.actors.dialogue_fixtures import Room, after, outcome_of, spoken
from tests.fakes import FakeGrammar, Grow, command

STT_S = 0.2


async def opened(grow: Grow) -> Room:
    room = Room(grammar=FakeGrammar(commands=command("lamp on", "lamp_on")))
    room.transcription.answers[Transcribe] = after(STT_S, Recognition("lamp on", "en", 0.9))
    room.tools.answers[CallTool] = outcome_of("It is on.")
    await room.open(grow, capabilities=("stt", "tools"))
    await room.dialogue.tell(SpeechBegan(0))
    return room


def paused(ended: UtteranceEnded) -> UtterancePaused:
    return UtterancePaused(ended.utterance, ended.utterance.end_ms * 16)


async def completed(room: Room) -> list[events.TurnCompleted]:
    await trio.sleep(5.0)
    return room.connection.events(events.TurnCompleted)


async def test_the_answer_comes_as_soon_as_the_utterance_has_ended(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow)
    await room.dialogue.tell(paused(spoken()))
    await trio.sleep(0.3)
    assert room.connection.events(events.Transcript) == [], "nobody knows yet whether that was all"
    await room.dialogue.tell(spoken())
    await wait_all_tasks_blocked()
    assert len(room.connection.events(events.Transcript)) == 1
    [turn] = await completed(room)
    assert turn.latency_ms.stt == 0
    assert [asked.urgency for asked in room.transcription.of(Transcribe)] == ["early"]
    assert len(room.tools.of(CallTool)) == 1


async def test_a_pause_within_a_sentence_shows_nothing_and_calls_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow)
    whole = spoken(end_ms=2_000)
    await room.dialogue.tell(paused(spoken(end_ms=1_000)))
    await trio.sleep(1.0)
    await room.dialogue.tell(paused(whole))
    await trio.sleep(0.3)
    assert room.tools.of(CallTool) == []
    await room.dialogue.tell(whole)
    assert len(await completed(room)) == 1
    assert [asked.utterance.end_ms for asked in room.transcription.of(Transcribe)] == [1_000, 2_000]
    assert len(room.tools.of(CallTool)) == 1


async def test_what_turns_out_to_be_nothing_is_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow)
    await room.dialogue.tell(paused(spoken()))
    await room.dialogue.tell(UtteranceDropped("too_short", 500))
    assert [turn.outcome for turn in await completed(room)] == ["no_speech"]
    assert room.connection.events(events.Transcript) == []


async def test_a_crash_after_the_pause_loses_nothing_and_does_nothing_twice(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await opened(grow)
    await room.dialogue.tell(paused(spoken()))
    await trio.sleep(0.05)
    await room.dialogue.tell("nonsense")  # crashes the dialogue
    await trio.sleep(1.0)
    await room.dialogue.tell(spoken())
    turns = await completed(room)
    assert [turn.outcome for turn in turns] == ["failed", "done"], "the one that was begun, and the one that was said"
    assert len(room.tools.of(CallTool)) == 1


async def test_without_a_handshake_nothing_is_heard_early(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow, has_made_handshake=False)
    await room.dialogue.tell(UtterancePaused(Utterance(bytes(32), 0, 1), 16))
    await wait_all_tasks_blocked()
    assert room.transcription.of(Transcribe) == []


# --- while the voice goes on ---------------------------------------------------------------------


async def grow_to(room: Room, end_ms: int) -> None:
    await room.dialogue.tell(UtteranceGrew(Utterance(bytes(32), 0, end_ms)))
    await trio.sleep(STT_S + 0.1)


async def test_words_are_shown_while_they_are_spoken_and_the_whole_at_the_end(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await opened(grow)
    await grow_to(room, 500)
    await grow_to(room, 1_000)
    [partial] = room.connection.events(events.TranscriptPartial)
    assert partial == events.TranscriptPartial("id1", "lamp on")
    await room.dialogue.tell(UtteranceGrew(Utterance(bytes(32), 0, 1_500)))
    await room.dialogue.tell(spoken())
    [turn] = await completed(room)
    kinds = [type(event) for event in room.connection.events()]
    assert turn.turn_id == partial.turn_id
    assert kinds.index(events.TranscriptPartial) < kinds.index(events.SpeechStopped) < kinds.index(events.Transcript)
    assert kinds.count(events.TranscriptPartial) == kinds.count(events.Transcript) == 1
    assert len(room.tools.of(CallTool)) == 1


async def test_the_next_utterance_begins_with_nothing_shown(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow)
    await grow_to(room, 500)
    await room.dialogue.tell(UtteranceDropped("too_short", 500))
    await room.dialogue.tell(SpeechBegan(1_000))
    await grow_to(room, 1_500)
    assert room.connection.events(events.TranscriptPartial) == []
    await grow_to(room, 2_000)
    assert len(room.connection.events(events.TranscriptPartial)) == 1


async def test_growth_of_nothing_that_was_begun_is_not_looked_at(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow)
    await room.dialogue.tell("nonsense")  # crashes the dialogue; the utterance goes on, its turn has failed
    await trio.sleep(1.0)
    await grow_to(room, 1_000)
    assert room.transcription.of(Transcribe) == []
