"""Wake words on a complete server, with the real detector and spoken words."""

from collections.abc import Callable

import numpy as np
import pytest
import trio

from backends.speech.wake_words import MicroWakeWordDetector, is_installed
from tests.system.client_fixtures import QUIET, RATE_HZ, SILENCE, talking
from tests.system.make_recordings import SENTENCES
from tests.system.server_fixtures import Server

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not is_installed(), reason="needs pymicro-wakeword: pip install 'sayso[wake]'"),
]

Spoken = Callable[[str], bytes]
LIMIT_S = 200
GAINS_DB = (-12, -6, -3, 0, 3, 6)
TALK_S = 600


async def test_a_command_is_done_only_after_its_wake_word(server: Server, spoken: Spoken) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET, wake="okay nabu") as client:
            await client.speak(spoken("What day is it today?") + SILENCE, factor=4)
            await client.speak(spoken("Okay Nabu, what time is it?") + SILENCE, factor=4)
            detected = await client.next("wake_detected")
            transcript = await client.next("transcript")
            completed = await client.next("turn_completed")

    assert detected["word"] == "okay nabu"
    assert transcript["text"] == "What time is it?"
    assert completed["outcome"] == "done"
    assert [call["tool"] for call in client.all("tool_call")] == ["get_time"]
    assert len(client.all("speech_started")) == 1
    assert detected["at_sample"] <= transcript["audio"]["start_ms"] * RATE_HZ // 1000 + 16


async def test_a_question_is_answered_without_the_wake_word(server: Server, spoken: Spoken) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET, wake="okay nabu") as client:
            await client.speak(spoken("Okay Nabu, set a timer.") + SILENCE, factor=4)
            question = await client.next("reply")
            await client.next("turn_completed")
            await client.next("wake_state")
            await client.speak(spoken("Set a timer for ten minutes.") + SILENCE, factor=4)
            await client.next("tool_call")
            await client.next("turn_completed")

    assert question["text"] == "For how long?"
    assert [state["state"] for state in client.all("wake_state")][:4] == ["listening", "asleep", "listening", "asleep"]


async def test_an_unknown_wake_word_is_refused_with_those_that_there_are(server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            await client.tell("session_update", wake="computer")
            error = await client.next("error")

    assert error["code"] == "unknown_wake_word"
    assert "okay nabu, hey jarvis, hey mycroft, alexa" in error["message"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("okay nabu", "Okay Nabu, what time is it?"),
        ("hey jarvis", "Hey Jarvis."),
        ("hey mycroft", "Hey Mycroft."),
        ("alexa", "Alexa."),
    ],
)
def test_each_word_is_heard_once(word: str, said: str, spoken: Spoken) -> None:
    assert len(MicroWakeWordDetector(word).find(SILENCE + spoken(said) + SILENCE)) == 1


def test_ten_minutes_of_talk_wake_nobody(spoken: Spoken) -> None:
    detector, samples = MicroWakeWordDetector("okay nabu"), 0
    for gain_db in GAINS_DB:
        for text in SENTENCES:
            loud = np.frombuffer(spoken(text), dtype="<i2") * 10 ** (gain_db / 20)
            pcm = np.clip(loud, -32_768, 32_767).astype("<i2").tobytes()
            assert detector.find(pcm) == [], text
            samples += len(pcm) // 2
    assert samples / RATE_HZ > TALK_S
