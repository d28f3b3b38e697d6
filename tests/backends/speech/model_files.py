"""Files of models as CTranslate2 writes them, with few and random weights."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backends.speech.model_file import TYPES

WIDTH: Final = 8
HEADS: Final = 2
LAYERS: Final = 2
VOCABULARY: Final = 40
POSITIONS: Final = 64


def packed(arrays: Mapping[str, npt.NDArray[Any]], aliases: Mapping[str, str], *, version: int = 6) -> bytes:
    """Return a ``model.bin``."""
    found = struct.pack("<I", version) + text("TestSpec") + struct.pack("<II", 1, len(arrays))
    numbers = {dtype: number for number, dtype in TYPES.items()}
    for name, array in arrays.items():
        found += text(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
        found += struct.pack("<BI", numbers[array.dtype], array.nbytes) + array.tobytes()
    found += struct.pack("<I", len(aliases))
    return found + b"".join(text(alias) + text(name) for alias, name in aliases.items())


def text(value: str) -> bytes:
    encoded = value.encode() + b"\0"
    return struct.pack("<H", len(encoded)) + encoded


def decoder_arrays(seed: int = 1, dtype: str = "<f4") -> dict[str, npt.NDArray[Any]]:
    """Return a small decoder's weights."""
    rng = np.random.default_rng(seed)

    def some(*shape: int) -> npt.NDArray[Any]:
        return rng.standard_normal(shape).astype(dtype)

    arrays: dict[str, npt.NDArray[Any]] = {
        "encoder/conv1/weight": some(2, 2),
        "decoder/num_heads": np.array(HEADS, dtype="<i2"),
        "decoder/embeddings/weight": some(VOCABULARY, WIDTH),
        "decoder/position_encodings/encodings": some(POSITIONS, WIDTH),
        "decoder/layer_norm/gamma": some(WIDTH),
        "decoder/layer_norm/beta": some(WIDTH),
    }
    linears = {
        "self_attention/linear_0": (3 * WIDTH, WIDTH),
        "self_attention/linear_1": (WIDTH, WIDTH),
        "attention/linear_0": (WIDTH, WIDTH),
        "attention/linear_1": (2 * WIDTH, WIDTH),
        "attention/linear_2": (WIDTH, WIDTH),
        "ffn/linear_0": (4 * WIDTH, WIDTH),
        "ffn/linear_1": (WIDTH, 4 * WIDTH),
    }
    for layer in range(LAYERS):
        at = f"decoder/layer_{layer}"
        for name, shape in linears.items():
            arrays[f"{at}/{name}/weight"], arrays[f"{at}/{name}/bias"] = some(*shape), some(shape[0])
        for name in ("self_attention", "attention", "ffn"):
            arrays[f"{at}/{name}/layer_norm/gamma"] = some(WIDTH)
            arrays[f"{at}/{name}/layer_norm/beta"] = some(WIDTH)
    return arrays


def write_model(folder: Path, arrays: Mapping[str, npt.NDArray[Any]] | None = None) -> Path:
    """Write the model's file and its settings into a folder; return the folder."""
    aliases = {"decoder/projection/weight": "decoder/embeddings/weight"}
    (folder / "model.bin").write_bytes(packed(decoder_arrays() if arrays is None else arrays, aliases))
    (folder / "config.json").write_text(json.dumps({"suppress_ids": [1], "suppress_ids_begin": [2]}), encoding="utf-8")
    return folder
