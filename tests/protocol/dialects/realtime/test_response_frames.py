"""One answer, and how it is told."""

import itertools
import json
from typing import Any

import pytest

from backends.speech.resampling import RateConverter
from protocol.dialects.realtime.items import ConversationItems
from protocol.dialects.realtime.response_frames import RealtimeResponse, ResponseFrames
from protocol.dialects.realtime.session_document import FormatFields
from protocol.dialects.realtime.speech_deltas import SpeechDeltas
from protocol.dialects.realtime.wire import ApiProblem, ServerFrames


@pytest.fixture
def frames() -> ResponseFrames:
    numbers = itertools.count(1)
    return ResponseFrames(ServerFrames(lambda: str(next(numbers))), ConversationItems())


def response(*, speaks: bool = True) -> RealtimeResponse:
    speech = SpeechDeltas(FormatFields("audio/pcm"), RateConverter) if speaks else None
    return RealtimeResponse("resp_1", "item_1", speech)


def parsed(told: list[str]) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in told]


def test_an_item_is_told_once(frames: ResponseFrames) -> None:
    one = response()
    assert len(frames.begin(one)) == 3
    assert frames.begin(one) == []
    assert frames.items.get("item_1") is not None


def test_a_new_sentence_is_set_apart_from_the_question_before_it(frames: ResponseFrames) -> None:
    one = response(speaks=False)
    frames.text(one, "Lock it?")
    frames.text(one, "It is")
    frames.text(one, " locked.", is_joined=True)
    frames.text(one, "")
    assert one.text == "Lock it? It is locked."
    assert one.item("completed")["content"] == [{"type": "output_text", "text": "Lock it? It is locked."}]


def test_the_end_of_the_audio_is_told_once(frames: ResponseFrames) -> None:
    one = response()
    assert [event["type"] for event in parsed(frames.end_speech(one))] == ["response.output_audio.done"]
    assert frames.end_speech(one) == []


def test_an_answer_that_has_not_begun_has_no_output(frames: ResponseFrames) -> None:
    one = response()
    one.problem = ApiProblem("model_unavailable", "no model", "server_error")
    (done,) = parsed(frames.end(one, "failed"))
    assert done["response"]["output"] == []
    assert done["response"]["status_details"]["error"] == {"type": "server_error", "code": "model_unavailable"}
    assert done["response"]["usage"] == {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0}


def test_the_kept_item_is_what_was_told_last(frames: ResponseFrames) -> None:
    one = response()
    frames.text(one, "It is four.")
    one.text, one.cut = "It is", "turn_detected"
    frames.end(one, "cancelled")
    kept = frames.items.get("item_1")
    assert kept is not None
    assert (kept["status"], kept["content"][0]["transcript"]) == ("incomplete", "It is")
