"""Opus packets, in and out, by FFmpeg through PyAV: a quarter of the bytes of samples at telephone quality.

Rules kept here:

* Packets are decoded and encoded in the event loop: one takes at most 0.7 ms of a processor, whatever its bytes are
  (docs/decisions/0015). A packet of the largest size holds 120 ms; what is larger is refused unseen.
* This module is imported only when the first packet is needed.
"""

from typing import Any, Final

import av
import av.error
import numpy as np
import numpy.typing as npt
import soxr

from backends.protocols import BadAudio
from backends.speech.resampling import Resampler, Samples, quantise
from protocol.messages.events import AudioFormat

RATE_HZ: Final = 48_000  # RFC 6716: a decoder may always be run at 48 kHz
PACKET_SAMPLES: Final = 960
PACKET_MAX_BYTES: Final = 61_440  # RFC 6716 section 3.2: at most 48 frames of 1,275 bytes, and their lengths
BIT_RATE: Final = 32_000  # wide-band speech without audible loss (RFC 6716 section 2.1.1)


class OpusSpeech:
    """A ``SpeechEncoder`` for one stretch of speech; samples that fill no packet wait for the next call."""

    def __init__(self, sample_rate_hz: int) -> None:
        """Take the sample rate of the input, in Hz."""
        self._resample = soxr.ResampleStream(sample_rate_hz, RATE_HZ, 1, dtype="float32", quality="MQ")
        self._rest = np.zeros(0, dtype=np.float32)
        self._position = 0
        self._codec: Any = av.CodecContext.create("libopus", "w")
        self._codec.sample_rate, self._codec.layout, self._codec.format = RATE_HZ, "mono", "s16"
        self._codec.bit_rate = BIT_RATE
        self._codec.options = {"application": "voip"}

    def encode(self, pcm: bytes, *, is_last: bool = False) -> list[bytes]:
        """Return the packets that are complete; the last one is filled up with silence."""
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        self._rest = np.concatenate((self._rest, self._resample.resample_chunk(samples, last=is_last)))
        if is_last:
            self._rest = np.pad(self._rest, (0, -len(self._rest) % PACKET_SAMPLES))
        whole = len(self._rest) - len(self._rest) % PACKET_SAMPLES
        ready, self._rest = self._rest[:whole].reshape(-1, PACKET_SAMPLES), self._rest[whole:]
        packets = [packet for block in ready for packet in self._encode_block(block)]
        return packets + [bytes(packet) for packet in self._codec.encode(None)] if is_last else packets

    def _encode_block(self, block: Any) -> list[bytes]:
        samples = np.clip(block, -32_768, 32_767).round().astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None, :], "s16", "mono")
        frame.sample_rate, frame.pts = RATE_HZ, self._position
        self._position += PACKET_SAMPLES
        return [bytes(packet) for packet in self._codec.encode(frame)]


class OpusDecoder:
    """Raw Opus packets (no Ogg around them), one a frame, decoded by FFmpeg through PyAV."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._codec: Any = av.CodecContext.create("opus", "r")
        self._codec.sample_rate = RATE_HZ
        self._codec.layout = "mono" if audio_format.channels == 1 else "stereo"
        self._resample = Resampler(RATE_HZ)

    def decode(self, frame: bytes) -> bytes:
        """Return the samples that are ready; raises ``BadAudio``."""
        if not frame:
            raise BadAudio("an opus frame must hold one packet, not 0 bytes")
        if len(frame) > PACKET_MAX_BYTES:
            raise BadAudio(f"an opus frame must have at most {PACKET_MAX_BYTES:,} bytes, not {len(frame):,}")
        try:
            decoded = self._codec.decode(av.Packet(frame))
        except av.error.FFmpegError as error:
            raise BadAudio(f"an opus frame must be one raw packet: {error.strerror}") from error
        return b"".join(self._resample(self._to_mono(part)) for part in decoded)

    def _to_mono(self, part: av.AudioFrame) -> Samples:
        planes = part.to_ndarray().astype(np.float32)  # shape (channels, samples), as FFmpeg's own decoder delivers
        mono: npt.NDArray[np.float32] = planes.mean(axis=0)
        return quantise(mono)
