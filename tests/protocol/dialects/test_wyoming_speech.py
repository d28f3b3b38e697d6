import pytest

from protocol.dialects.wyoming_frames import WyomingEvent
from protocol.dialects.wyoming_speech import CHUNK_BYTES, MAX_TEXT_CHARS, request_of, voice_of
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.speaking import SpokenAudio

VOICES = {"en_US-joe-medium": ["en_US", "en"], "de_DE-thorsten-medium": ["de_DE", "de"], "default": ["en"]}


@pytest.mark.parametrize(
    ("wanted", "voice"),
    [
        ({}, None),
        ({"name": "de_DE-thorsten-medium", "speaker": "x"}, "de_DE-thorsten-medium"),
        ({"language": "de"}, "de_DE-thorsten-medium"),
        ({"language": "de-DE"}, "de_DE-thorsten-medium"),
        ({"language": "de_AT"}, "de_DE-thorsten-medium"),
        ({"language": "fr"}, None),
        ({"name": None, "language": None}, None),
    ],
)
def test_a_voice_is_chosen_by_name_or_language(wanted: dict[str, object], voice: str | None) -> None:
    assert voice_of(wanted, VOICES) == voice


@pytest.mark.parametrize("name", ["nobody", 7, ["a"]])
def test_an_unknown_voice_is_refused_with_those_that_there_are(name: object) -> None:
    with pytest.raises(RemoteProtocolError, match="voice must be one of en_US-joe-medium, "):
        voice_of({"name": name}, VOICES)


def test_a_voice_that_is_no_object_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=r"synthesize\.voice must be an object"):
        request_of(WyomingEvent("synthesize", {"voice": "joe"}), VOICES)


def test_text_that_comes_in_chunks_is_spoken_sentence_by_sentence() -> None:
    speech = request_of(WyomingEvent("synthesize-start"), VOICES)
    assert list(speech.add("The light is on. And the ")) == ["The light is on."]
    assert list(speech.add("door is open")) == []
    assert list(speech.finish()) == ["And the door is open"]
    assert [event.type for event in speech.end()] == ["audio-start", "audio-stop", "synthesize-stopped"]


def test_one_start_and_one_stop_stand_around_all_audio() -> None:
    speech = request_of(WyomingEvent("synthesize"), VOICES)
    spoken = SpokenAudio(bytes(CHUNK_BYTES + 2), 16_000)
    told = [*speech.audio(spoken), *speech.audio(spoken), *speech.end()]
    assert [event.type for event in told] == ["audio-start", *["audio-chunk"] * 4, "audio-stop"]
    assert told[1].data == {"rate": 16_000, "width": 2, "channels": 1}
    assert [len(event.payload) for event in told[1:3]] == [CHUNK_BYTES, 2]


def test_audio_of_another_rate_begins_anew() -> None:
    speech = request_of(WyomingEvent("synthesize"), VOICES)
    told = [*speech.audio(SpokenAudio(b"\0\0", 16_000)), *speech.audio(SpokenAudio(b"\0\0", 22_050))]
    assert [event.type for event in told] == ["audio-start", "audio-chunk", "audio-stop", "audio-start", "audio-chunk"]


def test_the_voice_of_the_settings_has_no_name() -> None:
    assert request_of(WyomingEvent("synthesize", {"voice": {"name": "default"}}), VOICES).voice is None


def test_more_text_than_is_spoken_is_refused() -> None:
    speech = request_of(WyomingEvent("synthesize-start"), VOICES)
    speech.add("a" * MAX_TEXT_CHARS)
    with pytest.raises(RemoteProtocolError, match=f"at most {MAX_TEXT_CHARS} characters"):
        speech.add("a")
