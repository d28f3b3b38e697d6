"""Speech as Opus packets: a quarter of the bytes of samples at telephone quality, by libopus through PyAV.

One packet holds 20 ms; 100 ms take some 0.5 ms of a processor, so it is done in the event loop.
"""

from typing import Any, Final

import av
import numpy as np
import soxr

RATE_HZ: Final = 48_000  # RFC 6716: a decoder may always be run at 48 kHz
PACKET_SAMPLES: Final = 960
BIT_RATE: Final = 32_000  # wide-band speech without audible loss (RFC 6716 section 2.1.1)


class OpusSpeech:
    """A ``SpeechEncoder`` for one stretch of speech; samples that fill no packet wait for the next call."""

    def __init__(self, sample_rate_hz: int) -> None:
        """Take the rate of the s16le mono samples that will come."""
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
