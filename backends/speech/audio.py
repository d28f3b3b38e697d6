"""Clients' audio frames, made into 16 kHz mono s16le.

Rules kept here:

* A frame holds samples or one Opus packet; an invalid one raises ``BadAudio`` and changes nothing, so the
  stream goes on.
* Samples never wait longer than the resampler needs (about 20 ms), and not at all where nothing is resampled.
* FFmpeg, which decodes Opus, is loaded for the first client that sends it (some 60 ms), and for no other.
* Numbers are checked before they are used: NaN and infinity never reach a detector or a model.
"""

from collections.abc import Callable

import numpy as np

from backends.protocols import AudioDecoder, BadAudio
from backends.speech.resampling import Resampler, Samples, quantise
from protocol.messages.events import AudioFormat


def make_decoder(audio_format: AudioFormat) -> AudioDecoder:
    """Return a decoder with its own state for one stream; raises ``ValueError`` for a format that it does not know."""
    match audio_format.format:
        case "pcm_s16le":
            return PcmDecoder(audio_format, _from_s16le, bytes_per_sample=2)
        case "pcm_f32le":
            return PcmDecoder(audio_format, _from_f32le, bytes_per_sample=4)
        case "opus":
            from backends.speech.opus import OpusDecoder  # noqa: PLC0415 - see above

            return OpusDecoder(audio_format)
        case unknown:
            raise ValueError(f"audio format must be pcm_s16le, pcm_f32le or opus, not {unknown!r}")


class PcmDecoder:
    """Uncompressed samples, interleaved if there are two channels."""

    def __init__(
        self, audio_format: AudioFormat, to_samples: Callable[[bytes], Samples], *, bytes_per_sample: int
    ) -> None:
        self._format = audio_format
        self._to_samples = to_samples
        self._block_bytes = bytes_per_sample * audio_format.channels
        self._resample = Resampler(audio_format.sample_rate)

    def decode(self, frame: bytes) -> bytes:
        """Return the samples that are ready; raises ``BadAudio``."""
        if len(frame) % self._block_bytes:
            raise BadAudio(
                f"a {self._format.format} frame with {self._format.channels} channel(s) must be a multiple of "
                f"{self._block_bytes} bytes, not {len(frame)}"
            )
        samples = self._to_samples(frame)
        return self._resample(_to_mono(samples, self._format.channels))


def _from_s16le(frame: bytes) -> Samples:
    return np.frombuffer(frame, dtype="<i2")


def _from_f32le(frame: bytes) -> Samples:
    samples = np.frombuffer(frame, dtype="<f4")
    if not np.isfinite(samples).all():
        raise BadAudio("pcm_f32le samples must be finite numbers between -1 and 1; this frame holds NaN or infinity")
    return quantise(samples)


def _to_mono(samples: Samples, channels: int) -> Samples:
    if channels == 1:
        return samples
    mono: Samples = samples.reshape(-1, channels).mean(axis=1).astype(np.int16)
    return mono
