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


FORMATS: Final = {
    "mp3": Format("audio/mpeg", "mp3", "libmp3lame"),
    "opus": Format("audio/ogg", "ogg", "libopus", 48_000),
    "aac": Format("audio/aac", "adts", "aac"),
    "flac": Format("audio/flac", "flac", "flac"),
    "wav": Format("audio/wav", "wav", "pcm_s16le"),
    "pcm": Format("audio/pcm", "", "", PCM_RATE_HZ),
}


def encode(pcm: bytes, rate_hz: int, name: str) -> bytes:
    """Return s16le mono samples in the format ``name`` of ``FORMATS``."""
    wanted = FORMATS[name]
    samples = np.frombuffer(pcm, dtype="<i2")
    target_hz = wanted.rate_hz or rate_hz
    if target_hz != rate_hz:
        samples = soxr.resample(samples, rate_hz, target_hz)
    if not wanted.container:
        return samples.astype("<i2", copy=False).tobytes()
    return _muxed(samples, target_hz, wanted)


def _muxed(samples: Any, rate_hz: int, wanted: Format) -> bytes:
    import av  # noqa: PLC0415 - only in a server that speaks

    out = io.BytesIO()
    with av.open(out, "w", format=wanted.container) as container:
        stream: Any = container.add_stream(wanted.codec, rate=rate_hz, layout="mono")
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate_hz, frame_size=_frame_size(stream))
        for start in range(0, len(samples), BLOCK_SAMPLES):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + BLOCK_SAMPLES], "s16", "mono")
            frame.sample_rate = rate_hz
            frame.pts = start
            frame.time_base = Fraction(1, rate_hz)
            for part in resampler.resample(frame):
                container.mux(stream.encode(part))
        for part in resampler.resample(None):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return out.getvalue()


def _frame_size(stream: Any) -> int:
    """Return how many samples the encoder wants at a time; 0: as they come."""
    stream.codec_context.open(strict=False)
    return int(stream.codec_context.frame_size or 0)
