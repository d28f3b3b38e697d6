"""Converts an answer's speech to binary frames: samples or Opus packets; sans-IO.

Rules kept here:

* The announced format holds until the next ``speech_audio_start``.
* Packets whose encoder is missing, because its actor was started anew in the middle, come again with the next start.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import attrs

from protocol.messages.events import SpeechAudioEnd, SpeechAudioStart, SpeechFormat

OPUS_RATE_HZ: Final = 48_000


class SpeechEncoder(Protocol):
    """Makes packets of one stretch of speech."""

    def encode(self, pcm: bytes, *, is_last: bool = False) -> list[bytes]:
        """Return the packets that are complete."""


@attrs.define
class SpeechFrames:
    """The binary frames of one session's speech."""

    make_encoder: Callable[[int], SpeechEncoder]
    """Takes the rate of the samples, in Hz."""
    _rate_hz: int = 0
    _encoder: SpeechEncoder | None = None
    _is_plain: bool | None = None
    """``None`` until speech has begun."""

    def announce(self, event: Any, wanted: SpeechFormat) -> tuple[Sequence[bytes], Any]:
        """Return the frames to send before an event, and the event in the client's format."""
        match event:
            case SpeechAudioStart(turn_id, _, sample_rate):
                self._rate_hz, self._is_plain = sample_rate, wanted != "opus"
                self.drop()
                return (), event if self._is_plain else SpeechAudioStart(turn_id, "opus", OPUS_RATE_HZ)
            case SpeechAudioEnd() if self._encoder is not None:
                last = self._encoder.encode(b"", is_last=True)
                self.drop()
                return last, event
            case _:
                return (), event

    def frames(self, pcm: bytes, wanted: SpeechFormat) -> Sequence[bytes]:
        """Return the binary frames for more samples."""
        if self._is_plain or (self._is_plain is None and wanted != "opus"):
            return (pcm,)
        return () if self._encoder is None else self._encoder.encode(pcm)

    def drop(self) -> None:
        """Drop audio that was not sent; a new stretch begins."""
        self._encoder = None if self._is_plain or not self._rate_hz else self.make_encoder(self._rate_hz)
