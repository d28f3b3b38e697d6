"""The events that a client may send."""

import json

import pytest

from protocol.dialects.realtime.client_events import MAX_FRAME_CHARS, AppendAudio, UpdateSession, parsed
from protocol.messages.errors import RemoteProtocolError


def problem(text: str) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        parsed(text)
    return caught.value


def test_audio_comes_as_bytes() -> None:
    assert parsed('{"type": "input_audio_buffer.append", "audio": "AAEC", "new": 1}') == AppendAudio(
        audio=b"\x00\x01\x02"
    )


def test_a_session_is_kept_as_it_came() -> None:
    text = '{"type": "session.update", "event_id": "e1", "session": {"tracing": {"a": [1.5, null]}}}'
    assert parsed(text) == UpdateSession(event_id="e1", session={"tracing": {"a": [1.5, None]}})


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "bad_json", "must be JSON"),
        ("[1]", "bad_json", "must be an object"),
        ("{}", "bad_json", "type"),
        ('{"type": 5}', "bad_json", "must be an object with a type"),
        ("[" * 100_000, "bad_json", "must be"),
        ('{"type": "input_audio_buffer.append", "audio": "A\\ud800"}', "bad_json", ""),
        ('{"type": "dance", "event_id": "e1"}', "unknown_type", "expected one of conversation.item"),
        ('{"type": "input_audio_buffer.append", "event_id": "e1"}', "bad_field", "audio"),
        (
            '{"type": "input_audio_buffer.append", "event_id": "e1", "audio": "A"}',
            "bad_field",
            "at audio: invalid base64",
        ),
        ('{"type": "session.update", "event_id": "e1", "session": 5}', "bad_field", "at session: expected `object`"),
    ],
)
def test_what_is_no_event_is_a_mistake_of_the_client(text: str, code: str, words: str) -> None:
    error = problem(text)
    assert (error.code, error.fatal) == (code, False)
    assert words in str(error)
    assert error.event_id == ("e1" if "e1" in text else None)


def test_an_event_id_has_a_limit() -> None:
    text = json.dumps({"type": "input_audio_buffer.clear", "event_id": "e" * 513})
    assert problem(text).event_id is None


def test_an_event_may_be_as_large_as_openai_says_and_no_larger() -> None:
    frame = '{"type": "input_audio_buffer.append", "audio": "%s"}'
    room = (MAX_FRAME_CHARS - len(frame)) // 4 * 4
    assert isinstance(parsed(frame % ("A" * room)), AppendAudio)
    assert problem(frame % ("A" * (room + 8))).code == "too_large"
