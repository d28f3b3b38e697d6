"""How Deepgram's messages are written."""

import json

import pytest

from protocol.dialects.deepgram.listen_frames import (
    HeardPiece,
    ListenFrames,
    error_body,
    iso_time,
    model_uuid,
    word_fields,
)
from protocol.messages.events import AudioSpan, Transcript, Word

FRAMES = ListenFrames("r1", "nova-3")


def test_a_transcript_is_a_result_with_times_in_seconds() -> None:
    words = (Word("Hello,", 1_000, 1_250, 0.91234), Word("Zoe.", 1_300, 1_700, 0.8))
    heard = HeardPiece.of(Transcript("t1", "Hello, Zoe.", "en", 0.87654, AudioSpan(900, 1_800), words))
    told = json.loads(FRAMES.results(heard, is_final=True, speech_final=True))
    assert told == {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": 0.9,
        "start": 0.9,
        "is_final": True,
        "speech_final": True,
        "from_finalize": False,
        "channel": {
            "alternatives": [
                {
                    "transcript": "Hello, Zoe.",
                    "confidence": 0.877,
                    "words": [
                        {"word": "hello", "start": 1.0, "end": 1.25, "confidence": 0.912, "punctuated_word": "Hello,"},
                        {"word": "zoe", "start": 1.3, "end": 1.7, "confidence": 0.8, "punctuated_word": "Zoe."},
                    ],
                }
            ]
        },
        "metadata": {
            "request_id": "r1",
            "model_info": {"name": "nova-3", "version": "1", "arch": "whisper"},
            "model_uuid": model_uuid("nova-3"),
        },
    }
    assert heard.last_word_end_s == 1.7


def test_without_words_the_last_one_ends_with_the_piece() -> None:
    assert HeardPiece("Hello", 1.0, 2.0).last_word_end_s == 2.0


def test_a_word_that_is_only_punctuation_stays() -> None:
    assert word_fields("...", 0, 0, 1)["word"] == "..."


def test_half_a_character_of_a_client_is_no_failure() -> None:
    assert json.loads(FRAMES.error("bad_json", "no", "\ud83d")) == {
        "type": "Error",
        "variant": "SchemaError",
        "description": "no",
        "message": "?",
    }


@pytest.mark.parametrize(
    ("status", "code"), [(401, "INVALID_AUTH"), (503, "SERVICE_UNAVAILABLE"), (418, "INTERNAL_SERVER_ERROR")]
)
def test_an_http_error_has_a_code(status: int, code: str) -> None:
    assert error_body(status, "no", "r1") == {"err_code": code, "err_msg": "no", "request_id": "r1"}


def test_a_time_has_milliseconds() -> None:
    assert iso_time(1_800_000_000.0625) == "2027-01-15T08:00:00.062Z"
