"""Tags of languages, and the models that hear them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.language.languages import hearing_problem, is_english_only, model_for, normalised, primary


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("en_US", "en-US"),
        ("en-us", "en-US"),
        ("EN_gb", "en-GB"),
        ("de_DE.UTF-8", "de-DE"),
        ("zh-Hans-CN", "zh-Hans-CN"),
        ("ZH_HANS", "zh-Hans"),
        ("cmn-Hant-TW", "zh-Hant-TW"),
        ("nb-NO", "no-NO"),
        ("en-US-u-hc-h12", "en-US-u-hc-h12"),
        ("de_DE@euro", "de-DE"),
        ("en_US.ISO-8859-1", "en-US"),
        ("es-419", "es-419"),
        ("Español", "es"),
        ("Norwegian", "no"),
        ("Haitian Creole", "ht"),
        ("fil", "tl"),
        ("iw", "he"),
        ("日本語", "ja"),
        ("Greek", "el"),
        ("und", None),
        (" de ", "de"),
        ("english", "en"),
        ("German", "de"),
        ("eng", "en"),
        ("yue", "yue"),
        ("auto", None),
        ("", None),
    ],
)
def test_a_tag_is_written_one_way(written: str, plain: str | None) -> None:
    assert normalised(written) == plain


@pytest.mark.parametrize("tag", ["xx", "klingon", "e", "12", "en us", "en-", "-en", "<|en|>", "nospeech", "en;de"])
def test_what_is_no_language_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="language must be a code such as en, de or en-US, not "):
        normalised(tag)


@given(st.text(max_size=30))
def test_any_tag_is_written_one_way_or_refused(tag: str) -> None:
    try:
        plain = normalised(tag)
    except ValueError:
        return
    assert plain is None or normalised(plain) == plain


def test_the_primary_code_is_told() -> None:
    assert [primary(tag) for tag in ("en-US", "de_AT", "EN", None)] == ["en", "de", "en", None]


@pytest.mark.parametrize(
    ("name", "is_only"),
    [("tiny.en", True), ("distil-small.en", True), ("/models/faster-whisper-base.en/", True), ("base", False)],
)
def test_models_for_english_have_it_in_their_name(name: str, is_only: bool) -> None:
    assert is_english_only(name) is is_only


@pytest.mark.parametrize(
    ("language", "wanted", "offered", "model"),
    [
        ("en-US", None, ("tiny.en", "base"), "tiny.en"),
        (None, None, ("tiny.en", "base"), "tiny.en"),
        ("de", None, ("tiny.en", "base"), "base"),
        ("de", None, ("small", "base"), "small"),
        ("de", "base", ("tiny.en", "base"), "base"),
        ("de", "tiny.en", ("tiny.en", "base"), None),
        ("de", None, ("tiny.en", "base.en"), None),
    ],
)
def test_a_model_that_knows_the_language_is_chosen(
    language: str | None, wanted: str | None, offered: tuple[str, ...], model: str | None
) -> None:
    assert model_for(language, wanted, offered) == model
    assert (hearing_problem(language, wanted, offered) is None) is (model is not None)


def test_a_problem_says_what_to_do() -> None:
    assert hearing_problem("de", None, ("tiny.en",)) == (
        'this server\'s speech model tiny.en hears English only, not de; set transcription.model = "base"'
    )
    assert hearing_problem("de", "tiny.en", ("tiny.en", "base")) == (
        "model tiny.en hears English only, not de; base can hear it"
    )
