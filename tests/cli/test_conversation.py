from typing import Any

import attrs
import pytest
import trio

from cli.conversation import Conversation, TurnProgress, WaitTimes
from sayso_client import (
    ClientError,
    ClientOptions,
    ClientSession,
    ConfirmRequest,
    Event,
    Received,
    SpeechAudio,
    SpeechAudioEnd,
    SpeechAudioStart,
    SpeechStarted,
    Status,
    Transcript,
    TurnCompleted,
    wire_name,
)
from sayso_client.events import AudioSpan
from tests.cli.scripted_server import Client, Script, scripted_server


def test_a_spoken_turn_is_complete_when_it_ended_and_its_speech_too() -> None:
    progress = TurnProgress()
    events: list[tuple[Event, bool]] = [
        (SpeechStarted("t1", 0), False),
        (Transcript("t1", "hi", "en", 1.0, AudioSpan(0, 1)), False),
        (SpeechAudioStart("t1", "pcm_s16le", 22_050), False),
        (TurnCompleted("t1", "done"), False),
        (SpeechAudioEnd("t1"), True),
    ]
    for event, is_complete in events:
        progress.take(event)
        assert progress.is_complete is is_complete
    assert progress.outcomes == ["done"]


def test_a_second_utterance_keeps_the_conversation_open() -> None:
    progress = TurnProgress()
    progress.take(SpeechStarted("t1", 0))
    progress.take(TurnCompleted("t1", "done"))
    progress.take(SpeechStarted("t2", 9))
    assert not progress.is_complete
    progress.take(TurnCompleted("t2", "no_speech"))
    assert progress.is_complete
    assert progress.outcomes == ["done", "no_speech"]


def test_nothing_heard_is_nothing_begun() -> None:
    progress = TurnProgress()
    progress.take(Status(0, 1, 1.0))
    assert not progress.has_begun
    assert not progress.is_complete


@attrs.define
class Caller:
    """Collects what is shown, and answers questions."""

    nursery: trio.Nursery
    shown: list[str] = attrs.field(factory=list)
    agrees: bool = True

    def show(self, received: Received) -> None:
        event = received.event
        self.shown.append("audio" if isinstance(event, SpeechAudio) else wire_name(event))

    async def approve(self, request: ConfirmRequest) -> bool:
        assert request.tool == "delete"
        return self.agrees

    async def talk(self, script: Script, **options: Any) -> list[str]:
        async def feed(session: ClientSession) -> None:
            await session.send_text("hello")

        arguments: dict[str, Any] = {"feed": feed, "patience": WaitTimes(10.0)} | options
        url = await scripted_server(self.nursery, script)
        return await Conversation(url, ClientOptions(), show=self.show, approve=self.approve, **arguments).run()


async def test_a_typed_turn_ends_with_its_completion(nursery: trio.Nursery) -> None:
    async def script(client: Client) -> None:
        await client.accept()
        await client.receive()
        await client.send("reply", turn_id="t1", text="hi")
        await client.complete()
        assert await client.receive() == {"type": "bye", "data": {}}

    caller = Caller(nursery)
    assert await caller.talk(script) == ["done"]
    assert caller.shown == ["connection_accepted", "reply", "turn_completed"]


async def test_a_question_is_answered_by_the_given_function(nursery: trio.Nursery) -> None:
    answers = []

    async def script(client: Client) -> None:
        await client.accept()
        await client.receive()
        await client.ask()
        answers.append(await client.receive())
        await client.complete(outcome="refused")

    assert await Caller(nursery, agrees=False).talk(script) == ["refused"]
    assert answers == [{"type": "confirm", "data": {"call_id": "c1", "approve": False}}]


async def test_waiting_hears_what_comes_after_the_turn(
    nursery: trio.Nursery, patient_clock: trio.testing.MockClock
) -> None:
    async def script(client: Client) -> None:
        await client.accept()
        await client.receive()
        await client.complete()
        await trio.sleep(3)
        await client.send("reply", turn_id="t2", text="your timer is over")
        await client.complete("t2")

    caller = Caller(nursery)
    assert await caller.talk(script, patience=WaitTimes(10.0, after_s=5.0)) == ["done", "done"]
    assert caller.shown[-2:] == ["reply", "turn_completed"]
    assert patient_clock.current_time() >= 5


async def test_a_turn_that_does_not_end_is_given_up(
    nursery: trio.Nursery, patient_clock: trio.testing.MockClock
) -> None:
    async def script(client: Client) -> None:
        await client.accept()

    with pytest.raises(ClientError, match=r"did not end within 10 s \(--timeout\)"):
        await Caller(nursery).talk(script)
    assert patient_clock.current_time() >= 10


async def test_sound_without_speech_is_said_so(nursery: trio.Nursery, patient_clock: trio.testing.MockClock) -> None:
    async def silence(session: ClientSession) -> None:
        await session.send_audio(bytes(3_200))

    async def script(client: Client) -> None:
        await client.accept()

    with pytest.raises(ClientError, match="heard no speech"):
        await Caller(nursery).talk(script, feed=silence, patience=WaitTimes(10.0, speech_s=5.0))
    assert patient_clock.current_time() < 10


async def test_a_live_feed_never_ends_so_the_turn_does(
    nursery: trio.Nursery, patient_clock: trio.testing.MockClock
) -> None:
    async def endless(session: ClientSession) -> None:
        await session.send_audio(bytes(3_200))
        await trio.sleep_forever()

    async def script(client: Client) -> None:
        await client.accept()
        await client.receive()
        await client.send("speech_started", turn_id="t1", at_ms=0)
        await client.complete()

    assert await Caller(nursery).talk(script, feed=endless, is_live=True) == ["done"]
    assert patient_clock.current_time() < 10


async def test_a_server_that_leaves_in_a_turn_ends_the_conversation(nursery: trio.Nursery) -> None:
    async def script(client: Client) -> None:
        await client.accept()
        await client.receive()
        await client.socket.aclose(1001, "the server is stopping")

    with pytest.raises(ClientError, match="1001 the server is stopping"):
        await Caller(nursery).talk(script)


async def test_a_feed_that_fails_ends_the_conversation(nursery: trio.Nursery) -> None:
    async def broken(_session: ClientSession) -> None:
        raise ClientError("the microphone is gone")

    async def script(client: Client) -> None:
        await client.accept()

    with pytest.raises(ClientError, match="the microphone is gone"):
        await Caller(nursery).talk(script, feed=broken)
