"""The audio of a Deepgram stream in a session's format; pure.

Rules kept here:

* A stream is cut anywhere, so what is left of a sample belongs to the next frame. An Opus frame is one packet.
* Without an encoding the stream is a WAV file as it is written: its head says what follows, and is read here, because
  it is a few numbers. Other containers are for recordings, which a process of their own decodes.
"""

import struct
from collections.abc import Mapping
from typing import Final

import attrs

from protocol.dialects.deepgram.listen_query import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ, Encoding, ListenSound
from protocol.dialects.realtime.g711 import Law, decoded
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import AudioFormat, SampleFormat

SAMPLE_BYTES: Final[Mapping[Encoding, int]] = {"linear16": 2, "linear32": 4, "mulaw": 1, "alaw": 1}
FORMATS: Final[Mapping[Encoding, SampleFormat]] = {"linear32": "pcm_f32le", "opus": "opus"}
"""Of a session; 16-bit samples for the others."""
WAV_ENCODINGS: Final[Mapping[tuple[int, int], Encoding]] = {
    (1, 16): "linear16",
    (3, 32): "linear32",
    (6, 8): "alaw",
    (7, 8): "mulaw",
}
"""By the format tag and the bits of a sample (Multimedia Programming Interface 1.0, Microsoft and IBM, 1991)."""
EXTENSIBLE: Final = 0xFFFE
"""The tag of a longer head, which has the real one at its byte 24."""
MAX_HEAD_BYTES: Final = 65_536  # of a WAV file before its samples
LAWS: Final[Mapping[Encoding, Law]] = {"mulaw": "mulaw", "alaw": "alaw"}
NO_AUDIO: Final = "the stream is no WAV file: name its encoding, or send the recording to POST /v1/listen"


@attrs.frozen
class StreamFormat:
    """What is in a stream."""

    encoding: Encoding
    rate_hz: int
    channels: int

    @property
    def session_format(self) -> AudioFormat:
        """The format in which the session gets it."""
        return AudioFormat(FORMATS.get(self.encoding, "pcm_s16le"), self.rate_hz, 2 if self.channels > 1 else 1)

    def seconds(self, data: bytes) -> float:
        """Return how long whole samples, or one packet, last."""
        width = SAMPLE_BYTES.get(self.encoding)
        return opus_seconds(data) if width is None else len(data) / width / self.channels / self.rate_hz


@attrs.define
class ListenAudio:
    """The audio of one connection."""

    format: StreamFormat | None
    """``None`` until the head of a WAV file was read."""
    received_s: float = attrs.field(default=0.0, init=False)
    """How much has come."""
    _rest: bytes = attrs.field(default=b"", init=False)
    """What came last and is not whole: a part of a sample, or of the head."""

    @classmethod
    def of(cls, sound: ListenSound) -> "ListenAudio":
        """Return the audio of a connection that begins."""
        if sound.encoding is None or sound.sample_rate_hz is None:
            return cls(None)
        return cls(StreamFormat(sound.encoding, sound.sample_rate_hz, sound.channels))

    def take(self, data: bytes) -> bytes:
        """Return the samples that are whole now, as the session takes them.

        Raises ``RemoteProtocolError``, a fatal one, where the stream is no audio.
        """
        if self.format is None:
            data = self._after_head(data)
        if self.format is None or not data:
            return b""
        law, width = LAWS.get(self.format.encoding), SAMPLE_BYTES.get(self.format.encoding)
        if width is not None:
            data, step = self._rest + data, width * self.format.channels
            whole = len(data) // step * step
            data, self._rest = data[:whole], data[whole:]
        self.received_s += self.format.seconds(data)
        return data if law is None else decoded(data, law)

    def _after_head(self, data: bytes) -> bytes:
        """Read the head of a WAV file; return what came behind it."""
        head = self._rest + data
        try:
            found = wav_head(head)
        except ValueError as error:
            raise RemoteProtocolError("bad_audio", str(error), fatal=True) from error
        if found is None:
            self._rest = head
            return b""
        self._rest = b""
        self.format, begins_at = found
        return head[begins_at:]


def wav_head(head: bytes) -> tuple[StreamFormat, int] | None:
    """Return the format that a WAV file's head tells, and where its samples begin; ``None`` if more must come.

    Raises ``ValueError`` for what is no such head.
    """
    if not (b"RIFF".startswith(head[:4]) and b"WAVE".startswith(head[8:12])):
        raise ValueError(NO_AUDIO)
    at, found = 12, None
    while at + 8 <= len(head):
        name, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        if name == b"data":
            if found is None:
                raise ValueError("the WAV file has no fmt chunk before its data")
            return found, at + 8
        if name == b"fmt " and at + 8 + min(size, 26) <= len(head):
            found = _format_in(head[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
        if at > MAX_HEAD_BYTES:
            break
    if len(head) > MAX_HEAD_BYTES or at > MAX_HEAD_BYTES:
        raise ValueError(f"the WAV file has no samples in its first {MAX_HEAD_BYTES} bytes")
    return None


def opus_seconds(packet: bytes) -> float:
    """Return how long an Opus packet lasts, by its first bytes (RFC 6716, section 3.1).

    >>> opus_seconds(bytes([0b11111_0_00]))  # one frame of CELT, full band
    0.02
    """
    if not packet:
        return 0.0
    config, code = packet[0] >> 3, packet[0] & 3
    sizes_ms = (10, 20, 40, 60) if config < 12 else (10, 20) if config < 16 else (2.5, 5, 10, 20)  # noqa: PLR2004
    frames = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[code]
    return sizes_ms[config % len(sizes_ms)] * frames / 1_000


def _format_in(chunk: bytes) -> StreamFormat:
    if len(chunk) < 16:  # noqa: PLR2004 - the shortest that there is
        raise ValueError(f"the WAV file's fmt chunk must have 16 bytes or more, not {len(chunk)}")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == EXTENSIBLE and len(chunk) >= 26:  # noqa: PLR2004 - up to the real tag
        tag = int.from_bytes(chunk[24:26], "little")
    encoding = WAV_ENCODINGS.get((tag, bits))
    if encoding is None:
        raise ValueError(f"the WAV file has {bits}-bit samples of kind {tag}, which are not taken in a stream")
    if not 1 <= channels <= MAX_CHANNELS or not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise ValueError(
            f"a stream has 1 or {MAX_CHANNELS} channels of {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz,"
            f" not {channels} of {rate_hz} Hz"
        )
    return StreamFormat(encoding, rate_hz, channels)
