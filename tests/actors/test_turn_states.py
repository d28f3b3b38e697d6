"""Whatever happens, in whatever state of a turn: one row a pair, through a whole dialogue.

A turn is brought into a state by a spoken order; then something happens; what came of it is the order in which turns
ended, and how often the tool was called.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.messages import events
from protocol.messages.hearing import NoWords, Recognition, Transcribe
from protocol.messages.session import Announce, Presence
from protocol.messages.speaking import Synthesise
from protocol.messages.understanding import CallTool, Generate, ListTools, ToolList
from tests.actors.dialogue_fixtures import Room, after, outcome_of, says, spec_of, speech_of
from tests.fake_sessions import native
from tests.fakes import FakeSocket, Grow, command

SLOW_S = 4.0
FIRST, SECOND = Recognition("lamp on", "en", 0.9), Recognition("what time is it", "en", 0.9)
QUESTION = Recognition("tell me a story", "en", 0.9)


async def transcribing(room: Room) -> None:
    room.transcription.answers[Transcribe] = [after(SLOW_S, FIRST), SECOND]
    await say(room)


async def thinking(room: Room) -> None:
    room.transcription.answers[Transcribe] = [QUESTION, SECOND]
    room.inference.answers[Generate] = says("One day.", before_s=SLOW_S)
    await say(room)


async def confirming(room: Room) -> None:
    room.transcription.answers[Transcribe] = [Recognition("lamp on", "en", 0.2), SECOND]
    await say(room)
    await room.connection.wait_for_event(events.ConfirmRequest)
    await trio.sleep(2.0)  # the question has been heard


async def acting(room: Room) -> None:
    room.transcription.answers[Transcribe] = [FIRST, SECOND]
    room.tools.answers[CallTool] = [after(SLOW_S, outcome_of("It is on.")), outcome_of("Noon.")]
    await say(room)


async def speaking(room: Room) -> None:
    room.transcription.answers[Transcribe] = [FIRST, SECOND]
    await say(room)
    await room.connection.wait_for_event(events.SpeechAudioStart)
    await trio.sleep(1.0)


async def say(room: Room) -> None:
    """Let the audio actor report a short utterance."""
    await room.begin_to_speak()
    await trio.sleep(0.1)
    await room.end_speech()


async def interrupt(room: Room) -> None:
    room.dialogue.signal(events.Interrupt())
    await wait_all_tasks_blocked()


async def typed(room: Room) -> None:
    await room.type("what time is it")


async def noise(room: Room) -> None:
    room.transcription.answers[Transcribe] = [NoWords("noise")]
    await say(room)


async def cough(room: Room) -> None:
    await room.begin_to_speak()
    await trio.sleep(0.5)
    await room.drop_speech()


async def timer(room: Room) -> None:
    await room.dialogue.tell(Announce("Your tea is ready."))
    await wait_all_tasks_blocked()


async def lost_and_back(room: Room) -> None:
    room.memory.client.detach()
    await room.dialogue.tell(Presence(is_there=False))
    await trio.sleep(10.0)
    room.memory.client.attach(native(FakeSocket()))
    await room.dialogue.tell(Presence(is_there=True))


async def lost(room: Room) -> None:
    room.memory.client.detach()
    await room.dialogue.tell(Presence(is_there=False))
    await trio.sleep(1.0)
    room.memory.client.attach(native(FakeSocket()))
    await room.dialogue.tell(Presence(is_there=True))


Scene = Callable[[Room], Awaitable[None]]
STATES: Mapping[Scene, str] = {
    transcribing: "TRANSCRIBING",
    thinking: "ACTING",
    confirming: "CONFIRMING",
    acting: "ACTING",
    speaking: "SPEAKING",
}
INTERRUPTED_FIRST = ["first interrupted", "second done"]
IN_ORDER = ["first done", "second done"]
ROWS: list[tuple[Scene, Scene, list[str], int]] = [
    # in this state    this happens   and turns end so                              with so many calls
    (transcribing, interrupt, ["first interrupted"], 0),
    (thinking, interrupt, ["first interrupted"], 0),
    (confirming, interrupt, ["first interrupted"], 0),
    (acting, interrupt, ["first interrupted"], 1),
    (speaking, interrupt, ["first interrupted"], 1),
    (transcribing, typed, IN_ORDER, 2),
    (thinking, typed, IN_ORDER, 1),
    (confirming, typed, ["first refused", "second done"], 1),
    (acting, typed, IN_ORDER, 2),
    (speaking, typed, INTERRUPTED_FIRST, 2),
    (transcribing, say, IN_ORDER, 2),
    (thinking, say, IN_ORDER, 1),
    (confirming, say, ["first refused", "second done"], 1),
    (acting, say, IN_ORDER, 2),
    (speaking, say, INTERRUPTED_FIRST, 2),
    (transcribing, noise, ["first done", "second no_speech"], 1),
    (thinking, noise, ["first done", "second no_speech"], 0),
    (confirming, noise, ["second no_speech", "first refused"], 0),
    (acting, noise, ["first done", "second no_speech"], 1),
    (speaking, noise, ["second no_speech", "first done"], 1),
    (transcribing, cough, ["second no_speech", "first done"], 1),
    (thinking, cough, ["second no_speech", "first done"], 0),
    (confirming, cough, ["second no_speech", "first refused"], 0),
    (acting, cough, ["second no_speech", "first done"], 1),
    (speaking, cough, ["second no_speech", "first done"], 1),
    (transcribing, timer, IN_ORDER, 1),
    (thinking, timer, IN_ORDER, 0),
    (confirming, timer, ["first refused", "second done"], 0),
    (acting, timer, IN_ORDER, 1),
    (speaking, timer, IN_ORDER, 1),
    (transcribing, lost_and_back, ["first done"], 1),
    (thinking, lost_and_back, ["first done"], 0),
    (confirming, lost, ["first refused"], 0),
    (acting, lost_and_back, ["first done"], 1),
    (speaking, lost_and_back, ["first done"], 1),
]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0].__name__}-{row[1].__name__}" for row in ROWS])
async def test_a_row(row: tuple[Scene, Scene, list[str], int], grow: Grow, autojump_clock: MockClock) -> None:
    state, happens, ends, calls = row
    room = await opened(grow)
    await state(room)
    assert room.statistics().state == STATES[state]
    await happens(room)
    completed = await room.completed(len(ends))
    await trio.sleep(60.0)
    names = {"id1": "first"}
    assert [f"{names.get(turn_id, 'second')} {outcome}" for turn_id, outcome in completed] == ends
    assert len(room.connection.events(events.TurnCompleted)) == len(ends)
    assert len(room.tools.of(CallTool)) == calls
    assert room.statistics().state == "LISTENING"
    room.assert_each_turn_was_completed_once()


async def opened(grow: Grow) -> Room:
    room = Room()
    room.grammar.commands = command("lamp on", "lamp_on") | command("what time is it", "clock")
    room.inference.answers[Generate] = says("One day.")
    room.tools.answers |= {CallTool: outcome_of("It is on."), ListTools: ToolList((spec_of("lamp_on"),))}
    room.speech.answers[Synthesise] = speech_of(2.0)
    await room.open(grow)
    return room


# --- what is heard of it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "ends", "spoken_s"),
    [
        (NoWords("noise"), ["no_speech", "done"], 2.0),  # the answer waited, and is heard
        (SECOND, ["interrupted", "done"], 2.0),  # it is not wanted any more; the next one is heard
    ],
)
async def test_announcements_do_not_talk_over_the_user(
    heard: Any, ends: list[str], spoken_s: float, grow: Grow, autojump_clock: MockClock
) -> None:
    room = await opened(grow)
    await acting(room)
    room.transcription.answers[Transcribe] = heard
    await room.begin_to_speak()
    await trio.sleep(2 * SLOW_S)
    assert [text for text, _ in room.replies()] == ["It is on."], "it can be read"
    assert room.connection.events(events.SpeechAudioStart) == []
    await room.end_speech()
    began_s = trio.current_time()
    assert [outcome for _, outcome in await room.completed(2)] == ends
    assert trio.current_time() - began_s == pytest.approx(spoken_s, abs=0.2)
    assert len(room.connection.events(events.SpeechAudioStart)) == 1


async def test_a_timer_speaks_up_after_the_answer_and_not_into_it(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow)
    await speaking(room)
    await timer(room)
    await room.completed(2)
    assert [text for text, _ in room.replies()] == ["It is on.", "Your tea is ready."]
    first, second = room.connection.events(events.SpeechAudioStart)
    ended = room.connection.events(events.SpeechAudioEnd)
    assert [event.turn_id for event in ended] == [first.turn_id, second.turn_id]


async def test_words_into_an_announcement_end_it(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow)
    room.transcription.answers[Transcribe] = SECOND
    room.speech.answers[Synthesise] = speech_of(5.0)
    await timer(room)
    await trio.sleep(1.0)
    await say(room)
    assert [outcome for _, outcome in await room.completed(2)] == ["interrupted", "done"]


async def test_a_turn_that_takes_too_long_says_so(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow)
    room.inference.answers[Generate] = says("One day.", before_s=60.0)
    room.transcription.answers[Transcribe] = QUESTION
    began_s = trio.current_time()
    await say(room)
    said = await room.connection.wait_for_event(events.Reply)
    assert said.text == "Sorry, that took too long."
    assert trio.current_time() - began_s <= room.settings.dialogue.turn_timeout_s + 0.2
    assert [outcome for _, outcome in await room.completed()] == ["failed"]
    assert [asked.text for asked in room.speech.of(Synthesise)] == ["Sorry, that took too long."], "and aloud"
