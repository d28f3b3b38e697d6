"""What is said about this server is what the official package reads."""

from wyoming.event import Event
from wyoming.info import Info

from protocol.dialects.wyoming_info import WyomingOffer, info_event, languages_of_voice

OFFER = WyomingOffer(
    version="1.2",
    models={"tiny.en": ["en"], "base": ["de", "en"]},
    voices={"en_US-joe-medium": ["en_US", "en"]},
    languages=["de", "en"],
    wake_words=["okay nabu"],
)


def read(offer: WyomingOffer) -> Info:
    """Return the info as the package reads it."""
    event = info_event(offer)
    return Info.from_event(Event(event.type, dict(event.data)))


def test_every_program_is_read_with_its_models_and_languages() -> None:
    info = read(OFFER)
    [asr], [tts], [handle], [intent], [wake] = info.asr, info.tts, info.handle, info.intent, info.wake
    assert [(model.name, model.languages) for model in asr.models] == [("tiny.en", ["en"]), ("base", ["de", "en"])]
    assert (asr.supports_transcript_streaming, asr.requires_external_vad) == (True, False)
    assert [(voice.name, voice.languages) for voice in tts.voices] == [("en_US-joe-medium", ["en_US", "en"])]
    assert tts.supports_synthesize_streaming
    assert (handle.models[0].languages, handle.supports_home_control) == (["de", "en"], True)
    assert intent.models[0].languages == ["de", "en"]
    assert [(model.name, model.phrase) for model in wake.models] == [("okay nabu", "okay nabu")]
    for artifact in (asr, tts, handle, intent, wake, asr.models[0], tts.voices[0]):
        assert artifact.installed
        assert artifact.version == "1.2"
        assert artifact.description
        assert artifact.attribution.url


def test_what_the_server_cannot_do_is_not_offered() -> None:
    info = read(WyomingOffer(version="1"))
    assert (info.asr, info.tts, info.handle, info.intent, info.wake, info.satellite) == ([], [], [], [], [], None)


def test_a_voice_tells_its_languages_by_its_name() -> None:
    assert languages_of_voice("pt_BR-faber-medium") == ["pt_BR", "pt"]
    assert languages_of_voice("nova") == languages_of_voice("de-voice") == languages_of_voice("") == ["en"]
