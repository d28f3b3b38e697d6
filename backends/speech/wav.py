"""WAV files as samples: PCM of 8 to 32 bits, floats, A-law and \u03bc-law; pure.

Rules kept here:

* Sizes in the header that a streaming program could not know are ignored; half a sample at the end is left out.
* Other widths are cut to their 16 highest bits.
* Chunks may stand in any order, and an odd one may lack its byte of padding.
"""

import struct
from collections.abc import Iterator
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from backends.speech.mixing import Samples, mixed

FULL_SCALE: Final = 32_767
PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE  # format tags; the last one has the real one in its subformat
WIDTHS: Final = {PCM: (1, 2, 3, 4), FLOAT: (4, 8), ALAW: (1,), MULAW: (1,)}
OTHER_FORMATS: Final = {2: "ADPCM", 0x11: "ADPCM", 0x31: "GSM", 0x50: "MPEG", 0x55: "MP3", 0xFF: "AAC"}
OTHER_FILES: Final = {b"ID3": "MP3", b"OggS": "Ogg", b"fLaC": "FLAC", b"RIFX": "big-endian WAV", b"FORM": "AIFF"}
RIFF_BYTES, CHUNK_BYTES, FMT_BYTES, SUBFORMAT_AT, DS64_BYTES = 12, 8, 16, 24, 16
PADDED_BITS: Final = range(17, 25)  # may stand in four bytes, which only the size of a block says
UNKNOWN_SIZES: Final = 0x7FFF_0000  # and above: a program that did not know the end wrote them
MAX_RATE_HZ: Final = 768_000  # of any converter that there is


@attrs.frozen
class WavKind:
    """The format of a WAV file's samples."""

    tag: int
    channels: int
    sample_rate: int
    width: int
    """Bytes of one sample."""

    @classmethod
    def read(cls, chunk: bytes) -> "WavKind":
        """Read a ``fmt`` chunk; raises ``ValueError`` unless it is PCM, float, A-law or \u03bc-law."""
        if len(chunk) < FMT_BYTES:
            raise ValueError("its format is cut off")
        tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunk)
        if tag == EXTENSIBLE and len(chunk) >= SUBFORMAT_AT + 2:
            (tag,) = struct.unpack_from("<H", chunk, SUBFORMAT_AT)
        width = 1 if tag in {ALAW, MULAW} else (bits + 7) // 8
        if tag == PCM and bits in PADDED_BITS and block == 4 * channels:
            width = 4
        if tag in OTHER_FORMATS:
            raise ValueError(f"its samples are {OTHER_FORMATS[tag]}")
        if width not in WIDTHS.get(tag, ()) or not channels:
            raise ValueError(f"its samples are of format {tag} with {bits} bits in {channels} channels")
        if not 0 < rate <= MAX_RATE_HZ:
            raise ValueError(f"it has {rate} samples a second")
        return cls(tag, channels, rate, width)

    def to_s16le(self, data: bytes) -> bytes:
        """Return whole samples of all channels as s16le; floats beyond -1..1 are clipped."""
        data = data[: len(data) - len(data) % (self.width * self.channels)]
        if self.tag == PCM:
            return to_s16le(data, self.width)
        if self.tag in {ALAW, MULAW}:
            codes = np.frombuffer(data, np.uint8)
            return (_alaw(codes) if self.tag == ALAW else _mulaw(codes)).astype("<i2").tobytes()
        samples = np.nan_to_num(np.frombuffer(data, f"<f{self.width}"), posinf=1.0, neginf=-1.0)
        pcm: bytes = (np.clip(samples, -1.0, 1.0) * FULL_SCALE).round().astype("<i2").tobytes()
        return pcm


def wav_parts(content: bytes) -> tuple[WavKind, bytes]:
    """Return the format and the samples of a WAV file; raises ``ValueError``."""
    if content[:4] not in {b"RIFF", b"RF64", b"BW64"} or content[8:12] != b"WAVE":
        kind = next((name for magic, name in OTHER_FILES.items() if content.startswith(magic)), None)
        raise ValueError("it does not begin with RIFF and WAVE" if kind is None else f"it is a file of kind {kind}")
    found: WavKind | None = None
    samples: bytes | None = None
    for name, data in _chunks(content):
        if name == b"fmt ":
            found = WavKind.read(data)
        elif name == b"data":
            samples = data if samples is None else samples
    if found is None:
        raise ValueError("it has no format")
    if not samples:
        raise ValueError("it has no samples")
    return found, samples


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield names and contents of chunks; one whose size cannot be true goes on to the end."""
    at, long_size = RIFF_BYTES, 0
    while at + CHUNK_BYTES <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        at += CHUNK_BYTES
        if name == b"ds64" and size >= DS64_BYTES and at + DS64_BYTES <= len(content):
            (long_size,) = struct.unpack_from("<Q", content, at + 8)
        if name == b"data":
            size = _data_size(content, at, size, long_size)
        yield name, content[at : at + size]
        at += size
        is_padded = size % 2 and not (_is_name(content[at : at + 4]) and not _is_name(content[at + 1 : at + 5]))
        at += 1 if is_padded else 0


def _data_size(content: bytes, at: int, size: int, long_size: int) -> int:
    """Return how many bytes of samples there are at ``at``, of which the header says ``size``."""
    rest = len(content) - at
    if size >= UNKNOWN_SIZES and 0 < long_size <= rest:  # RF64
        return long_size
    if size == 0 and rest >= CHUNK_BYTES and _is_name(content[at : at + 4]):  # really nothing, and then something else
        (following,) = struct.unpack_from("<I", content, at + 4)
        return 0 if following <= rest - CHUNK_BYTES else rest
    return size if 0 < size < UNKNOWN_SIZES else rest


def _is_name(name: bytes) -> bool:
    """Return whether four bytes can be the name of a chunk."""
    return len(name) == 4 and name.isascii() and all(0x20 <= byte < 0x7F for byte in name)  # noqa: PLR2004


def _mulaw(codes: npt.NDArray[np.uint8]) -> Samples:
    """Return \u03bc-law codes as samples (ITU-T G.711)."""
    value = ~codes
    exponent = ((value >> 4) & 7).astype(np.int16)
    magnitude: Samples = ((((value & 15).astype(np.int16) << 3) + 0x84) << exponent) - 0x84
    return np.where(value & 0x80, -magnitude, magnitude)


def _alaw(codes: npt.NDArray[np.uint8]) -> Samples:
    """Return A-law codes as samples (ITU-T G.711)."""
    value = codes ^ 0x55
    exponent = ((value >> 4) & 7).astype(np.int16)
    mantissa = (value & 15).astype(np.int16) << 4
    magnitude: Samples = np.where(exponent, (mantissa + 0x108) << np.maximum(exponent - 1, 0), mantissa + 8)
    return np.where(value & 0x80, magnitude, -magnitude)


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


def one_channel(pcm: bytes, channels: int) -> bytes:
    """Return the mean of all channels, or the loudest one where the mean would be silence."""
    return mixed(np.frombuffer(pcm, "<i2").reshape(-1, channels).T).astype("<i2").tobytes()


def audible_channel(pcm: bytes, channels: int) -> bytes | None:
    """Return one channel of several if the mean of all would be silence, else ``None``."""
    if not pcm or channels == 1:
        return None
    planes = np.frombuffer(pcm, "<i2").reshape(-1, channels).T
    mono = mixed(planes)
    return mono.tobytes() if np.may_share_memory(mono, planes) else None
