"""Silero's voice detector (v6, 16 kHz), computed with numpy: a probability of speech for each 32 ms of a stream.

It is surer than earshot in noise, and takes 60 to 90 microseconds for a chunk. The network is small (0.4 million
multiplications a frame: a spectrum, four convolutions, one LSTM cell), so that calling ONNX Runtime costs more than
computing; numpy takes half the time and no library of its own (docs/decisions/0025). The weights are those that
faster-whisper carries, and so are the results, to the sixth digit.

Algorithm and weights: https://github.com/snakers4/silero-vad (MIT).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from backends.speech.models import ModelError
from backends.speech.onnx_tensors import BadOnnx, float_tensors

Floats = npt.NDArray[np.float32]
CHUNK_SAMPLES: Final = 512  # 32 ms, for which there is one probability
CONTEXT_SAMPLES: Final = 64  # of the chunk before, which the network sees as well
INPUT_SAMPLES: Final = CONTEXT_SAMPLES + CHUNK_SAMPLES
MIRRORED_SAMPLES: Final = 64  # are put behind the input, for the last spectrum
WINDOW_SAMPLES: Final = 256  # of a spectrum
SPECTRA: Final = 4  # of an input, each 128 samples after the one before
BINS: Final = WINDOW_SAMPLES // 2 + 1
STATE: Final = 128  # numbers of the LSTM cell
FULL_SCALE: Final = np.float32(1 / 32_768)
HALF: Final = np.float32(0.5)

SHAPES: Final[Mapping[str, tuple[int, ...]]] = {
    "encoder.feature_extractor.forward_basis_buffer": (2 * BINS, 1, WINDOW_SAMPLES),
    **{
        f"encoder.conv_layers.{layer}.{part}": shape
        for layer, (to, of) in enumerate([(128, BINS), (64, 128), (64, 64), (STATE, 64)])
        for part, shape in (("weight", (to, of, 3)), ("bias", (to,)))
    },
    "onnx::LSTM_209": (1, 4 * STATE, STATE),  # what comes in
    "onnx::LSTM_210": (1, 4 * STATE, STATE),  # what the cell gave last
    "onnx::LSTM_211": (1, 8 * STATE),
    "decoder.conv1d.weight": (1, STATE, 1),
    "decoder.conv1d.bias": (1,),
}
"""The tensors of the file, with their shapes."""


class SileroModel:
    """The weights, laid out for rows of numbers; shared by all streams."""

    def __init__(self, tensors: Mapping[str, Floats]) -> None:
        """Take the tensors of the file; raises ``ModelError`` unless they are those of ``SHAPES``."""
        for name, shape in SHAPES.items():
            if name not in tensors or tensors[name].shape != shape:
                found = tensors[name].shape if name in tensors else "none"
                raise ModelError(f"silero's model must have a tensor {name} of {shape}, not {found}")
        conv = [tensors[f"encoder.conv_layers.{layer}.weight"].transpose(2, 1, 0) for layer in range(4)]
        self.biases = [tensors[f"encoder.conv_layers.{layer}.bias"] for layer in range(4)]
        # the third layer sees its first tap, and the fourth all but its middle one, on padding only: zeros
        taps = (conv[0], conv[1], conv[2][1:], conv[3][1:2])
        self.layers = [np.ascontiguousarray(tap.reshape(-1, tap.shape[2])) for tap in taps]
        self.window = np.ascontiguousarray(tensors["encoder.feature_extractor.forward_basis_buffer"][0, 0])
        cell = np.concatenate([tensors["onnx::LSTM_209"][0], tensors["onnx::LSTM_210"][0]], axis=1)
        self.cell = np.ascontiguousarray(cell.T)
        self.cell_bias = tensors["onnx::LSTM_211"][0].reshape(2, 4 * STATE).sum(axis=0)
        self.output = tensors["decoder.conv1d.weight"][0, :, 0]
        self.output_bias = tensors["decoder.conv1d.bias"][0]

    @classmethod
    def load(cls, path: Path) -> "SileroModel":
        """Read the ONNX file of faster-whisper; raises ``ModelError``."""
        try:
            return cls(float_tensors(path.read_bytes()))
        except (OSError, BadOnnx) as error:
            raise ModelError(f"silero's model cannot be read from {path}: {error}") from error


class SileroStream:
    """One stream of audio and the state of the network in it; 2 kB besides some 15 kB of work space."""

    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self._padded = np.zeros(INPUT_SAMPLES + MIRRORED_SAMPLES, np.float32)
        self._windows = np.lib.stride_tricks.sliding_window_view(self._padded, WINDOW_SAMPLES)[:: WINDOW_SAMPLES // 2]
        # a row of zeros before and after what a layer of three taps sees
        self._spectra = np.zeros((SPECTRA + 2, BINS), np.float32)
        self._first = np.zeros((SPECTRA + 2, 128), np.float32)
        self._cell_input = np.zeros(2 * STATE, np.float32)
        self._memory = np.zeros(STATE, np.float32)

    def probability(self, chunk: npt.NDArray[np.int16]) -> float:
        """Return the probability of speech, 0..1, in the next ``CHUNK_SAMPLES`` samples."""
        model, padded = self._model, self._padded
        padded[:CONTEXT_SAMPLES] = padded[CHUNK_SAMPLES:INPUT_SAMPLES]
        np.multiply(chunk, FULL_SCALE, out=padded[CONTEXT_SAMPLES:INPUT_SAMPLES])
        padded[INPUT_SAMPLES:] = padded[INPUT_SAMPLES - 2 : INPUT_SAMPLES - 2 - MIRRORED_SAMPLES : -1]
        np.abs(np.fft.rfft(self._windows * model.window), out=self._spectra[1:-1])
        self._first[1:-1] = self._layer(0, _taps(self._spectra, step=1))
        second = self._layer(1, _taps(self._first, step=2))
        third = self._layer(2, second.reshape(-1))
        self._cell_input[:STATE] = self._layer(3, third)
        return self._cell_output()

    def _layer(self, number: int, rows: Floats) -> Floats:
        made: Floats = rows @ self._model.layers[number]
        made += self._model.biases[number]
        return np.maximum(made, 0, out=made)

    def _cell_output(self) -> float:
        """Compute the LSTM cell and what follows it; ONNX keeps the gates in the order input, output, forget, cell."""
        model = self._model
        gates = self._cell_input @ model.cell
        gates += model.cell_bias
        taken, given, kept = _sigmoid(gates[: 3 * STATE]).reshape(3, STATE)
        self._memory *= kept
        self._memory += taken * np.tanh(gates[3 * STATE :])
        self._cell_input[STATE:] = given * np.tanh(self._memory)
        return float(_sigmoid(np.maximum(self._cell_input[STATE:], 0) @ model.output + model.output_bias))


def _taps(rows: Floats, step: int) -> Floats:
    """Return each three rows in succession as one, from every ``step``-th on, without copying."""
    size = rows.itemsize
    count = (len(rows) - 3) // step + 1
    shape, strides = (count, 3 * rows.shape[1]), (step * rows.strides[0], size)
    return np.lib.stride_tricks.as_strided(rows, shape, strides)


def _sigmoid(numbers: Floats) -> Floats:
    made: Floats = np.tanh(numbers * HALF)  # which cannot overflow
    return made * HALF + HALF
