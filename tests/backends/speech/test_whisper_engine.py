import ctranslate2
import numpy as np
import pytest

from backends.speech.whisper_engine import (
    Precision,
    compute_type_for,
    fit_phrases,
    level_dbfs,
    load_whisper,
    max_length_for,
    stack,
)


def encode_words(text: str) -> list[int]:
    return [len(word) for word in text.replace(",", " ,").replace(".", " .").split()]


def test_the_prompt_is_a_sentence_of_as_many_phrases_as_fit() -> None:
    tokens = fit_phrases(["kitchen light", "  bedroom "], "Glossary:", encode_words)
    assert tokens == tuple(encode_words("Glossary: kitchen light, bedroom."))

    assert fit_phrases(["kitchen light", "bedroom"], "Glossary:", encode_words, limit=5) == (9, 7, 5, 1)


def test_a_phrase_that_is_too_long_leaves_no_prompt() -> None:
    assert fit_phrases(["a b c d e f"], "Glossary:", encode_words, limit=5) == ()
    assert fit_phrases([], "Glossary:", encode_words) == ()


@pytest.mark.parametrize(("budget", "prompt"), [(10, 2), (10, 10), (10, 200), (224, 2)])
def test_the_decoder_may_make_exactly_the_budget(budget: int, prompt: int) -> None:
    max_length = max_length_for(budget, prompt)

    assert min(max_length // 2, max_length - prompt) == budget


@pytest.mark.parametrize(
    ("wanted", "supported", "expected"),
    [
        ("auto", {"int8", "float32", "int8_float32"}, "int8"),
        ("auto", {"float16", "int8_float16", "int8"}, "float16"),
        ("float16", {"int8", "float32"}, "int8"),
        ("int8_float16", {"float16", "int8_float16"}, "int8_float16"),
        ("default", {"float32"}, "default"),
        ("float32", {"int8", "float32"}, "float32"),
    ],
)
def test_a_type_is_taken_if_the_device_has_it(wanted: str, supported: set[str], expected: str) -> None:
    assert compute_type_for(Precision(wanted), supported) == expected


def test_video_memory_is_spared_where_that_is_wanted() -> None:
    assert compute_type_for(Precision("auto", spare_vram=True), {"float16", "int8_float16"}) == "int8_float16"


def test_without_flash_attention_in_the_build_the_model_is_loaded_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(folder: str, *, flash_attention: bool = False) -> str:
        if flash_attention:
            raise RuntimeError("FlashAttention is not supported in this build")
        return folder

    monkeypatch.setattr(ctranslate2.models, "Whisper", load)

    assert load_whisper("folder", flash_attention=True) == "folder"


def test_encodings_are_stacked_in_their_order() -> None:
    views = [ctranslate2.StorageView.from_array(np.full((1, 2, 3), i, np.float32)) for i in (1, 2)]

    assert np.array(stack(views))[:, 0, 0].tolist() == [1.0, 2.0]


def test_levels_are_below_full_scale_and_silence_has_a_floor() -> None:
    assert level_dbfs(np.full(16_000, 0.1, np.float32)) == pytest.approx(-20.0)
    assert level_dbfs(np.zeros(16_000, np.float32)) == -120.0
    assert level_dbfs(np.zeros(0, np.float32)) == -120.0
