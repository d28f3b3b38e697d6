"""Whisper models of large shapes with invented weights, to measure time and memory without real ones.

Rules kept here:

* Every weight takes part in the arithmetic, and none is zero: work and memory are those of a model of this shape.
* What is decoded does not depend on the audio: the position encodings say the next token, and every 16th ends the text,
  so that a command has as many tokens as a real one. Texts show that engines agree, nothing else.

The file is CTranslate2's binary format, version 6 (``python/ctranslate2/specs/model_spec.py`` there).
"""

import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import attrs
import numpy as np
import numpy.typing as npt

BINARY_VERSION: Final = 6
REVISION: Final = 3
TYPES: Final = {np.dtype(np.float32): 0, np.dtype(np.int8): 1, np.dtype(np.int16): 2, np.dtype(np.float16): 4}
GELU: Final = 3
ENCODER_FRAMES: Final = 1500
DECODER_TOKENS: Final = 448
TEXT_TOKENS: Final = 15  # and the end
WEIGHT: Final = 0.001  # so that the position encodings, of about 1, decide
EMBEDDING: Final = 0.03
POOL: Final = 1 << 22  # random numbers, used again and again: drawing a billion takes minutes
SMALL_FILES: Final = ("config.json", "tokenizer.json", "vocabulary.txt")
Weights = npt.NDArray[np.float16]


@attrs.frozen
class Shape:
    """Sizes of a Whisper model."""

    mels: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int


SHAPES: Final = {
    "tiny": Shape(80, 384, 6, 4, 4),
    "medium": Shape(80, 1024, 16, 24, 24),
    "large-v3-turbo": Shape(128, 1280, 20, 32, 4),
    "large-v3": Shape(128, 1280, 20, 32, 32),
}


def write_model(shape: Shape, small_files: Path, folder: Path) -> Path:
    """Write a model of ``shape`` with the tokenizer of the English model in ``small_files``, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SMALL_FILES:
        shutil.copy(small_files / name, folder / name)
    extractor = {"feature_size": shape.mels, "n_fft": 400, "hop_length": 160, "sampling_rate": 16_000}
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor))
    vocabulary = (small_files / "vocabulary.txt").read_bytes().count(b"\n")
    end = json.loads((small_files / "tokenizer.json").read_text())["added_tokens"][0]["id"]
    variables = list(_variables(shape, vocabulary, end))
    with (folder / "model.bin").open("wb") as target:
        target.write(struct.pack("<I", BINARY_VERSION) + _text("WhisperSpec"))
        target.write(struct.pack("<II", REVISION, len(variables)))
        for name, value in variables:
            _write(target, name, value)
        target.write(struct.pack("<I", 1) + _text("decoder/projection/weight") + _text("decoder/embeddings/weight"))
    return folder


def _write(target: BinaryIO, name: str, value: npt.NDArray[np.generic]) -> None:
    target.write(_text(name) + struct.pack("<B", value.ndim) + struct.pack(f"<{value.ndim}I", *value.shape))
    target.write(struct.pack("<BI", TYPES[value.dtype], value.nbytes))
    target.write(value.tobytes())


def _text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return struct.pack("<H", len(data)) + data


class _Numbers:
    """Random weights from one pool, each array from another place of it."""

    def __init__(self) -> None:
        self._pool = np.random.default_rng(1).standard_normal(POOL, dtype=np.float32)
        self._next = 0

    def draw(self, *shape: int, scale: float = WEIGHT) -> Weights:
        """Return numbers of the normal distribution times ``scale``."""
        size = int(np.prod(shape))
        self._next = (self._next + 7_919) % (POOL // 2)
        found = np.resize(self._pool[self._next :], size) * np.float32(scale)
        return found.astype(np.float16).reshape(shape)


def _variables(shape: Shape, vocabulary: int, end: int) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    numbers, width = _Numbers(), shape.width
    embedding = numbers.draw(vocabulary, width, scale=EMBEDDING)
    following = [
        end if place % (TEXT_TOKENS + 1) == TEXT_TOKENS else 1_000 + 37 * place for place in range(DECODER_TOKENS)
    ]
    yield "decoder/embeddings/weight", embedding
    yield (
        "decoder/position_encodings/encodings",
        (embedding[following].astype(np.float32) / EMBEDDING).astype(np.float16),
    )
    yield "encoder/position_encodings/encodings", numbers.draw(ENCODER_FRAMES, width, scale=1.0)
    for number, channels in ((1, shape.mels), (2, width)):
        yield f"encoder/conv{number}/weight", numbers.draw(width, channels, 3)
        yield f"encoder/conv{number}/bias", numbers.draw(width)
    for part, layers in (("encoder", shape.encoder_layers), ("decoder", shape.decoder_layers)):
        yield f"{part}/num_heads", np.array(shape.heads, np.int16)
        yield from _norm(f"{part}/layer_norm", width)
        for layer in range(layers):
            yield from _layer(numbers, f"{part}/layer_{layer}", width, is_decoder=part == "decoder")
    for name, value in (("activation", GELU), ("alibi", 0), ("pre_norm", 1), ("scale_embeddings", 0)):
        yield f"decoder/{name}", np.array(value, np.int8)
    yield "decoder/start_from_zero_embedding", np.array(0, np.int8)
    yield "decoder/alignment_heads", np.array(1, np.int16)
    yield "decoder/alignment_layer", np.array(-1, np.int16)


def _layer(
    numbers: _Numbers, name: str, width: int, *, is_decoder: bool
) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    matrices = [("self_attention/linear_0", 3, 1), ("self_attention/linear_1", 1, 1)]
    matrices += [("ffn/linear_0", 4, 1), ("ffn/linear_1", 1, 4)]
    if is_decoder:
        matrices += [("attention/linear_0", 1, 1), ("attention/linear_1", 2, 1), ("attention/linear_2", 1, 1)]
    for matrix, rows, columns in matrices:
        yield f"{name}/{matrix}/weight", numbers.draw(rows * width, columns * width)
        yield f"{name}/{matrix}/bias", numbers.draw(rows * width)
    for part in {matrix.split("/")[0] for matrix, _, _ in matrices}:
        yield from _norm(f"{name}/{part}/layer_norm", width)


def _norm(name: str, width: int) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    yield f"{name}/gamma", np.ones(width, np.float16)
    yield f"{name}/beta", np.zeros(width, np.float16)
