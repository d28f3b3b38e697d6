"""Sentence embeddings by all-MiniLM-L6-v2, in numpy.

The model is BERT (Devlin et al., 2019) with 6 layers of 12 heads, 384 wide, distilled as in MiniLM (Wang et al.,
2020) and trained for sentences by sentence-transformers (Apache-2.0). A sentence's embedding is the mean of its
tokens, of length 1: the dot product of two is the cosine of their angle.

The weights are mapped into memory, not read: what no sentence needs, most of the words' table, costs nothing, and
the kernel may drop the rest. One sentence costs some 10 ms of one core; several at once cost less each.
"""

import json
import mmap
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
from tokenizers import Tokenizer

from backends.understanding.vectors import Floats

HEADS: Final = 12
MAX_TOKENS: Final = 128  # of one sentence, as the model was trained; the rest is cut off
EPSILON: Final = 1e-12
SQRT_2: Final = np.float32(2**0.5)
ERF_FACTORS: Final = np.array([1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592], np.float32)


@attrs.frozen
class Linear:
    """A dense layer."""

    weight: Floats
    """(out, in)"""
    bias: Floats

    def __call__(self, values: Floats) -> Floats:
        """Return (n, out) of (n, in)."""
        made: Floats = values @ self.weight.T + self.bias
        return made


@attrs.frozen
class Norm:
    """Normalises each row, and scales it."""

    weight: Floats
    bias: Floats

    def __call__(self, values: Floats) -> Floats:
        """Return (n, width) of (n, width)."""
        centred = values - values.mean(-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(-1, keepdims=True) + EPSILON)
        made: Floats = centred / spread * self.weight + self.bias
        return made


@attrs.frozen
class Layer:
    """One layer: attention within each sentence, then a dense part."""

    query: Linear
    key: Linear
    value: Linear
    attended: Linear
    attention_norm: Norm
    inner: Linear
    outer: Linear
    norm: Norm

    def __call__(self, values: Floats, sentences: Sequence[slice]) -> Floats:
        """Return (tokens, width) of (tokens, width); ``sentences`` are their stretches of tokens."""
        query, key, value = self.query(values), self.key(values), self.value(values)
        attention = np.concatenate([attend(query[each], key[each], value[each]) for each in sentences])
        seen = self.attention_norm(values + self.attended(attention))
        return self.norm(seen + self.outer(gelu(self.inner(seen))))


class MiniLM:
    """The model of one file of weights, and its tokenizer."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        """Map the files; raises ``ValueError``, ``KeyError`` or ``OSError`` for files that are something else."""
        found = tensors(weights)
        self._words = found["embeddings.word_embeddings.weight"]
        self._positions = found["embeddings.position_embeddings.weight"]
        self._kind = found["embeddings.token_type_embeddings.weight"][0]
        self._norm = _norm(found, "embeddings.LayerNorm")
        count = len({name.split(".")[2] for name in found if name.startswith("encoder.layer.")})
        self._layers = [_layer(found, f"encoder.layer.{number}") for number in range(count)]
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return (texts, 384), each row of length 1. Any text is a sentence, an empty one as well.

        >>> model.embed(["set a timer", "wake me up"]) @ model.embed(["start a timer"]).T  # doctest: +SKIP
        """
        if not texts:
            return np.zeros((0, self._words.shape[1]), np.float32)
        coded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        ends = np.cumsum([len(ids) for ids in coded])
        sentences = [slice(int(end) - len(ids), int(end)) for ids, end in zip(coded, ends, strict=True)]
        places = np.concatenate([np.arange(len(ids)) for ids in coded])
        values = self._norm(self._words[np.concatenate(coded)] + self._positions[places] + self._kind)
        for layer in self._layers:
            values = layer(values, sentences)
        means = np.stack([values[each].mean(0) for each in sentences])
        made: Floats = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
        return made


def attend(query: Floats, key: Floats, value: Floats) -> Floats:
    """Return what each token of one sentence takes of the others: (n, width) of three times (n, width)."""
    heads = [each.reshape(len(each), HEADS, -1).transpose(1, 0, 2) for each in (query, key, value)]
    scores = heads[0] @ heads[1].transpose(0, 2, 1) / np.float32((query.shape[1] // HEADS) ** 0.5)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    taken = (weights / weights.sum(-1, keepdims=True)) @ heads[2]
    made: Floats = taken.transpose(1, 0, 2).reshape(query.shape)
    return made


def gelu(values: Floats) -> Floats:
    """Return the Gaussian error linear unit."""
    made: Floats = np.float32(0.5) * values * (1 + erf(values / SQRT_2))
    return made


def erf(values: Floats) -> Floats:
    """Return the error function; Abramowitz and Stegun 7.1.26, wrong by less than 2e-7."""
    size = np.abs(values)
    t = 1 / (1 + np.float32(0.3275911) * size)
    made: Floats = np.sign(values) * (1 - t * np.polyval(ERF_FACTORS, t) * np.exp(-size * size))
    return made


def tensors(path: Path) -> Mapping[str, Floats]:
    """Return the float32 tensors of a safetensors file, mapped; raises ``ValueError`` if it is none.

    The format: eight bytes with the length of a JSON head, the head (name to type, shape and offsets), the data
    (https://github.com/huggingface/safetensors).
    """
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        (length,) = struct.unpack("<Q", data[:8])
        head = json.loads(bytes(data[8 : 8 + length]))
        stored = {name: entry for name, entry in head.items() if name != "__metadata__" and entry["dtype"] == "F32"}
        return {name: _tensor(data[8 + length :], entry) for name, entry in stored.items()}
    except (struct.error, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must be a safetensors file: {error}") from error


def _tensor(data: memoryview, entry: Mapping[str, Any]) -> Floats:
    start, end = entry["data_offsets"]
    return np.frombuffer(data[start:end], "<f4").reshape(entry["shape"])


def _layer(found: Mapping[str, Floats], name: str) -> Layer:
    return Layer(
        query=_linear(found, f"{name}.attention.self.query"),
        key=_linear(found, f"{name}.attention.self.key"),
        value=_linear(found, f"{name}.attention.self.value"),
        attended=_linear(found, f"{name}.attention.output.dense"),
        attention_norm=_norm(found, f"{name}.attention.output.LayerNorm"),
        inner=_linear(found, f"{name}.intermediate.dense"),
        outer=_linear(found, f"{name}.output.dense"),
        norm=_norm(found, f"{name}.output.LayerNorm"),
    )


def _linear(found: Mapping[str, Floats], name: str) -> Linear:
    return Linear(found[f"{name}.weight"], found[f"{name}.bias"])


def _norm(found: Mapping[str, Floats], name: str) -> Norm:
    return Norm(found[f"{name}.weight"], found[f"{name}.bias"])
