"""WAV files as samples: PCM of 8 to 32 bits and floats; pure.

Rules kept here:

* Sizes in the header that a streaming program could not know are ignored; half a sample at the end is left out.
* Other widths are cut to their 16 highest bits.
"""

import struct
from typing import Final

import attrs
import numpy as np

from backends.speech.mixing import mixed

STEREO: Final = 2
FULL_SCALE: Final = 32_767
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # format tags; the last one has the real one in its subformat
RIFF_BYTES, CHUNK_BYTES, FMT_BYTES, SUBFORMAT_AT = 12, 8, 16, 24
UNKNOWN_SIZES: Final = 0x7FFF_0000  # and above: a program that did not know the end wrote them


@attrs.frozen
class WavKind:
    """The format of a WAV file's samples."""

    is_float: bool
    channels: int
    sample_rate: int
    width: int
    """Bytes of one sample."""

    @classmethod
    def read(cls, chunk: bytes) -> "WavKind":
        """Read a ``fmt`` chunk; raises ``ValueError`` unless it is PCM or float."""
        if len(chunk) < FMT_BYTES:
            raise ValueError("its format is cut off")
        tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
        if tag == EXTENSIBLE and len(chunk) >= SUBFORMAT_AT + 2:
            (tag,) = struct.unpack_from("<H", chunk, SUBFORMAT_AT)
        widths = {PCM: (1, 2, 3, 4), FLOAT: (4, 8)}.get(tag, ())
        width = (bits + 7) // 8
        if width not in widths or not channels:
            raise ValueError(f"its samples are of format {tag} with {bits} bits")
        return cls(tag == FLOAT, channels, rate, width)

    def to_s16le(self, data: bytes) -> bytes:
        """Return whole samples of all channels as s16le; floats beyond -1..1 are clipped."""
        data = data[: len(data) - len(data) % (self.width * self.channels)]
        if not self.is_float:
            return to_s16le(data, self.width)
        samples = np.nan_to_num(np.frombuffer(data, f"<f{self.width}"), posinf=1.0, neginf=-1.0)
        pcm: bytes = (np.clip(samples, -1.0, 1.0) * FULL_SCALE).round().astype("<i2").tobytes()
        return pcm


def wav_parts(content: bytes) -> tuple[WavKind, bytes]:
    """Return the format and the samples of a WAV file; raises ``ValueError``."""
    if content[:4] not in {b"RIFF", b"RF64"} or content[8:12] != b"WAVE":
        raise ValueError("it does not begin with RIFF and WAVE")
    kind, at = None, RIFF_BYTES
    while at + CHUNK_BYTES <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        at += CHUNK_BYTES
        if name == b"fmt ":
            kind = WavKind.read(content[at : at + size])
        elif name == b"data" and kind is not None:
            is_known = 0 < size < UNKNOWN_SIZES
            return kind, content[at : at + size] if is_known else content[at:]
        at += size + size % 2
    raise ValueError("it has no format" if kind is None else "it has no samples")


def to_s16le(data: bytes, width: int) -> bytes:
    """Return little-endian samples of ``width`` bytes as s16le; 8-bit WAV samples are unsigned."""
    if width == 2:  # noqa: PLR2004 - bytes
        return data
    data = data[: len(data) - len(data) % width]
    pcm = bytearray(2 * (len(data) // width))
    if width == 1:
        pcm[1::2] = data.translate(bytes(value ^ 0x80 for value in range(256)))
    else:
        pcm[0::2] = data[width - 2 :: width]
        pcm[1::2] = data[width - 1 :: width]
    return bytes(pcm)


def audible_channel(pcm: bytes) -> bytes | None:
    """Return one channel of stereo samples if the mean of both would be silence, else ``None``."""
    if not pcm:
        return None
    planes = np.frombuffer(pcm, "<i2").reshape(-1, STEREO).T
    mono = mixed(planes)
    return mono.tobytes() if np.may_share_memory(mono, planes) else None
