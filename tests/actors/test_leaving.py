"""What a session does when its server leaves."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.messages import events
from protocol.messages.errors import CloseCode
from protocol.messages.hearing import Recognition, SpeechBegan, Transcribe
from protocol.messages.session import Hang, Leave
from protocol.messages.understanding import Generate, ListTools, ModelToolCall, ToolList
from tests.actors.dialogue_fixtures import SESSION_ID, Room, after, says, spec_of, spoken
from tests.fakes import Grow

LEAVE = Leave("deploy", 60.0, 12.5)


async def test_a_server_that_leaves_says_so_and_hangs_up_in_the_silence(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    room.dialogue.signal(LEAVE)
    await wait_all_tasks_blocked()
    assert room.connection.events(events.GoingAway) == [events.GoingAway("deploy", 60_000, "token", 12_500)]
    assert room.connection.of(Hang) == [Hang(CloseCode.SERVICE_RESTART, "deploy")]


async def test_a_server_that_leaves_lets_an_open_utterance_become_an_answer(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    await room.open(grow)
    room.transcription.answers[Transcribe] = Recognition("hello", "en", 0.9)
    room.tools.answers[ListTools] = ToolList()
    room.inference.answers[Generate] = says("Good morning.")
    await room.dialogue.tell(SpeechBegan(0))
    await wait_all_tasks_blocked()
    room.dialogue.signal(LEAVE)
    await wait_all_tasks_blocked()
    assert room.connection.of(Hang) == []
    await room.dialogue.tell(spoken())
    await trio.sleep(30.0)
    assert [reply.text for reply in room.connection.events(events.Reply)] == ["Good morning."]
    assert len(room.connection.events(events.TurnCompleted)) == 1
    assert room.connection.of(Hang) == [Hang(CloseCode.SERVICE_RESTART, "deploy")]


async def test_a_server_that_leaves_before_the_handshake_only_hangs_up(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow, has_made_handshake=False)
    room.dialogue.signal(LEAVE)
    await wait_all_tasks_blocked()
    assert room.connection.seen == [Hang(CloseCode.SERVICE_RESTART, "deploy")]


async def test_bye_in_the_middle_of_a_word_ends_that_turn_too(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.dialogue.tell(SpeechBegan(0))
    await room.dialogue.tell(events.Bye())
    await wait_all_tasks_blocked()
    [completed] = room.connection.events(events.TurnCompleted)
    assert completed.outcome == "interrupted"
    assert room.connection.of(Hang) == [Hang(CloseCode.NORMAL, "bye")]


async def test_a_dialogue_that_crashed_for_good_is_found_no_more(grow: Grow, autojump_clock: MockClock) -> None:
    """Else a drain would wait for a session that is gone."""
    room = Room()
    await room.open(grow)
    assert SESSION_ID in room.sessions.names()
    await room.dialogue.tell("nonsense")
    await wait_all_tasks_blocked()
    await room.tree.stop("the session ends while its dialogue waits for the next start")
    assert room.sessions.names() == ()


async def test_bye_waits_for_an_answer_to_a_question_that_is_still_being_heard(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = after(1.0, Recognition("yes", "en", 0.9))
    room.tools.answers[ListTools] = ToolList((spec_of("lock_door"),))
    room.inference.answers[Generate] = says(calls=(ModelToolCall("1", "lock_door", {}),))
    await room.open(grow)
    await room.type("lock the door")
    await room.connection.wait_for_event(events.ConfirmRequest)
    await room.begin_to_speak()
    await room.end_speech()
    room.dialogue.signal(events.Interrupt())
    await room.dialogue.tell(events.Bye())
    await wait_all_tasks_blocked()
    assert room.connection.of(Hang) == [], "a turn is not over yet"
    await room.connection.wait_for(Hang)
    room.assert_each_turn_was_completed_once()
