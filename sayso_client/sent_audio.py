"""The audio of a session that the server may still need: not acknowledged, or not sent.

Rules kept here:

* A position is the number of samples (of one channel) before it, as in docs/protocol.md; it never changes in a session.
* Presses and releases of a push-to-talk button keep their positions between the samples.
* The kept audio is bounded in time: ``has_room`` says whether more may be added.
"""

from collections import deque
from typing import Final

import attrs

from sayso_client.requests import AudioFormat

OPUS_RATE_HZ: Final = 48_000
PIECE_BYTES: Final = 16_384  # half a second at 16 kHz; a server takes more, and a proxy may not
SAMPLE_BYTES: Final = {"pcm_s16le": 2, "pcm_f32le": 4}
# frames of 10, 20, 40 and 60 ms (SILK), 10 and 20 ms (hybrid), 2.5 to 20 ms (CELT), at 48 kHz: RFC 6716, table 2
OPUS_FRAME_SAMPLES: Final = (480, 960, 1_920, 2_880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
OPUS_CODE_OF_MANY: Final = 3


@attrs.frozen
class Piece:
    """A frame of audio, or a text frame (``str``) between two."""

    start: int
    end: int
    frame: bytes | str


class SentAudio:
    """The sent and the unsent audio of one session."""

    def __init__(self, audio_format: AudioFormat, kept_s: float) -> None:
        """Keep at most ``kept_s`` of audio, and one frame more."""
        self._format = audio_format
        self._kept_samples = kept_s * audio_format.sample_rate
        self._pieces: deque[Piece] = deque()
        self._sent = 0  # how many of the pieces
        self._end = 0

    @property
    def has_room(self) -> bool:
        """Whether more may be added."""
        return not self._pieces or self._end - self._pieces[0].start < self._kept_samples

    @property
    def has_unsent(self) -> bool:
        """Whether something is to be sent."""
        return self._sent < len(self._pieces)

    def add(self, data: bytes) -> None:
        """Append audio, in pieces if it is much; raises ``ValueError`` for a part of a sample or no Opus packet."""
        if self._format.format == "opus":
            self._append(data, opus_samples(data) * self._format.sample_rate // OPUS_RATE_HZ)
            return
        size = self._sample_bytes
        if len(data) % size:
            raise ValueError(f"audio must be whole samples of {size} bytes, not {len(data)} bytes")
        step = PIECE_BYTES // size * size
        for start in range(0, len(data), step):
            part = data[start : start + step]
            self._append(part, len(part) // size)

    def add_mark(self, frame: str) -> None:
        """Append a text frame that keeps its position between the samples."""
        self._append(frame, 0)

    def next(self) -> bytes | str:
        """Return the next frame to send, which counts as sent from now on."""
        piece = self._pieces[self._sent]
        self._sent += 1
        return piece.frame

    def acknowledge(self, samples: int) -> None:
        """Forget what was sent and lies before ``samples``."""
        while self._sent and self._pieces[0].end <= samples and self._pieces[0].start < samples:
            self._pieces.popleft()
            self._sent -= 1

    def resume_at(self, samples: int) -> None:
        """Send again from ``samples`` on, where the server's audio ends.

        A press or release at that position is sent again: the server may have received it, and to receive it
        twice changes nothing.
        """
        self._sent = 0
        while self._pieces and self._pieces[0].end <= samples and self._pieces[0].start < samples:
            self._pieces.popleft()
        if self._pieces and self._pieces[0].start < samples:
            self._pieces[0] = self._from(self._pieces[0], samples)

    def restart(self) -> None:
        """Begin a new session: sent audio belonged to the lost one, unsent audio is the first of the new one."""
        waiting = [self._pieces[number] for number in range(self._sent, len(self._pieces))]
        self._pieces.clear()
        self._sent = self._end = 0
        for piece in waiting:
            self._append(piece.frame, piece.end - piece.start)

    @property
    def _sample_bytes(self) -> int:
        return SAMPLE_BYTES[self._format.format] * self._format.channels

    def _append(self, frame: bytes | str, samples: int) -> None:
        self._pieces.append(Piece(self._end, self._end + samples, frame))
        self._end += samples

    def _from(self, piece: Piece, samples: int) -> Piece:
        """Return the rest of a piece; an Opus packet has no parts."""
        if self._format.format == "opus" or isinstance(piece.frame, str):
            return piece
        skipped = (samples - piece.start) * self._sample_bytes
        return Piece(samples, piece.end, piece.frame[skipped:])


def opus_samples(packet: bytes) -> int:
    """Return how many samples at 48 kHz an Opus packet holds (RFC 6716 section 3.1); raises ``ValueError``."""
    if not packet:
        raise ValueError("an Opus packet must have at least 1 byte")
    frame_samples = OPUS_FRAME_SAMPLES[packet[0] >> 3]
    code = packet[0] & 3
    if code < OPUS_CODE_OF_MANY:
        return frame_samples * (1 if code == 0 else 2)
    if len(packet) < 2:  # noqa: PLR2004 - the table of contents, and the number of frames
        raise ValueError("an Opus packet of many frames must say how many")
    return frame_samples * (packet[1] & 0x3F)
