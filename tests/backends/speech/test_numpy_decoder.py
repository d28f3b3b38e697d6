from pathlib import Path

import numpy as np
import pytest

from backends.speech import numpy_decoder
from backends.speech.model_file import ModelFileError
from backends.speech.numpy_decoder import NumpyDecoder, TokenScorer
from tests.backends.speech.model_files import POSITIONS, VOCABULARY, WIDTH, decoder_arrays, write_model

PROMPT = (5, 6, 7)
END = 3
AUDIO = np.random.default_rng(2).standard_normal((10, WIDTH)).astype(np.float32)


@pytest.fixture
def decoder(tmp_path: Path) -> NumpyDecoder:
    return NumpyDecoder(write_model(tmp_path))


def test_the_probabilities_of_what_may_follow_add_up_to_one(decoder: NumpyDecoder) -> None:
    scorer = TokenScorer(decoder, AUDIO, PROMPT)
    assert scorer.first.shape == (VOCABULARY,) == (decoder.vocabulary,)
    assert np.exp(scorer.first).sum() == pytest.approx(1, abs=1e-4)
    assert decoder.max_tokens == POSITIONS


def test_a_text_scores_the_same_at_once_and_token_by_token(decoder: NumpyDecoder) -> None:
    tokens = [9, 10, 11, 12]
    stepwise = TokenScorer(decoder, AUDIO, PROMPT)
    total, following = 0.0, stepwise.first
    for token in tokens:
        total += float(following[token])
        [following] = stepwise.follow([0], [token])
    total += float(following[END])
    assert TokenScorer(decoder, AUDIO, PROMPT).score(tokens, END) == pytest.approx(total, abs=1e-3)


def test_a_text_without_tokens_scores_as_its_end(decoder: NumpyDecoder) -> None:
    scorer = TokenScorer(decoder, AUDIO, PROMPT)
    assert scorer.score([], END) == pytest.approx(float(scorer.first[END]))


def test_each_text_goes_on_with_its_own_beginning(decoder: NumpyDecoder) -> None:
    together = TokenScorer(decoder, AUDIO, PROMPT)
    together.follow([0, 0], [9, 10])
    found = together.follow([1, 0, 1], [11, 11, 12])
    for row, text in enumerate(((10, 11), (9, 11), (10, 12))):
        alone = TokenScorer(decoder, AUDIO, PROMPT)
        alone.follow([0], [text[0]])
        assert np.allclose(alone.follow([0], [text[1]])[0], found[row], atol=1e-3)


def test_what_is_suppressed_never_comes_and_what_is_so_at_first_comes_later(decoder: NumpyDecoder) -> None:
    scorer = TokenScorer(decoder, AUDIO, PROMPT, suppressed=(8,), suppressed_first=(9,))
    [following] = scorer.follow([0], [10])
    assert np.exp(scorer.first[[8, 9]]).sum() == 0
    assert np.exp(following[8]) == 0
    assert np.exp(following[9]) > 0
    assert np.exp(following).sum() == pytest.approx(1, abs=1e-4)


def test_the_audio_and_the_prompt_count(decoder: NumpyDecoder) -> None:
    usual = TokenScorer(decoder, AUDIO, PROMPT).first
    assert not np.allclose(usual, TokenScorer(decoder, -AUDIO, PROMPT).first)
    assert not np.allclose(usual, TokenScorer(decoder, AUDIO, (5, 6, 8)).first)


def test_a_decoder_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_decoder, "MAX_BYTES", 1_000)
    with pytest.raises(ModelFileError, match="in float32 at most"):
        NumpyDecoder(write_model(tmp_path))


@pytest.mark.parametrize(
    ("without", "problem"),
    [
        ("decoder/layer_0/ffn/linear_0/weight", "must have layers"),
        ("decoder/num_heads", "heads that divide its width 8, not 0"),
        ("decoder/embeddings/weight", "no embeddings/weight"),
        ("decoder/layer_1/attention/linear_2/bias", "no layer_1/attention/linear_2/bias"),
    ],
)
def test_a_decoder_that_lacks_something_is_refused(tmp_path: Path, without: str, problem: str) -> None:
    arrays = decoder_arrays()
    del arrays[without]
    with pytest.raises(ModelFileError, match=problem):
        NumpyDecoder(write_model(tmp_path, arrays))
