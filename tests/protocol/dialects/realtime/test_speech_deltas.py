"""An answer's samples in the client's format."""

import base64

import pytest

from backends.speech.resampling import RateConverter
from protocol.dialects.realtime.session_document import FormatFields
from protocol.dialects.realtime.speech_deltas import SpeechDeltas

SECOND = bytes(range(240)) * 200  # of 24 kHz


def deltas(rate_hz: int = 24_000, kind: str = "audio/pcm") -> SpeechDeltas:
    made = SpeechDeltas(FormatFields(kind), RateConverter)  # type: ignore[arg-type]
    made.start(rate_hz)
    return made


def test_samples_of_the_right_rate_go_as_they_are() -> None:
    speech = deltas()
    assert base64.b64decode(speech.delta(SECOND)) == SECOND
    assert (speech.told_ms, speech.last_delta()) == (1_000, "")


@pytest.mark.parametrize(("kind", "size"), [("audio/pcm", 48_000), ("audio/pcma", 8_000)])
def test_all_of_it_arrives_at_another_rate(kind: str, size: int) -> None:
    speech = deltas(22_050, kind)
    parts = [speech.delta(bytes(4_410)) for _ in range(10)] + [speech.last_delta()]
    assert sum(len(base64.b64decode(part)) for part in parts) == pytest.approx(size, abs=100)


def test_nothing_is_told_before_the_speech_begins() -> None:
    speech = SpeechDeltas(FormatFields("audio/pcm"), RateConverter)
    assert (speech.delta(SECOND), speech.told_ms, speech.last_delta()) == ("", 0, "")


@pytest.mark.parametrize(("again", "sizes"), [(True, [24_000, 48_000]), (False, [0, 48_000])])
def test_a_part_that_comes_again_is_told_again_only_if_that_is_needed(again: bool, sizes: list[int]) -> None:
    speech = deltas()
    speech.delta(SECOND)
    speech.resume(500, again=again)
    assert [len(base64.b64decode(speech.delta(part))) for part in (SECOND[:24_000], SECOND)] == sizes


def test_of_a_part_that_is_half_new_the_new_half_is_told() -> None:
    speech = deltas()
    speech.delta(SECOND)
    speech.resume(500, again=False)
    assert base64.b64decode(speech.delta(SECOND)) == SECOND[24_000:]
