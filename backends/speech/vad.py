"""Voice activity by earshot: one probability per 16 ms, 8 microseconds each, so it runs in the event loop.

It takes some tones and much noise for speech; another detector judges what it may take for speech
(``backends/speech/two_stage_vad.py``), and the recogniser's worker whole utterances (``backends/speech/whisper.py``).
It also reports speech for some 110 ms after its end, which a comparison of levels shortens where the room is
quiet: docs/decisions/0011.
"""

from typing import Final

import earshot
import numpy as np

FRAME_SAMPLES = 256  # earshot's fixed frame: 16 ms at 16 kHz
_FRAME_BYTES = FRAME_SAMPLES * 2

VOICE_RANGE_DB: Final = 35.0  # the soft sounds of a voice are less than this below its loud ones
ROOM_MARGIN_DB: Final = 12.0  # and more than this above the room
VOICE_FALL_DB: Final = 0.05  # per frame, 3 dB/s: how fast a loud moment is forgotten
ROOM_RISE_DB: Final = 0.02  # per frame, 1.2 dB/s: how fast a quiet one is


class Levels:
    """Tracks the levels of voice and room, to find frames that are too quiet to be speech."""

    def __init__(self) -> None:
        self._voice_db = 0.0
        self._room_db = 100.0  # above full scale, which is 90 dB here: the first frame sets it

    def is_silent(self, level_db: float) -> bool:
        """Take the next frame's level; return whether it is both far below the voice and close to the room."""
        self._voice_db = max(level_db, self._voice_db - VOICE_FALL_DB)
        self._room_db = min(level_db, self._room_db + ROOM_RISE_DB)
        return level_db < self._voice_db - VOICE_RANGE_DB and level_db < self._room_db + ROOM_MARGIN_DB


class EarshotDetector:
    """A ``SpeechDetector``; samples that do not fill a frame wait for the next call."""

    clear_share: Final = 0.0  # at 25 dB below its usual level a short word never gets to 0.75

    def __init__(self) -> None:
        self._detector = earshot.Detector()
        self._levels = Levels()
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
        powers = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / FRAME_SAMPLES
        return [
            0.0 if self._levels.is_silent(level_db) else probability
            for level_db, probability in zip(
                (10 * np.log10(powers + 1)).tolist(), map(self._detector.predict_i16, frames), strict=True
            )
        ]

    def reset(self) -> None:
        """Reset to the state at the start of a stream, without waiting samples."""
        self._detector.reset()
        self._levels = Levels()
        self._rest = b""
