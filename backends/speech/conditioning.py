"""Conditions a session's samples before detection: no offset, an even level, less noise.

Rules kept here:

* Work is done in blocks of 10 ms, whatever the size of a client's frames, so frames leave no seams.
* Gain changes slowly, along a line within each block, and is bounded: it lifts a quiet voice, not an empty room.
* A sample is delayed by a block at most; none is added or lost.
"""

import importlib.util
from typing import Final

import numpy as np
import numpy.typing as npt

from backends.protocols import AudioDecoder
from backends.speech.models import ModelError
from config.settings import AudioSettings

INSTALL_COMMAND: Final = "pip install 'sayso[noise]'"
BLOCK_SAMPLES: Final = 160  # 10 ms at 16 kHz: what WebRTC's audio processing takes
BLOCK_BYTES: Final = 2 * BLOCK_SAMPLES
TARGET_RMS: Final = 2_300.0  # -23 dBFS: a phone at arm's length
PEAK_MAX: Final = 29_000.0  # 1 dB below full scale
GAIN_MAX: Final = 10.0  # 20 dB
SPEECH_RMS_MIN: Final = 60.0  # -55 dBFS; below it is the room, not the voice
LEVEL_RISE: Final = 0.3  # of the way to a louder block's level, per block
LEVEL_FALL: Final = 0.003  # to a softer one's: 3 s
OFFSET_SHARE: Final = 0.02  # of the way to a block's mean, per block: half a second

Samples = npt.NDArray[np.float32]


class Leveller:
    """Takes away a constant offset and brings speech to one level."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._level = 0.0  # unknown at the start
        self._gain = 1.0

    def process(self, block: Samples) -> Samples:
        """Return a block of samples, float32 of shape (samples,) in units of 16-bit steps, levelled."""
        before = self._offset
        self._offset += OFFSET_SHARE * (float(block.mean()) - before)
        centred = block - _line(before, self._offset)
        rms = float(np.sqrt(np.mean(centred**2)))
        if rms > SPEECH_RMS_MIN:
            self._level = self._level or rms
            self._level += (LEVEL_RISE if rms > self._level else LEVEL_FALL) * (rms - self._level)
        wanted = min(GAIN_MAX, TARGET_RMS / self._level) if self._level else 1.0
        peak = float(np.abs(centred).max())
        allowed = PEAK_MAX / peak if peak else GAIN_MAX
        gain, self._gain = min(self._gain, allowed), min(wanted, allowed)
        levelled: Samples = centred * _line(gain, self._gain)
        return levelled


def _line(start: float, end: float) -> Samples:
    return np.linspace(start, end, BLOCK_SAMPLES, dtype=np.float32)


class Conditioner:
    """An ``AudioDecoder`` around another one."""

    def __init__(self, decoder: AudioDecoder, settings: AudioSettings) -> None:
        """Prepare the steps in the settings; the library for noise is loaded only if it is used."""
        self._decoder = decoder
        self._leveller = Leveller() if settings.normalise else None
        self._suppress = suppressor(settings.noise_suppression) if settings.noise_suppression else None
        self._rest = b""

    def decode(self, frame: bytes) -> bytes:
        """Return the samples that are ready, as 16 kHz mono s16le; raises ``BadAudio``."""
        data = self._rest + self._decoder.decode(frame)
        whole = len(data) - len(data) % BLOCK_BYTES
        self._rest = data[whole:]
        return b"".join(self._process(data[start : start + BLOCK_BYTES]) for start in range(0, whole, BLOCK_BYTES))

    def _process(self, block: bytes) -> bytes:
        if self._suppress is not None:
            block = self._suppress.process(block)
        if self._leveller is None:
            return block
        levelled = self._leveller.process(np.frombuffer(block, dtype="<i2").astype(np.float32))
        return np.clip(levelled, -32_768, 32_767).round().astype("<i2").tobytes()


class WebRtcSuppressor:
    """Noise suppression of WebRTC's audio processing module (BSD), 10 ms at a time."""

    def __init__(self, strength: int) -> None:
        """Take the level of suppression, 1 (weak) to 4 (strong)."""
        from webrtc_noise_gain import AudioProcessor  # noqa: PLC0415 - the optional extra

        self._processor = AudioProcessor(0, strength)

    def process(self, block: bytes) -> bytes:
        """Return ``BLOCK_BYTES`` bytes of samples with less noise."""
        cleaned: bytes = self._processor.Process10ms(block).audio
        return cleaned


def check(settings: AudioSettings) -> None:
    """Raise ``ModelError`` if the settings need a library that is not installed."""
    if settings.noise_suppression and importlib.util.find_spec("webrtc_noise_gain") is None:
        raise ModelError(f"audio.noise_suppression needs a library that is not installed: run `{INSTALL_COMMAND}`")


def suppressor(strength: int) -> WebRtcSuppressor:
    """Return a noise suppressor with its own state."""
    return WebRtcSuppressor(strength)


def condition(decoder: AudioDecoder, settings: AudioSettings) -> AudioDecoder:
    """Return ``decoder`` followed by the steps in the settings; ``decoder`` itself if there are none."""
    return Conditioner(decoder, settings) if settings.normalise or settings.noise_suppression else decoder
