"""The client's audio in OpenAI's Realtime API: base64 parts of any size, made into the session's frames.

Rules kept here:

* With turn detection audio goes on at once. Without it, it waits here until the client commits it, so that
  ``input_audio_buffer.clear`` takes back all of it.
* What goes on is in frames of one second at most: whatever waits behind them is reached between two of them.
"""

from collections.abc import Iterator
from typing import Final

import attrs

from protocol.dialects.realtime.g711 import decoded
from protocol.dialects.realtime.session_document import FormatFields
from protocol.messages.errors import RemoteProtocolError

SAMPLE_BYTES: Final = 2
MAX_BUFFER_BYTES: Final = 15 * 2**20  # 5 minutes at 24 kHz, as much as one event may bring
MIN_COMMIT_S: Final = 0.1  # as OpenAI's


@attrs.define
class InputBuffer:
    """Audio that was appended and has not gone on."""

    format: FormatFields
    _waiting: bytearray = attrs.field(factory=bytearray, init=False)
    _appended_samples: int = attrs.field(default=0, init=False)
    """Since the last commit or clear."""

    def __len__(self) -> int:
        """Return how many bytes of samples wait."""
        return len(self._waiting)

    @property
    def appended_s(self) -> float:
        """Seconds of audio since the last commit or clear."""
        return self._appended_samples / self.format.rate_hz

    def append(self, audio: bytes, *, goes_on: bool) -> tuple[bytes, ...]:
        """Take a part; return the frames that go on.

        Raises ``RemoteProtocolError`` for what cannot be audio, or does not fit.
        """
        pcm = audio if self.format.law is None else decoded(audio, self.format.law)
        if len(pcm) % SAMPLE_BYTES:
            raise RemoteProtocolError("bad_audio", f"audio must be 16-bit samples, not {len(pcm)} bytes")
        if not goes_on and len(self._waiting) + len(pcm) > MAX_BUFFER_BYTES:
            raise RemoteProtocolError("too_large", f"at most {MAX_BUFFER_BYTES} bytes of samples wait for a commit")
        self._appended_samples += len(pcm) // SAMPLE_BYTES
        if goes_on:
            return tuple(self._frames(pcm))
        self._waiting += pcm
        return ()

    def take(self) -> tuple[bytes, ...]:
        """Return all that waits, in frames; nothing waits after it."""
        pcm = bytes(self._waiting)
        self.clear()
        return tuple(self._frames(pcm))

    def clear(self) -> None:
        """Forget what waits, and how much has come."""
        self._waiting.clear()
        self._appended_samples = 0

    def _frames(self, pcm: bytes) -> Iterator[bytes]:
        step = self.format.rate_hz * SAMPLE_BYTES
        return (pcm[start : start + step] for start in range(0, len(pcm), step))
