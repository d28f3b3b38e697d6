import pytest

from backends.ingress.audio_names import VoiceObject, language_of_voice, model_of, voice_of


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "whisper-1",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15",
        "gpt-4o-transcribe-latest",
        "tts-1",
    ],
)
def test_openais_own_models_are_the_usual_one(name):
    assert model_of(name) is None


@pytest.mark.parametrize("name", ["base", "gpt-4o-transcribe-diarize", "gpt-4o", "whisper-1-2025"])
def test_any_other_name_is_a_model_of_that_name(name):
    assert model_of(name) == name


@pytest.mark.parametrize(
    ("voice", "meant"),
    [
        (None, None),
        ("", None),
        ("alloy", None),
        (VoiceObject("marin"), None),
        ("joe", "joe"),
        (VoiceObject("joe"), "joe"),
    ],
)
def test_openais_own_voices_are_the_usual_one(voice, meant):
    assert voice_of(voice) == meant


def test_a_voice_may_tell_its_language():
    assert [language_of_voice(name) for name in ("de_DE-thorsten-medium", "joe")] == ["de", "en"]
