"""Sounds that tests write themselves, and a detector that knows them."""

import io
import wave

import numpy as np

RATE_HZ = 16_000


class LoudnessDetector:
    """Takes loud for speech, so that tests can write speech with a square wave."""

    clear_share = 0.0

    def __init__(self) -> None:
        self._rest = b""

    def probabilities(self, pcm: bytes) -> list[float]:
        data = self._rest + pcm
        whole = len(data) - len(data) % 512
        self._rest = data[whole:]
        frames = np.frombuffer(data[:whole], "<i2").reshape(-1, 256)
        return [1.0 if np.abs(frame).mean() > 500 else 0.0 for frame in frames]

    def reset(self) -> None:
        self._rest = b""


def sound(*parts: tuple[str, float]) -> bytes:
    """Return loud and quiet stretches, in seconds, as 16 kHz s16le mono."""
    pieces = []
    for kind, seconds in parts:
        count = round(seconds * RATE_HZ)
        level = 4_000 if kind == "loud" else 0
        pieces.append(np.where(np.arange(count) % 40 < 20, level, -level).astype("<i2"))
    return np.concatenate(pieces).tobytes()


def wav(pcm: bytes, rate_hz: int = RATE_HZ, channels: int = 1) -> io.BytesIO:
    """Return samples as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    out.seek(0)
    return out
