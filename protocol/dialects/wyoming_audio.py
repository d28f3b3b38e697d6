"""The samples of a Wyoming client in a session's format; pure.

Rules kept here:

* A session takes signed samples of two bytes, 8 to 48 kHz, one or two channels. Widths of 1, 3 and 4 bytes are cut to
  two (the ``wyoming`` package counts all of them as signed), and of more than two channels the first is heard.
* A client may change its format with any event, and end an event in mid-sample: Home Assistant passes on pieces of any
  length. The rest belongs to the next event.
"""

from collections.abc import Sequence
from typing import Final

import attrs

from protocol.dialects.wyoming_frames import WyomingEvent, bad_field
from protocol.messages.events import AudioFormat, SessionUpdate

MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 48_000
MAX_WIDTH_BYTES: Final = 4
MAX_CHANNELS: Final = 8
WIDTH_BYTES: Final = 2


@attrs.frozen
class WyomingSound:
    """The format of a client's audio."""

    rate_hz: int = 16_000
    width_bytes: int = WIDTH_BYTES
    channels: int = 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of each channel."""
        return self.width_bytes * self.channels

    @property
    def session_format(self) -> AudioFormat:
        """The format in which the session gets it."""
        return AudioFormat("pcm_s16le", self.rate_hz, 2 if self.channels == 2 else 1)  # noqa: PLR2004 - stereo


def sound_of(event: WyomingEvent, usual: WyomingSound | None = None) -> WyomingSound:
    """Return the format of an event, in what it leaves out the ``usual`` one; raises ``RemoteProtocolError``."""
    usual = usual or WyomingSound()
    rate_hz, width_bytes = event.number("rate", usual.rate_hz), event.number("width", usual.width_bytes)
    channels = event.number("channels", usual.channels)
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise bad_field(f"{event.type}.rate must lie within {MIN_RATE_HZ} and {MAX_RATE_HZ} Hz, not {rate_hz}")
    if width_bytes > MAX_WIDTH_BYTES:
        raise bad_field(f"{event.type}.width must be at most {MAX_WIDTH_BYTES} bytes, not {width_bytes}")
    if channels > MAX_CHANNELS:
        raise bad_field(f"{event.type}.channels must be at most {MAX_CHANNELS}, not {channels}")
    return WyomingSound(rate_hz, width_bytes, channels)


def samples_of(pcm: bytes, sound: WyomingSound) -> bytes:
    """Return whole samples as a session takes them: s16le, one or two channels.

    >>> samples_of(bytes([1, 2, 3, 4, 5, 6, 7, 8]), WyomingSound(width_bytes=4)).hex()
    '03040708'
    """
    width, step = sound.width_bytes, sound.frame_bytes
    heard = 2 if sound.channels == 2 else 1  # noqa: PLR2004 - stereo
    if width == WIDTH_BYTES and heard == sound.channels:
        return pcm
    out = bytearray(len(pcm) // step * heard * WIDTH_BYTES)
    for channel in range(heard):
        at, to = channel * width, channel * WIDTH_BYTES
        out[to + 1 :: heard * WIDTH_BYTES] = pcm[at + width - 1 :: step]
        if width > 1:
            out[to :: heard * WIDTH_BYTES] = pcm[at + width - 2 :: step]
    return bytes(out)


@attrs.define
class WyomingAudio:
    """The audio of one connection."""

    sound: WyomingSound = attrs.field(factory=WyomingSound, init=False)
    received_ms: float = attrs.field(default=0.0, init=False)
    """How much has come since the session began."""
    _rest: bytes = attrs.field(default=b"", init=False)
    """The beginning of a sample."""

    def take_format(self, sound: WyomingSound) -> Sequence[SessionUpdate]:
        """Take the format of what follows; return what the session must be told."""
        before, self.sound = self.sound, sound
        if before != sound:
            self._rest = b""
        is_same = before.session_format == sound.session_format
        return () if is_same else (SessionUpdate(audio=sound.session_format),)

    def begin(self) -> None:
        """Forget the beginning of a sample: other audio follows."""
        self._rest = b""

    def samples(self, pcm: bytes) -> bytes:
        """Return the samples that are whole now, for the session."""
        pcm = self._rest + pcm
        end = len(pcm) // self.sound.frame_bytes * self.sound.frame_bytes
        self._rest = pcm[end:]
        self.received_ms += 1_000 * end / self.sound.frame_bytes / self.sound.rate_hz
        return samples_of(pcm[:end], self.sound)
