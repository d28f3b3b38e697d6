import json

import pytest

from sayso_client import BadFrame, ConnectionAccepted, GoingAway, SpeechAudio
from sayso_client.event_stream import EventStream
from tests.sayso_client.memory_server import ACCEPTED


def frame(name: str, seq: int, **data: object) -> str:
    return json.dumps({"type": name, "data": data, "seq": seq})


def test_a_session_is_resumed_with_its_last_token_and_the_last_event_seen() -> None:
    stream = EventStream()
    assert stream.resume is None
    assert isinstance(stream.take(frame("connection_accepted", 1, **ACCEPTED)), ConnectionAccepted)
    stream.take(frame("pong", 2))
    assert stream.resume == ("t1", 2)
    stream.take(frame("connection_accepted", 5, **ACCEPTED, resumed=True).replace('"t1"', '"t2"'))
    assert stream.resume == ("t2", 5)


def test_a_new_session_counts_its_events_anew() -> None:
    stream = EventStream()
    stream.take(frame("connection_accepted", 1, **ACCEPTED))
    stream.take(frame("pong", 9))
    stream.take(frame("connection_accepted", 1, **ACCEPTED))
    assert stream.resume == ("t1", 1)


def test_a_server_that_goes_away_gives_another_token() -> None:
    stream = EventStream()
    stream.take(frame("connection_accepted", 1, **ACCEPTED))
    told = stream.take(frame("going_away", 2, reason="update", deadline_ms=1, resume_token="t9", retry_after_ms=1_500))
    assert isinstance(told, GoingAway)
    assert stream.resume == ("t9", 2)


def test_speech_belongs_to_the_answer_that_was_announced() -> None:
    stream = EventStream()
    with pytest.raises(BadFrame, match="before speech_audio_start"):
        stream.take(b"\1\2")
    stream.take(frame("speech_audio_start", 1, turn_id="a", format="opus", sample_rate=48_000))
    assert stream.take(b"\1\2") == SpeechAudio("a", "opus", 48_000, b"\1\2")
