"""The utterances of a Deepgram stream: the session's events in, messages out."""

import pytest

from protocol.messages import events
from protocol.messages.events import AudioEnd
from tests.protocol.dialects.deepgram.deepgram_fixtures import Stream, done, shown, started, stopped, transcript


def test_an_utterance_is_told_by_its_final_result() -> None:
    stream = Stream()
    assert shown(stream.hears(started("t1"), stopped("t1"), transcript("t1"), done("t1"))) == [
        ("Light on.", True, True, False)
    ]


def test_words_that_are_not_final_and_the_beginning_of_speech_are_told_to_who_wants_them() -> None:
    stream = Stream({"interim_results": "true", "vad_events": "true"})
    stream.speaks()
    frames = stream.hears(started("t1", 250), events.TranscriptPartial("t1", "Light"), stopped("t1"), transcript("t1"))
    assert shown(frames) == [("SpeechStarted",), ("Light", False, False, False), ("Light on.", True, True, False)]
    assert (frames[0]["timestamp"], frames[1]["start"], frames[1]["duration"]) == (0.25, 0.25, 0.75)
    assert Stream().hears(started("t1"), events.TranscriptPartial("t1", "Light")) == []


@pytest.mark.parametrize(
    "end",
    [
        (events.NoSpeech("t1", "noise"), done("t1", "no_speech")),
        (done("t1", "refused"),),
        (events.Error("turn_failed", "no recogniser", turn_id="t1"), done("t1", "failed")),
    ],
)
def test_an_utterance_without_words_ends_in_an_empty_result_too(end: tuple[events.ServerEvent, ...]) -> None:
    frames = Stream({"interim_results": "true"}).hears(started("t1"), stopped("t1"), *end)
    assert [told for told in shown(frames) if told != ("Error",)] == [("", True, True, False)]


def test_a_part_of_a_long_utterance_is_final_and_no_end() -> None:
    stream = Stream()
    assert shown(stream.hears(started("t1"), stopped("t1", "max_length"), transcript("t1"))) == [
        ("Light on.", True, False, False)
    ]


def test_without_endpointing_nothing_is_an_end() -> None:
    stream = Stream({"endpointing": "false"})
    assert shown(stream.hears(started("t1"), stopped("t1"), transcript("t1"))) == [("Light on.", True, False, False)]


def test_silence_is_told_once_when_it_is_long_enough() -> None:
    stream = Stream({"utterance_end_ms": "1000"})
    stream.speaks()
    assert shown(stream.hears(started("t1"), stopped("t1"), transcript("t1"), done("t1"))) == [
        ("Light on.", True, True, False)
    ]
    assert stream.speaks()[0] == {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 0.9}
    assert stream.speaks(3) == []


def test_silence_that_has_come_already_is_told_behind_the_words() -> None:
    stream = Stream({"utterance_end_ms": "1000"})
    stream.speaks(5)
    frames = stream.hears(started("t1"), stopped("t1"), transcript("t1"))
    assert shown(frames) == [("Light on.", True, True, False), ("UtteranceEnd",)]


def test_speech_that_begins_again_soon_is_no_silence() -> None:
    stream = Stream({"utterance_end_ms": "1000"})
    stream.hears(started("t1"), stopped("t1"), transcript("t1"), started("t2", 1_500))
    assert stream.speaks(4) == []
    assert shown(stream.hears(stopped("t2"), transcript("t2", end_ms=2_500))) == [
        ("Light on.", True, True, False),
        ("UtteranceEnd",),
    ]


def test_silence_before_speech_that_begins_late_is_told_first() -> None:
    stream = Stream({"utterance_end_ms": "1000", "vad_events": "true"})
    stream.hears(started("t1"), stopped("t1"), transcript("t1"), done("t1"))
    assert shown(stream.hears(started("t2", 3_000))) == [("UtteranceEnd",), ("SpeechStarted",)]


# --- Finalize ------------------------------------------------------------------------------------


def test_finalize_is_answered_by_the_utterance_that_it_ends() -> None:
    stream = Stream()
    stream.hears(started("t1"))
    assert stream.says("Finalize") == [AudioEnd()]
    assert shown(stream.hears(stopped("t1", "manual"), transcript("t1"), done("t1"))) == [
        ("Light on.", True, True, True)
    ]


def test_finalize_without_speech_is_answered_by_an_empty_result() -> None:
    stream = Stream()
    stream.says("Finalize")
    assert shown(stream.hears(events.NothingCommitted(1_000))) == [("", True, False, True)]


def test_finalize_behind_an_utterance_that_is_being_transcribed_is_answered_by_that() -> None:
    stream = Stream()
    stream.hears(started("t1"), stopped("t1"))
    stream.says("Finalize")
    assert stream.hears(events.NothingCommitted(1_000)) == []
    assert shown(stream.hears(transcript("t1"))) == [("Light on.", True, True, True)]
