import pytest

from protocol.language.speech_models import SpeechModels

MODELS = SpeechModels(("tiny.en", "base"), "en")


@pytest.mark.parametrize(
    ("language", "wanted", "model"),
    [(None, None, "tiny.en"), ("de", None, "base"), ("en", "base", "base"), ("en", "tiny.en", "tiny.en")],
)
def test_a_language_gets_a_model_that_hears_it(language: str | None, wanted: str | None, model: str) -> None:
    assert MODELS.hearing_problem(language, wanted) is None
    assert MODELS.model_for(language, wanted) == model


def test_a_model_that_does_not_hear_the_language_is_a_problem_in_words() -> None:
    problem = MODELS.hearing_problem("de", "tiny.en")
    assert problem is not None
    assert "base can hear it" in problem


def test_the_configured_language_counts_where_none_is_named() -> None:
    assert SpeechModels(("tiny.en", "base"), "de").model_for(None, None) == "base"
    assert SpeechModels(("tiny.en",), "de").hearing_problem(None, None) is not None


def test_a_server_elsewhere_hears_every_language_with_its_own_model() -> None:
    elsewhere = SpeechModels(("tiny.en",), "en", has_choice=False)
    assert elsewhere.hearing_problem("de", None) is None
    assert elsewhere.model_for("de", None) == "tiny.en"
    assert elsewhere.hearing_problem("de", "tiny.en") is not None, "a model that was named is one of ours"


def test_a_model_of_other_languages_than_english_translates() -> None:
    assert [MODELS.translator(wanted) for wanted in (None, "base", "tiny.en")] == ["base", "base", None]
    assert SpeechModels(("tiny.en",)).translator(None) is None
    assert SpeechModels(("tiny.en",), has_choice=False).translator(None) == "tiny.en"
