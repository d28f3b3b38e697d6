"""Silero in numpy, beside the same file in ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]
import pytest

from backends.speech.models import ModelError, resolve_silero
from backends.speech.silero import CHUNK_SAMPLES, CONTEXT_SAMPLES, SHAPES, SileroModel, SileroStream
from tests.system.speech_fixtures import spoken_pcm

Chunks = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return resolve_silero(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def model(path: Path) -> SileroModel:
    return SileroModel.load(path)


def chunks(pcm: bytes) -> Chunks:
    samples = np.frombuffer(pcm, "<i2")
    return samples[: len(samples) - len(samples) % CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)


def judged(model: SileroModel, said: Chunks) -> list[float]:
    stream = SileroStream(model)
    return [stream.probability(chunk) for chunk in said]


def by_onnxruntime(path: Path, said: Chunks) -> list[float]:
    session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    state = memory = np.zeros((1, 1, 128), np.float32)
    samples = np.concatenate([np.zeros(CONTEXT_SAMPLES), said.reshape(-1)]).astype(np.float32) / 32_768
    found = []
    for at in range(0, said.size, CHUNK_SAMPLES):
        heard = samples[None, at : at + CONTEXT_SAMPLES + CHUNK_SAMPLES]
        probability, state, memory = session.run(None, {"input": heard, "h": state, "c": memory})
        found.append(float(probability[0]))
    return found


def test_speech_is_judged_as_by_onnx_runtime(path: Path, model: SileroModel) -> None:
    said = chunks(spoken_pcm("What time is it?"))
    ours = judged(model, said)
    assert ours == pytest.approx(by_onnxruntime(path, said), abs=1e-4)
    assert max(ours) > 0.9
    assert min(ours) < 0.1


def test_loud_noise_is_judged_as_by_onnx_runtime(path: Path, model: SileroModel) -> None:
    said = np.random.default_rng(1).integers(-32_768, 32_768, (20, CHUNK_SAMPLES)).astype(np.int16)
    assert judged(model, said) == pytest.approx(by_onnxruntime(path, said), abs=1e-4)


def test_streams_do_not_disturb_one_another(model: SileroModel) -> None:
    said = chunks(spoken_pcm("Stop."))
    alone = judged(model, said)
    first, second = SileroStream(model), SileroStream(model)
    by_turns = [(first.probability(chunk), second.probability(chunk)) for chunk in said]
    assert by_turns == list(zip(alone, alone, strict=True))


def test_a_file_without_its_tensors_is_refused() -> None:
    tensors = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    assert judged(SileroModel(tensors), np.zeros((1, CHUNK_SAMPLES), np.int16)) == [0.5]
    with pytest.raises(ModelError, match=r"decoder.conv1d.bias of \(1,\), not \(2,\)"):
        SileroModel(tensors | {"decoder.conv1d.bias": np.zeros(2, np.float32)})
    del tensors["onnx::LSTM_209"]
    with pytest.raises(ModelError, match=r"onnx::LSTM_209 of \(1, 512, 128\), not none"):
        SileroModel(tensors)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read from .*missing\.onnx"):
        SileroModel.load(tmp_path / "missing.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"\xff")
    with pytest.raises(ModelError, match=r"cannot be read from .*bad\.onnx: a number must end"):
        SileroModel.load(tmp_path / "bad.onnx")
