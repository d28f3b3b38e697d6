"""Utterances as a client of the Realtime API sees them: the session's events in, frames out."""

from typing import Any

import pytest

from protocol.messages import events
from tests.protocol.dialects.realtime.realtime_fixtures import RealtimeClient, audio, types

STARTED = events.SpeechStarted("t1", 320)
STOPPED = events.SpeechStopped("t1", 1_400, "silence")
TRANSCRIPT = events.Transcript("t1", "what time is it", "en", 0.9, events.AudioSpan(0, 1_400))
COMPLETED = events.TurnCompleted("t1", "refused", events.LatencyMs())
SPEECH, ITEM = "input_audio_buffer.", "conversation.item."
TRANSCRIBED = "conversation.item.input_audio_transcription."
COMMITTED = [SPEECH + "committed", ITEM + "added", ITEM + "done"]


def partial(text: str) -> events.TranscriptPartial:
    return events.TranscriptPartial("t1", text)


def ended(outcome: events.Outcome) -> events.TurnCompleted:
    return events.TurnCompleted("t1", outcome, events.LatencyMs())


@pytest.fixture
def client() -> RealtimeClient:
    client = RealtimeClient()
    client.opened()
    return client


STORIES: dict[str, tuple[tuple[events.ServerEvent, ...], list[str]]] = {
    "an utterance": (
        (STARTED, partial("what"), STOPPED, TRANSCRIPT, events.Reply("t1", "?"), COMPLETED),
        [
            SPEECH + "speech_started",
            TRANSCRIBED + "delta",
            SPEECH + "speech_stopped",
            *COMMITTED,
            TRANSCRIBED + "delta",
            TRANSCRIBED + "completed",
        ],
    ),
    "a cough": (
        (STARTED, events.NoSpeech("t1", "too_short"), ended("no_speech")),
        [
            SPEECH + "speech_started",
            SPEECH + "speech_stopped",
            *COMMITTED,
            TRANSCRIBED + "completed",
        ],
    ),
    "a recogniser that fails": (
        (STARTED, STOPPED, events.Error("turn_failed", "no worker", turn_id="t1"), ended("failed")),
        [
            SPEECH + "speech_started",
            SPEECH + "speech_stopped",
            *COMMITTED,
            TRANSCRIBED + "failed",
        ],
    ),
    "an utterance that another one has replaced": (
        (STARTED, STOPPED, ended("interrupted")),
        [
            SPEECH + "speech_started",
            SPEECH + "speech_stopped",
            *COMMITTED,
            TRANSCRIBED + "failed",
        ],
    ),
    "the rest of a long one": (
        (STOPPED, TRANSCRIPT, COMPLETED),
        [*COMMITTED, TRANSCRIBED + "delta", TRANSCRIBED + "completed"],
    ),
    "a typed turn": ((events.Reply("t1", "four"), events.Transcript("t1", "a", "en", 1.0, events.AudioSpan(0, 1))), []),
}


@pytest.mark.parametrize("story", STORIES)
def test_an_utterance_ends_in_one_item_and_one_transcription(client: RealtimeClient, story: str) -> None:
    happened, expected = STORIES[story]
    told = client.told(*happened)
    assert types(told) == expected
    assert len({event["item_id"] for event in told if "item_id" in event}) <= 1


def transcription(told: list[dict[str, Any]]) -> dict[str, Any]:
    return next(event for event in told if event["type"] == TRANSCRIBED + "completed")


def test_the_times_and_the_use_are_told(client: RealtimeClient) -> None:
    told = client.told(STARTED, STOPPED, TRANSCRIPT)
    assert (told[0]["audio_start_ms"], told[1]["audio_end_ms"]) == (320, 1_400)
    assert transcription(told)["usage"] == {"type": "duration", "seconds": 1.4}
    assert (transcription(told)["transcript"], transcription(told)["content_index"]) == ("what time is it", 0)


def test_a_cough_ends_in_an_empty_transcript(client: RealtimeClient) -> None:
    client.sends("input_audio_buffer.append", audio=audio(2))
    told = client.told(STARTED, events.NoSpeech("t1", "noise"))
    assert (transcription(told)["transcript"], transcription(told)["usage"]["seconds"]) == ("", 0.0)
    assert told[1]["audio_end_ms"] == 2_000


def test_the_parts_of_a_transcript_make_the_whole(client: RealtimeClient) -> None:
    told = client.told(STARTED, partial("what"), partial("what time"), STOPPED, TRANSCRIPT)
    deltas = [event["delta"] for event in told if event["type"] == TRANSCRIBED + "delta"]
    assert deltas == ["what", " time", " is it"]


def test_a_transcript_that_was_corrected_is_told_whole_at_its_end(client: RealtimeClient) -> None:
    told = client.told(STARTED, partial("what rhyme"), STOPPED, TRANSCRIPT)
    assert [event["delta"] for event in told if event["type"] == TRANSCRIBED + "delta"] == ["what rhyme"]
    assert transcription(told)["transcript"] == "what time is it"


def test_the_item_has_its_transcript_afterwards(client: RealtimeClient) -> None:
    told = client.told(STARTED, STOPPED, TRANSCRIPT, COMPLETED)
    (retrieved,) = client.sends("conversation.item.retrieve", item_id=told[0]["item_id"])
    assert retrieved["item"]["content"] == [{"type": "input_audio", "transcript": "what time is it"}]


def test_without_turn_detection_only_the_commit_is_told(client: RealtimeClient) -> None:
    client.sends("session.update", session={"audio": {"input": {"turn_detection": None}}})
    assert types(client.told(STARTED, STOPPED)) == COMMITTED


def test_what_is_cleared_in_mid_speech_is_never_told_again(client: RealtimeClient) -> None:
    client.told(STARTED)
    assert types(client.sends("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert client.told(events.NoSpeech("t1", "discarded"), COMPLETED) == []
    assert types(client.told(events.SpeechStarted("t2", 5))) == [SPEECH + "speech_started"]
