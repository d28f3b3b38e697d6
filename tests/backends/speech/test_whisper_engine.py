from functools import partial
from typing import Any

import attrs
import ctranslate2
import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from backends.speech.whisper_engine import (
    Encoding,
    Precision,
    compute_type_for,
    fit_phrases,
    level_dbfs,
    load_on_gpu,
    max_length_for,
    silence_padded,
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


@attrs.define
class FakeModel:
    """CTranslate2's Whisper on a GPU; says what is missing when it decodes, as the real one does."""

    flash_attention: bool = False
    trouble: str = ""
    n_mels: int = 2
    decoded: int = 0

    def encode(self, features: Any, *, to_cpu: bool) -> Any:
        assert features.shape == [1, 2, 100]
        return features

    def generate(self, encoding: Any, prompts: list[list[str]], **options: Any) -> None:
        if self.trouble:
            raise RuntimeError(self.trouble)
        if self.flash_attention:
            raise RuntimeError("Flash attention 2 is not supported")
        self.decoded += 1


def test_without_flash_attention_in_the_build_the_model_is_loaded_without() -> None:
    model = load_on_gpu(FakeModel, flash_attention=True)

    assert (model.flash_attention, model.decoded) == (False, 1)


@pytest.mark.parametrize("flash_attention", [True, False])
def test_a_gpu_without_its_libraries_is_found_out_when_the_model_is_loaded(flash_attention: bool) -> None:
    load = partial(FakeModel, trouble="Library libcublas.so.12 is not found or cannot be loaded")

    with pytest.raises(RuntimeError, match=r"libcublas\.so\.12"):
        load_on_gpu(load, flash_attention=flash_attention)


@pytest.mark.parametrize("duration_s", [0.0, 0.7, 2.0, 9.97, 10.0, 12.0])
def test_features_of_silence_behind_the_speech_are_those_of_the_padded_samples(duration_s: float) -> None:
    extract = FeatureExtractor(feature_size=80)
    samples = 0.1 * np.random.default_rng(1).standard_normal(int(duration_s * 16_000)).astype(np.float32)
    padded = np.zeros(160_000, np.float32)
    padded[: len(samples)] = samples[:160_000]

    found = silence_padded(extract, samples, 1_000)

    assert found.shape == (80, 1_000)
    np.testing.assert_allclose(found, extract(padded, padding=0)[:, :1_000], atol=1e-5)


def test_encodings_are_stacked_in_their_order() -> None:
    batch = ctranslate2.StorageView.from_array(np.arange(3, dtype=np.float32).reshape(3, 1, 1))
    other = ctranslate2.StorageView.from_array(np.full((1, 1, 1), 7, np.float32))

    def stacked(*encodings: Encoding) -> list[float]:
        return np.array(stack(encodings)).ravel().tolist()

    assert stacked(Encoding(batch, 2), Encoding(other), Encoding(batch, 0)) == [2.0, 7.0, 0.0]
    assert stacked(Encoding(batch, 1)) == [1.0]


def test_what_was_encoded_together_is_decoded_where_it_is() -> None:
    batch = ctranslate2.StorageView.from_array(np.zeros((2, 5, 4), np.float32))

    assert stack([Encoding(batch, 0), Encoding(batch, 1)]) is batch
    assert stack([Encoding(batch, 1), Encoding(batch, 0)]) is not batch
    assert Encoding(batch).frames == 5


def test_levels_are_below_full_scale_and_silence_has_a_floor() -> None:
    assert level_dbfs(np.full(16_000, 0.1, np.float32)) == pytest.approx(-20.0)
    assert level_dbfs(np.zeros(16_000, np.float32)) == -120.0
    assert level_dbfs(np.zeros(0, np.float32)) == -120.0
