"""Speech in the formats that clients of an HTTP API ask for. Blocks for some milliseconds a second of sound.

Only our own samples are encoded here. FFmpeg is loaded when it is needed, in the thread that encodes.
"""

import io
from fractions import Fraction
from typing import Any, Final

import attrs
import numpy as np
import soxr

PCM_RATE_HZ: Final = 24_000  # what OpenAI's API means by "pcm"
BLOCK_SAMPLES: Final = 4_096


@attrs.frozen
class Format:
    """How FFmpeg encodes a format."""

    content_type: str
    container: str
    codec: str
    rate_hz: int | None = None
    """Samples a second; ``None`` keeps the rate of the input."""
    options: dict[str, str] = attrs.field(factory=dict)
    """Of FFmpeg's container."""


FORMATS: Final = {
    "mp3": Format("audio/mpeg", "mp3", "libmp3lame"),
    "opus": Format("audio/ogg", "ogg", "libopus", 48_000, {"page_duration": "200000"}),  # µs of sound a page
    "aac": Format("audio/aac", "adts", "aac"),
    "flac": Format("audio/flac", "flac", "flac"),
    "wav": Format("audio/wav", "wav", "pcm_s16le"),
    "pcm": Format("audio/pcm", "", "", PCM_RATE_HZ),
}


def encode(pcm: bytes, rate_hz: int, name: str) -> bytes:
    """Return s16le mono samples in the format ``name`` of ``FORMATS``, its head with the true length."""
    whole = io.BytesIO()
    encoder = FileEncoder(rate_hz, name, whole)
    encoder.feed(pcm)
    encoder.finish()
    return whole.getvalue()


class StreamedFile:
    """A file that is only written, and read by who sends it on: FFmpeg then writes a head without a length."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """Keep the bytes."""
        self._written += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        data, self._written = bytes(self._written), bytearray()
        return data


class FileEncoder:
    """Encodes speech as it comes, into a file."""

    def __init__(self, rate_hz: int, name: str, file: io.BytesIO | StreamedFile) -> None:
        """Take s16le mono samples at ``rate_hz``; raises ``KeyError`` for a format that is not in ``FORMATS``."""
        wanted = FORMATS[name]
        target_hz = wanted.rate_hz or rate_hz
        self._file = file
        self._rate = soxr.ResampleStream(rate_hz, target_hz, 1, dtype="int16") if target_hz != rate_hz else None
        self._muxer = Muxer(file, target_hz, wanted) if wanted.container else None

    def feed(self, pcm: bytes) -> None:
        """Encode more samples."""
        self._write(np.frombuffer(pcm, dtype="<i2"), is_last=False)

    def finish(self) -> None:
        """Write what is left, and the end."""
        self._write(np.zeros(0, dtype="<i2"), is_last=True)
        if self._muxer is not None:
            self._muxer.close()

    def _write(self, samples: Any, *, is_last: bool) -> None:
        if self._rate is not None:
            samples = self._rate.resample_chunk(samples, last=is_last)
        if self._muxer is None:
            self._file.write(samples.astype("<i2", copy=False).tobytes())
        else:
            self._muxer.write(samples)


class Muxer:
    """FFmpeg's encoder and container around a file."""

    def __init__(self, file: io.BytesIO | StreamedFile, rate_hz: int, wanted: Format) -> None:
        import av  # noqa: PLC0415 - only in a server that speaks

        self._make_frame = av.AudioFrame.from_ndarray
        self._rate_hz = rate_hz
        self._written = 0  # samples
        self._container: Any = av.open(file, "w", format=wanted.container, container_options=wanted.options)
        stream: Any = self._container.add_stream(wanted.codec, rate=rate_hz, layout="mono")
        self._stream = stream
        size = _frame_size(stream)
        self._resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate_hz, frame_size=size)

    def write(self, samples: Any) -> None:
        """Encode int16 samples of shape (n,)."""
        for start in range(0, len(samples), BLOCK_SAMPLES):
            block = samples[None, start : start + BLOCK_SAMPLES]
            frame = self._make_frame(block, "s16", "mono")
            frame.sample_rate = self._rate_hz
            frame.pts = self._written
            frame.time_base = Fraction(1, self._rate_hz)
            self._written += block.shape[1]
            self._encode(frame)

    def close(self) -> None:
        """Encode what is left, and write the end."""
        self._encode(None)
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def _encode(self, frame: Any) -> None:
        for part in self._resampler.resample(frame):
            self._container.mux(self._stream.encode(part))


def _frame_size(stream: Any) -> int:
    """Return how many samples the encoder wants at a time; 0: as they come."""
    stream.codec_context.open(strict=False)
    return int(stream.codec_context.frame_size or 0)
