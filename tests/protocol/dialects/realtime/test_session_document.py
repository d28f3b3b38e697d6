"""The session's document: what a change does to it, and what it asks of the session."""

from typing import Any

import pytest

from protocol.dialects.realtime.session_document import MAX_DOCUMENT_BYTES, SessionDocument, update_between
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import AudioFormat, ConnectionRequest, SessionUpdate

NEW = SessionDocument()


def heard(**fields: Any) -> dict[str, Any]:
    return {"audio": {"input": fields}}


def test_a_new_session_transcribes_what_a_microphone_hears() -> None:
    assert NEW.wanted() == ConnectionRequest(
        "realtime", ("stt",), AudioFormat("pcm_s16le", 24_000, 1), None, "hands_free", interim=True, wake=""
    )


def test_a_change_leaves_what_it_does_not_name() -> None:
    document = NEW.changed(heard(turn_detection={"threshold": 0.7})).changed({"tracing": "auto"})
    detection = document.content["audio"]["input"]["turn_detection"]
    assert (detection["type"], detection["threshold"]) == ("server_vad", 0.7)
    assert document.content["tracing"] == "auto"
    assert document.wanted() == NEW.wanted()


def test_null_is_a_value_and_what_comes_after_it_is_complete() -> None:
    without = NEW.changed(heard(turn_detection=None))
    assert without.wanted().mode == "push_to_talk"
    again = without.changed(heard(turn_detection={"type": "semantic_vad", "eagerness": "high"}))
    assert again.wanted().mode == "hands_free"
    assert again.content["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "high",
        "create_response": True,
        "interrupt_response": True,
    }


def test_a_list_is_taken_whole() -> None:
    assert NEW.changed({"include": ["a", "b"]}).changed({"include": ["c"]}).content["include"] == ["c"]


@pytest.mark.parametrize(
    ("named", "rate_hz"),
    [
        ({"type": "audio/pcm"}, 24_000),
        ({"type": "audio/pcm", "rate": 16_000}, 16_000),
        ({"type": "audio/pcmu"}, 8_000),
        ({"type": "audio/pcma", "rate": 24_000}, 8_000),
    ],
)
def test_a_format_has_its_rate(named: dict[str, Any], rate_hz: int) -> None:
    document = NEW.changed(heard(format=named))
    assert document.wanted().audio == AudioFormat("pcm_s16le", rate_hz, 1)
    back = document.changed(heard(format={"type": "audio/pcm"}))
    assert back.content["audio"]["input"]["format"]["rate"] >= 8_000


def test_openais_models_are_the_usual_one_and_others_are_named() -> None:
    models = [
        NEW.changed(heard(transcription={"model": name})).wanted().stt_model
        for name in ("whisper-1", "gpt-4o-mini-transcribe-2025-12-15", "gpt-realtime-whisper", "sayso", "base", None)
    ]
    assert models == [None, None, None, None, "base", None]


def test_a_language_is_written_as_the_session_writes_it() -> None:
    assert NEW.changed(heard(transcription={"language": "de_at"})).wanted().language == "de-AT"
    with pytest.raises(RemoteProtocolError, match=r"session\.audio\.input\.transcription\.language"):
        NEW.changed(heard(transcription={"language": "no language at all"})).wanted()


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"type": "realtime"}, "session.type"),
        ({"audio": 5}, "session.audio: expected `object`"),
        (heard(format={"type": "audio/mp3"}), "session.audio.input.format.type: invalid enum value 'audio/mp3'"),
        (heard(format={"rate": 96_000}), "session.audio.input.format.rate: expected `int` <= 48000"),
        (heard(turn_detection={"type": "guess"}), "session.audio.input.turn_detection"),
        ({"deep": __import__("functools").reduce(lambda inner, _: {"a": inner}, range(5_000), {})}, "session"),
    ],
)
def test_what_cannot_be_is_said_with_its_place(update: dict[str, Any], words: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        NEW.changed(update)
    assert caught.value.code == "bad_field"
    assert words in str(caught.value)


def test_a_document_does_not_grow_for_ever() -> None:
    document = NEW.changed({"a": "x" * (MAX_DOCUMENT_BYTES // 2)})
    with pytest.raises(RemoteProtocolError, match="session must have at most"):
        document.changed({"b": "x" * (MAX_DOCUMENT_BYTES // 2)})


def test_a_session_keeps_its_id() -> None:
    document = NEW.named("sess_1").changed({"id": "another", "object": "another"})
    assert (document.content["id"], document.content["object"]) == ("sess_1", "realtime.transcription_session")


def test_the_session_is_asked_only_for_what_changes() -> None:
    spoken = NEW.changed(heard(format={"type": "audio/pcmu"}, transcription={"language": "de"}))
    update = update_between(NEW.wanted(), spoken.wanted())
    assert update == SessionUpdate(audio=AudioFormat("pcm_s16le", 8_000, 1), language="de")
    assert update_between(spoken.wanted(), spoken.wanted()) is None
    back = spoken.changed(heard(transcription={"language": None}))
    assert update_between(spoken.wanted(), back.wanted()) is None
