"""Samples at any rate, made into what the recogniser and the detector take: 16 kHz, 16 bit, mono."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soxr

from protocol.messages.hearing import INTERNAL_RATE_HZ

Samples = npt.NDArray[np.int16]

RESAMPLER_QUALITY: Final = "LQ"  # 16-bit precise; half the delay of "HQ" (20 against 37 ms at 48 kHz)
FULL_SCALE: Final = 32_767.0


class Resampler:
    """16-bit mono samples at any rate to bytes at the internal rate; keeps state between blocks."""

    def __init__(self, rate_hz: int) -> None:
        self._stream: Any = None
        if rate_hz != INTERNAL_RATE_HZ:
            self._stream = soxr.ResampleStream(rate_hz, INTERNAL_RATE_HZ, 1, dtype="float32", quality=RESAMPLER_QUALITY)

    def __call__(self, samples: Samples) -> bytes:
        """Return the output samples that are ready, given 16-bit mono ``samples`` of shape (n,)."""
        if self._stream is None:
            return samples.astype("<i2", copy=False).tobytes()
        resampled = self._stream.resample_chunk(samples.astype(np.float32))  # of integers soxr would add dither
        return bytes(np.clip(resampled, -32_768, 32_767).round().astype("<i2").tobytes())


class RateConverter:
    """16-bit mono samples at one rate to another; keeps state between blocks."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream: Any = None
        if from_hz != to_hz:
            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality=RESAMPLER_QUALITY)

    def __call__(self, pcm: bytes, *, is_last: bool = False) -> bytes:
        """Return the s16le samples that are ready; after the last block all of them."""
        if self._stream is None:
            return pcm
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        made = self._stream.resample_chunk(samples, last=is_last)
        return bytes(np.clip(made, -32_768, 32_767).round().astype("<i2").tobytes())


def resampled(pcm: bytes, rate_hz: int) -> bytes:
    """Return all of a sound, s16le mono at any rate, at the internal rate; a little silence follows it."""
    silence = bytes(2 * (rate_hz // 10))  # brings out what the resampler keeps back
    return Resampler(rate_hz)(np.frombuffer(pcm + silence, "<i2"))


def quantise(samples: npt.NDArray[np.float32]) -> Samples:
    """Return floats of -1..1 as 16-bit samples, clipped."""
    scaled: Samples = (np.clip(samples, -1.0, 1.0) * FULL_SCALE).round().astype(np.int16)
    return scaled
