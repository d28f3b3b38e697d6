import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.connection.telling import ToClient
from actors.turn.spoken_answer import SpokenAnswer
from protocol.messages import events
from protocol.messages.session import DropAudio, Send, SendAudio
from protocol.messages.speaking import Synthesise
from runtime import DomainError
from tests.actors.dialogue_fixtures import Room, after, speech_of
from tests.fakes import Grow


class NoSpeech(DomainError):
    """What speech says that has no worker."""


@attrs.define(eq=False)
class Stage:
    """A spoken answer with its client."""

    room: Room = attrs.field(factory=Room)
    first_audio_s: list[float] = attrs.field(factory=list)

    async def open(self, grow: Grow) -> SpokenAnswer:
        """Make it."""
        await self.room.open(grow)
        client = ToClient(self.room.refs["connection"], self.room.memory.client)
        return SpokenAnswer("s", "t", self.room.refs["speech"], client, "amy", 2.0, self._note)

    def _note(self) -> None:
        self.first_audio_s.append(trio.current_time())

    def sent_s(self) -> float:
        """Return how much audio the client has been sent."""
        return sum(len(chunk.samples) for chunk in self.room.connection.of(SendAudio)) / 32_000


async def test_sentences_become_one_stream_of_audio_in_order(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    spoken = await stage.open(grow)
    async with spoken.open():
        await spoken.say("One.")
        await spoken.say("  ")
        await spoken.say("Two.")
    await spoken.end()
    await wait_all_tasks_blocked()
    assert stage.room.speech.of(Synthesise) == [Synthesise("s", "One.", "amy"), Synthesise("s", "Two.", "amy")]
    told = stage.room.connection.seen
    assert told[0] == Send(events.SpeechAudioStart("t", "pcm_s16le", 16_000))
    assert told[-1] == Send(events.SpeechAudioEnd("t"))
    assert {len(chunk.samples) for chunk in stage.room.connection.of(SendAudio)} == {3_200}, "a tenth of a second each"
    assert (stage.sent_s(), len(stage.first_audio_s)) == (2.0, 1)


async def test_audio_is_sent_at_most_two_seconds_ahead(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = speech_of(5.0)
    spoken = await stage.open(grow)
    async with spoken.open():
        await spoken.say("One.")
        await wait_all_tasks_blocked()
        assert stage.sent_s() == pytest.approx(2.1, abs=0.11)
        await trio.sleep(1.0)
        assert stage.sent_s() == pytest.approx(3.1, abs=0.11)
        assert spoken.is_speaking
    assert trio.current_time() == pytest.approx(3.0, abs=0.11)


async def test_one_can_wait_until_all_so_far_is_sent(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = after(1.0, speech_of(3.0))
    spoken = await stage.open(grow)
    await spoken.wait_sent()
    async with spoken.open():
        await spoken.wait_sent()
        assert trio.current_time() == 0.0
        await spoken.say("One.")
        await spoken.wait_sent()
        await wait_all_tasks_blocked()  # the client's mailbox has it; the client reads it now
        assert stage.sent_s() == pytest.approx(3.0)
        await spoken.say("Two.")
        await spoken.say("Three.")
        await spoken.wait_sent()
        await wait_all_tasks_blocked()
        assert stage.sent_s() == pytest.approx(9.0)


async def test_what_cannot_be_said_is_not_waited_for(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = after(1.0, NoSpeech("no worker"))
    spoken = await stage.open(grow)
    async with spoken.open():
        await spoken.say("One.")
        await spoken.say("Two.")
        await spoken.wait_sent()
        await spoken.say("Three.")
        await spoken.wait_sent()
    assert trio.current_time() == pytest.approx(1.0)


async def test_the_next_sentence_is_made_while_one_is_spoken(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = speech_of(10.0)
    spoken = await stage.open(grow)
    async with spoken.open():
        for number in range(4):
            await spoken.say(f"Number {number}.")
        await wait_all_tasks_blocked()
        assert len(stage.room.speech.of(Synthesise)) == 3, "one spoken, one ready, one in hand"


async def test_what_was_heard_is_known_by_the_clock_or_by_the_client(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = speech_of(4.0)
    spoken = await stage.open(grow)
    assert spoken.heard_until(100.0) == []
    async with spoken.open():
        await spoken.say("One.")
        await spoken.say("Two.")
        await trio.sleep(5.9)
        assert spoken.heard_until(None) == ["One."]
        assert spoken.heard_until(1.9) == []
        assert spoken.heard_until(6.1) == ["One.", "Two."]


async def test_a_gap_between_sentences_is_not_taken_for_heard_speech(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = [speech_of(2.0), after(8.0, speech_of(4.0))]
    spoken = await stage.open(grow)
    async with spoken.open():
        await spoken.say("One.")
        await spoken.say("Two.")
        await trio.sleep(5.0)
        assert not spoken.is_speaking
        await trio.sleep(4.0)  # the second sentence began a second ago
        assert spoken.is_speaking
        assert spoken.heard_until(None) == ["One."]


async def test_a_cut_forgets_what_has_not_left(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = speech_of(10.0)
    spoken = await stage.open(grow)
    with trio.move_on_after(1.0):
        async with spoken.open():
            await spoken.say("One.")
    await spoken.cut()
    await wait_all_tasks_blocked()
    assert stage.room.connection.of(DropAudio) == [DropAudio()]
    assert stage.room.connection.events(events.SpeechAudioEnd) == [events.SpeechAudioEnd("t")]


async def test_nothing_said_has_no_end(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    spoken = await stage.open(grow)
    async with spoken.open():
        pass
    await spoken.cut()
    await wait_all_tasks_blocked()
    assert stage.room.connection.seen == []
    assert not spoken.is_speaking


async def test_an_answer_that_is_not_opened_says_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    spoken = await stage.open(grow)
    await spoken.say("One.")
    await spoken.end()
    assert stage.room.speech.seen == []


async def test_when_speech_cannot_be_made_it_falls_silent_once_and_says_why(
    grow: Grow, autojump_clock: MockClock
) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = NoSpeech("no worker")
    spoken = await stage.open(grow)
    async with spoken.open():
        await spoken.say("One.")
        await wait_all_tasks_blocked()
        await spoken.say("Two.")
    await wait_all_tasks_blocked()
    assert stage.room.connection.seen == [Send(events.Degraded("speech", "no worker"))]
    assert spoken.memory.is_voiceless
    assert len(stage.room.speech.seen) == 1


async def test_a_client_that_was_told_of_the_silence_is_told_of_its_end_once(
    grow: Grow, autojump_clock: MockClock
) -> None:
    stage = Stage()
    spoken = await stage.open(grow)
    spoken.memory.is_voiceless = True
    async with spoken.open():
        await spoken.say("One.")
        await spoken.say("Two.")
    told = [message for message in stage.room.connection.of(Send) if isinstance(message.event, events.Recovered)]
    assert told == [Send(events.Recovered("speech", "it speaks again"))]
    assert not spoken.memory.is_voiceless
