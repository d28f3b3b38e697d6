import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.turn.hearing import hear, transcribe
from protocol import events
from protocol.messages import Count, NoWords, Transcribe, Transcript, Utterance
from runtime import DomainError
from tests.actors.dialogue_fixtures import SESSION_ID, Room
from tests.fakes import FakeGrammar, Grow

UTTERANCE = Utterance(bytes(32), 500, 1_500)


class QueueFull(DomainError):
    """What a full queue says."""


async def test_words_are_shown_and_returned(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room(grammar=FakeGrammar(words=("timer",)))
    room.transcription.answers[Transcribe] = Transcript("hello", "en", 0.9, ("hallo",))
    await room.open(grow)
    assert await transcribe(room.kit(), room.wishes(), "t", UTTERANCE) == Transcript("hello", "en", 0.9, ("hallo",))
    assert await hear(room.kit(), room.wishes(), "t", UTTERANCE) == "hello"
    asked = Transcribe(SESSION_ID, UTTERANCE, language=None, vocabulary=("timer",))
    assert room.transcription.of(Transcribe) == [asked, asked]
    await wait_all_tasks_blocked()
    shown = events.Transcript("t", "hello", "en", 0.9, events.AudioSpan(500, 1_500))
    assert room.connection.events() == [shown, shown]


async def test_nothing_said_is_shown_with_its_reason(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = NoWords("noise")
    await room.open(grow)
    assert await transcribe(room.kit(), room.wishes(), "t", UTTERANCE) is None
    assert await hear(room.kit(), room.wishes(), "t", UTTERANCE) is None
    await wait_all_tasks_blocked()
    assert room.connection.events() == [events.NoSpeech("t", "noise")] * 2
    assert room.metrics.of(Count) == [Count("no_speech_total", ("noise",))] * 2


async def test_a_refusal_is_the_caller_s_business(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = QueueFull("64 utterances are waiting")
    await room.open(grow)
    with pytest.raises(QueueFull):
        await transcribe(room.kit(), room.wishes(), "t", UTTERANCE)
    assert room.connection.events() == []
