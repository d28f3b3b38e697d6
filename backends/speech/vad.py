"""Voice activity by earshot: one probability per 16 ms, 8 microseconds each, so it runs in the event loop.

It hears tones as speech now and then; the recogniser's worker takes a second opinion (``backends/speech/whisper.py``).
"""

import earshot
import numpy as np

FRAME_SAMPLES = 256  # earshot's fixed frame: 16 ms at 16 kHz
_FRAME_BYTES = FRAME_SAMPLES * 2


class EarshotDetector:
    """A ``SpeechDetector``; samples that do not fill a frame wait for the next call."""

    def __init__(self) -> None:
        self._detector = earshot.Detector()
        self._rest = b""

    def probabilities(self, pcm: bytes) -> list[float]:
        """Return one speech probability 0..1 per frame completed by ``pcm``, s16le mono at 16 kHz.

        Raises ``ValueError`` for half a sample, which a decoder never delivers.
        """
        if len(pcm) % 2:
            raise ValueError(f"pcm must hold whole 16-bit samples, not {len(pcm)} bytes")
        data = self._rest + pcm
        whole_bytes = len(data) - len(data) % _FRAME_BYTES
        self._rest = data[whole_bytes:]
        frames = np.frombuffer(data[:whole_bytes], dtype="<i2").reshape(-1, FRAME_SAMPLES)
        return [float(self._detector.predict_i16(frame)) for frame in frames]

    def reset(self) -> None:
        """Forget the past, the waiting samples included."""
        self._detector.reset()
        self._rest = b""
