import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from backends.understanding.minilm import HEADS, MiniLM, attend, erf, tensors

WIDTH = 2 * HEADS
WORDS = {"[UNK]": 0, "set": 1, "a": 2, "timer": 3, "wake": 4, "me": 5}


def safetensors(path: Path, values: dict[str, np.ndarray]) -> Path:
    head: dict[str, dict[str, object]] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, value in values.items():
        raw = value.astype("<f4").tobytes()
        head[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    found = {
        "embeddings.word_embeddings.weight": rng.normal(size=(len(WORDS), WIDTH)),
        "embeddings.position_embeddings.weight": rng.normal(size=(128, WIDTH)),
        "embeddings.token_type_embeddings.weight": rng.normal(size=(2, WIDTH)),
        "embeddings.LayerNorm.weight": rng.normal(size=WIDTH),
        "embeddings.LayerNorm.bias": rng.normal(size=WIDTH),
    }
    for layer in range(2):
        for name, out, into in (
            ("attention.self.query", WIDTH, WIDTH),
            ("attention.self.key", WIDTH, WIDTH),
            ("attention.self.value", WIDTH, WIDTH),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", 3 * WIDTH, WIDTH),
            ("output.dense", WIDTH, 3 * WIDTH),
        ):
            found[f"encoder.layer.{layer}.{name}.weight"] = rng.normal(size=(out, into))
            found[f"encoder.layer.{layer}.{name}.bias"] = rng.normal(size=out)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            found[f"encoder.layer.{layer}.{name}.weight"] = rng.normal(size=WIDTH)
            found[f"encoder.layer.{layer}.{name}.bias"] = rng.normal(size=WIDTH)
    return found


@pytest.fixture
def model(tmp_path: Path) -> MiniLM:
    tokenizer = Tokenizer(models.WordLevel(WORDS, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return MiniLM(safetensors(tmp_path / "model.safetensors", weights()), tmp_path / "tokenizer.json")


def by_hand(found: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """Return one sentence's embedding, written down once more: token by token, in double precision."""

    def norm(row, name):
        spread = math.sqrt(((row - row.mean()) ** 2).mean())
        return (row - row.mean()) / spread * found[f"{name}.weight"] + found[f"{name}.bias"]

    def dense(row, name):
        return found[f"{name}.weight"] @ row + found[f"{name}.bias"]

    rows = [
        norm(
            found["embeddings.word_embeddings.weight"][word]
            + found["embeddings.position_embeddings.weight"][at]
            + found["embeddings.token_type_embeddings.weight"][0],
            "embeddings.LayerNorm",
        )
        for at, word in enumerate(ids)
    ]
    for layer in (f"encoder.layer.{number}" for number in range(2)):
        query, key, value = (
            [dense(row, f"{layer}.attention.self.{name}") for row in rows] for name in ("query", "key", "value")
        )
        made = []
        for at, row in enumerate(rows):
            seen = np.zeros(WIDTH)
            for head in range(HEADS):
                part = slice(2 * head, 2 * head + 2)
                scores = np.array([query[at][part] @ other[part] / math.sqrt(2) for other in key])
                shares = np.exp(scores) / np.exp(scores).sum()
                seen[part] = sum(share * other[part] for share, other in zip(shares, value, strict=True))
            seen = norm(row + dense(seen, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
            inner = [
                0.5 * each * (1 + math.erf(each / math.sqrt(2))) for each in dense(seen, f"{layer}.intermediate.dense")
            ]
            made.append(norm(seen + dense(np.array(inner), f"{layer}.output.dense"), f"{layer}.output.LayerNorm"))
        rows = made
    mean = np.mean(rows, axis=0)
    return np.array(mean / np.linalg.norm(mean))


def test_an_embedding_is_what_the_formulas_say(model: MiniLM) -> None:
    assert model.embed(["set a timer"])[0] == pytest.approx(by_hand(weights(), [1, 2, 3]), abs=1e-4)


def test_several_sentences_at_once_are_each_as_alone(model: MiniLM) -> None:
    texts = ["set a timer", "wake me", "a"]
    together = model.embed(texts)
    assert together.shape == (3, WIDTH)
    assert together == pytest.approx(np.concatenate([model.embed([text]) for text in texts]), abs=1e-5)


def test_every_embedding_has_the_length_one(model: MiniLM) -> None:
    assert np.linalg.norm(model.embed(["wake me", "set"]), axis=1) == pytest.approx([1.0, 1.0])


def test_no_sentence_gives_no_row(model: MiniLM) -> None:
    assert model.embed([]).shape == (0, WIDTH)


def test_a_long_sentence_is_cut_at_what_the_model_knows(model: MiniLM) -> None:
    assert model.embed(["set " * 500]) == pytest.approx(model.embed(["set " * 128]), abs=1e-6)


def test_attention_of_equal_keys_is_the_mean_of_the_values() -> None:
    value = np.arange(2 * WIDTH, dtype=np.float32).reshape(2, WIDTH)
    same = np.ones((2, WIDTH), np.float32)
    assert attend(same, same, value) == pytest.approx(np.stack([value.mean(0)] * 2))


@pytest.mark.parametrize("value", [-3.0, -0.5, 0.0, 0.1, 1.0, 2.5])
def test_the_error_function_is_that_of_the_library(value: float) -> None:
    assert erf(np.array([value], np.float32))[0] == pytest.approx(math.erf(value), abs=1e-6)


@pytest.mark.parametrize(
    "content", [b"", b"1234", struct.pack("<Q", 4) + b"no {", struct.pack("<Q", 12) + b'{"a": [1,2]}']
)
def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"must be a safetensors file|empty"):
        tensors(path)
