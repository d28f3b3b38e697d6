"""Whisper's decoder in numpy, on the weights of CTranslate2's file: the probability of every next token.

CTranslate2's own decoder chooses tokens itself and cannot be held to a grammar. This one is asked for one step at a
time, of several beginnings of a text at once, and keeps their keys and values. It computes in float32; the difference
to CTranslate2's scores in int8 is below 0.03 a token (``tests/system/test_sentence_search.py``).

Architecture: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"; layers as in Vaswani et
al. 2017 with the normalisation first.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from backends.speech.model_file import Array, ModelFileError, floats, read_model

Floats = npt.NDArray[np.float32]
MAX_BYTES: Final = 256 << 20
"""Of a decoder's weights in float32: tiny has 118 MB and base 208. Larger ones take seconds for one utterance."""
NEVER: Final = np.float32(-1e9)
EPSILON: Final = np.float32(1e-5)  # of the normalisation, as Whisper was trained


class KeysValues(NamedTuple):
    """What one layer remembers: of the tokens ``(texts, heads, tokens, width)``, or of the audio."""

    keys: Floats
    values: Floats


@attrs.frozen(eq=False)
class DecoderLinear:
    """A linear layer: weights ``(inputs, outputs)``, twice as fast as the file's order, and bias ``(outputs,)``."""

    weight: Floats
    bias: Floats

    def __call__(self, inputs: Floats) -> Floats:
        """Return the outputs, ``(..., outputs)``."""
        outputs: Floats = inputs @ self.weight + self.bias
        return outputs


@attrs.frozen(eq=False)
class DecoderNorm:
    """A layer's normalisation, each ``(width,)``."""

    gamma: Floats
    beta: Floats

    def __call__(self, inputs: Floats) -> Floats:
        """Return the inputs with mean 0 and variance 1, scaled and shifted."""
        centred = inputs - inputs.mean(-1, keepdims=True)
        deviation = np.sqrt(np.square(centred).mean(-1, keepdims=True) + EPSILON)
        outputs: Floats = centred / deviation * self.gamma + self.beta
        return outputs


@attrs.frozen(eq=False)
class DecoderLayer:
    """One layer's weights."""

    own_norm: DecoderNorm
    own_input: DecoderLinear
    """To queries, keys and values."""
    own_output: DecoderLinear
    audio_norm: DecoderNorm
    audio_query: DecoderLinear
    audio_input: DecoderLinear
    """To the keys and values of the audio."""
    audio_output: DecoderLinear
    last_norm: DecoderNorm
    wide: DecoderLinear
    narrow: DecoderLinear


class NumpyDecoder:
    """The decoder of one model."""

    def __init__(self, folder: Path) -> None:
        """Read the weights of ``model.bin`` in ``folder``; raises ``ModelFileError`` and ``OSError``."""
        arrays = read_model(folder / "model.bin", "decoder/")
        stored = {id(array): array.size for array in arrays.values()}  # the projection is the embedding again
        size_bytes = 4 * sum(stored.values())
        if size_bytes > MAX_BYTES:
            raise ModelFileError(f"a decoder must have {MAX_BYTES >> 20} MB in float32 at most, not {size_bytes >> 20}")
        self._embedding = _transposed(arrays, "embeddings/weight")
        is_tied = arrays.get("projection/weight", arrays["embeddings/weight"]) is arrays["embeddings/weight"]
        self._projection = self._embedding if is_tied else _transposed(arrays, "projection/weight")
        self._positions = floats(arrays, "position_encodings/encodings")
        self._norm = _norm(arrays, "")
        self._layers = tuple(_layers(arrays))
        self._heads = _heads(arrays, self._layers)

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return len(self._projection.T)

    @property
    def max_tokens(self) -> int:
        """How many tokens a text may have, its prompt included."""
        return len(self._positions)

    def audio(self, encoding: Floats) -> tuple[KeysValues, ...]:
        """Return what each layer remembers of an encoding, float32 ``(frames, width)``."""
        remembered = []
        for layer in self._layers:
            keys, values = np.split(layer.audio_input(encoding), 2, axis=-1)
            remembered.append(
                KeysValues(
                    np.ascontiguousarray(self._parted(keys).transpose(1, 2, 0)),
                    np.ascontiguousarray(self._parted(values).transpose(1, 0, 2)),
                )
            )
        return tuple(remembered)

    def forward(
        self, audio: Sequence[KeysValues], tokens: npt.NDArray[np.int64], past: Sequence[KeysValues]
    ) -> tuple[Floats, tuple[KeysValues, ...]]:
        """Return the hidden states behind ``tokens``, ``(texts, tokens, width)``, and what the layers remember then.

        ``past`` is empty before the first token; it has as many texts as ``tokens``.
        """
        texts, count = tokens.shape
        before = past[0].keys.shape[2] if past else 0
        hidden = self._embedding.T[tokens] + self._positions[before : before + count]
        mask = np.triu(np.full((count, before + count), NEVER), before + 1) if count > 1 else np.float32(0)
        remembered = []
        for number, layer in enumerate(self._layers):
            inputs = layer.own_input(layer.own_norm(hidden))
            queries, keys, values = (self._parted(part).transpose(0, 2, 1, 3) for part in np.split(inputs, 3, axis=-1))
            if past:
                keys = np.concatenate((past[number].keys, keys), 2)
                values = np.concatenate((past[number].values, values), 2)
            remembered.append(KeysValues(keys, values))
            seen = _softmax(queries * self._scale @ keys.transpose(0, 1, 3, 2) + mask) @ values
            hidden = hidden + layer.own_output(seen.transpose(0, 2, 1, 3).reshape(texts, count, -1))
            asked = layer.audio_query(layer.audio_norm(hidden)).reshape(texts * count, -1)
            queries = self._parted(asked).transpose(1, 0, 2) * self._scale
            heard = _softmax(queries @ audio[number].keys) @ audio[number].values
            hidden = hidden + layer.audio_output(heard.transpose(1, 0, 2).reshape(texts, count, -1))
            hidden = hidden + layer.narrow(_gelu(layer.wide(layer.last_norm(hidden))))
        return self._norm(hidden), tuple(remembered)

    def logprobs(self, hidden: Floats, suppressed: Sequence[int]) -> Floats:
        """Return the logarithms of the probabilities of all tokens behind hidden states, ``(..., vocabulary)``."""
        scores: Floats = hidden @ self._projection
        scores[..., list(suppressed)] = NEVER
        scores -= scores.max(-1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(-1, keepdims=True))
        return scores

    @property
    def _scale(self) -> np.float32:
        return np.float32((len(self._embedding) // self._heads) ** -0.5)

    def _parted(self, inputs: Floats) -> Floats:
        """Return the parts of each head, ``(..., heads, width of a head)``."""
        return inputs.reshape(*inputs.shape[:-1], self._heads, -1)


class TokenScorer:
    """Scores the continuations of one prompt, for one utterance."""

    def __init__(
        self,
        decoder: NumpyDecoder,
        encoding: Floats,
        prompt: Sequence[int],
        *,
        suppressed: Sequence[int] = (),
        suppressed_first: Sequence[int] = (),
    ) -> None:
        """Take an encoding, float32 ``(frames, width)``, and tokens that never come, or never come first."""
        self._decoder = decoder
        self._suppressed = tuple(suppressed)
        self._audio = decoder.audio(encoding)
        hidden, self._begun = decoder.forward(self._audio, np.array([prompt]), ())
        self._past = self._begun
        self.first = decoder.logprobs(hidden[0, -1], (*suppressed, *suppressed_first))
        """Of the tokens behind the prompt, ``(vocabulary,)``."""

    def score(self, tokens: Sequence[int], end: int) -> float:
        """Return the logarithm of the probability of one text and the token ``end`` behind it."""
        followed = np.array([*tokens, end])
        total = float(self.first[followed[0]])
        if len(tokens):
            hidden, _ = self._decoder.forward(self._audio, np.array([tokens]), self._begun)
            found = self._decoder.logprobs(hidden[0], self._suppressed)
            total += float(found[np.arange(len(tokens)), followed[1:]].sum())
        return total

    def follow(self, parents: Sequence[int], tokens: Sequence[int]) -> Floats:
        """Return what may come behind each token, ``(texts, vocabulary)``.

        ``parents`` says which text of the call before each token goes on with; before the first call there is one.
        """
        chosen = np.array(parents)
        past = tuple(KeysValues(layer.keys[chosen], layer.values[chosen]) for layer in self._past)
        hidden, self._past = self._decoder.forward(self._audio, np.array(tokens)[:, None], past)
        return self._decoder.logprobs(hidden[:, 0], self._suppressed)


def _layers(arrays: Mapping[str, Array]) -> list[DecoderLayer]:
    found: list[DecoderLayer] = []
    while f"layer_{len(found)}/ffn/linear_0/weight" in arrays:
        at = f"layer_{len(found)}"
        found.append(
            DecoderLayer(
                own_norm=_norm(arrays, f"{at}/self_attention/"),
                own_input=_linear(arrays, f"{at}/self_attention/linear_0"),
                own_output=_linear(arrays, f"{at}/self_attention/linear_1"),
                audio_norm=_norm(arrays, f"{at}/attention/"),
                audio_query=_linear(arrays, f"{at}/attention/linear_0"),
                audio_input=_linear(arrays, f"{at}/attention/linear_1"),
                audio_output=_linear(arrays, f"{at}/attention/linear_2"),
                last_norm=_norm(arrays, f"{at}/ffn/"),
                wide=_linear(arrays, f"{at}/ffn/linear_0"),
                narrow=_linear(arrays, f"{at}/ffn/linear_1"),
            )
        )
    return found


def _heads(arrays: Mapping[str, Array], layers: Sequence[DecoderLayer]) -> int:
    heads = int(arrays["num_heads"]) if "num_heads" in arrays else 0
    width = arrays["embeddings/weight"].shape[-1]
    if not layers or heads < 1 or width % heads:
        raise ModelFileError(f"a decoder must have layers, and heads that divide its width {width}, not {heads}")
    return heads


def _linear(arrays: Mapping[str, Array], name: str) -> DecoderLinear:
    return DecoderLinear(_transposed(arrays, f"{name}/weight"), floats(arrays, f"{name}/bias"))


def _transposed(arrays: Mapping[str, Array], name: str) -> Floats:
    return np.ascontiguousarray(floats(arrays, name).T)


def _norm(arrays: Mapping[str, Array], at: str) -> DecoderNorm:
    return DecoderNorm(floats(arrays, f"{at}layer_norm/gamma"), floats(arrays, f"{at}layer_norm/beta"))


def _softmax(scores: Any) -> Floats:
    found: Floats = np.exp(scores - scores.max(-1, keepdims=True))
    found /= found.sum(-1, keepdims=True)
    return found


def _gelu(inputs: Floats) -> Floats:
    """Return the Gaussian error linear unit in its tanh form (Hendrycks and Gimpel 2016)."""
    cubes = inputs * inputs * inputs  # a power would take a hundred times as long
    inner = np.float32(0.79788456) * (inputs + np.float32(0.044715) * cubes)
    return np.asarray(np.float32(0.5) * inputs * (1 + np.tanh(inner)), dtype=np.float32)
