"""What a session does when its server leaves."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol import events
from protocol.errors import CloseCode
from protocol.messages import Generate, Hang, Leave, ListTools, SpeechBegan, Transcribe, Transcript
from tests.actors.dialogue_fixtures import Room, says, spoken
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
    room.transcription.answers[Transcribe] = Transcript("hello", "en", 0.9)
    room.tools.answers[ListTools] = ()
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
    await room.open(grow, has_shaken_hands=False)
    room.dialogue.signal(LEAVE)
    await wait_all_tasks_blocked()
    assert room.connection.seen == [Hang(CloseCode.SERVICE_RESTART, "deploy")]
