"""Telephone audio: G.711 \u03bc-law and A-law codes to 16-bit samples and back (ITU-T G.711); pure.

Both have one byte a sample. They are tables here, because this package has no array library: decoding is two
``bytes.translate``, encoding one look-up a sample.
"""

import struct
from collections.abc import Callable
from functools import cache
from typing import Final, Literal

Law = Literal["mulaw", "alaw"]

RATE_HZ: Final = 8_000
BIAS: Final = 0x84  # of \u03bc-law, in units of 16-bit samples
MAX_MAGNITUDE: Final = 0x7F7B  # the largest that \u03bc-law can hold with its bias
MANTISSA: Final = 0x0F
SIGN: Final = 0x80
EVEN_BITS: Final = 0x55  # A-law inverts them on the line
CODES: Final = 256
SAMPLE_VALUES: Final = 65_536


def decoded(codes: bytes, law: Law) -> bytes:
    """Return s16le samples, as many as there are codes.

    >>> decoded(bytes([0xFF, 0x80]), "mulaw").hex()
    '00007c7d'
    """
    low, high = _bytes_of_codes(law)
    pcm = bytearray(2 * len(codes))
    pcm[0::2] = codes.translate(low)
    pcm[1::2] = codes.translate(high)
    return bytes(pcm)


def encoded(pcm: bytes, law: Law) -> bytes:
    """Return one code for each sample of s16le ``pcm``, whose length must be even."""
    table = _codes_of_samples(law)
    return bytes([table[sample] for sample in struct.unpack(f"<{len(pcm) // 2}H", pcm)])


@cache
def _bytes_of_codes(law: Law) -> tuple[bytes, bytes]:
    """Return the low and the high byte of each code's sample."""
    value_of = _VALUES[law]
    samples = [struct.pack("<h", value_of(code)) for code in range(CODES)]
    return bytes(sample[0] for sample in samples), bytes(sample[1] for sample in samples)


@cache
def _codes_of_samples(law: Law) -> bytes:
    """Return the code of every sample, which is the index taken as an unsigned number."""
    code_of = _CODES[law]
    return bytes(code_of(value) for value in (*range(SAMPLE_VALUES // 2), *range(-SAMPLE_VALUES // 2, 0)))


def _mulaw_value(code: int) -> int:
    inverted = ~code & 0xFF
    magnitude = ((((inverted & MANTISSA) << 3) + BIAS) << ((inverted >> 4) & 7)) - BIAS
    return -magnitude if inverted & SIGN else magnitude


def _mulaw_code(value: int) -> int:
    biased = min(abs(value), MAX_MAGNITUDE) + BIAS
    exponent = biased.bit_length() - 8
    code = (SIGN if value < 0 else 0) | exponent << 4 | (biased >> (exponent + 3)) & MANTISSA
    return ~code & 0xFF


def _alaw_value(code: int) -> int:
    straight = code ^ EVEN_BITS
    exponent, mantissa = (straight >> 4) & 7, (straight & MANTISSA) << 4
    magnitude = mantissa + 8 if exponent == 0 else (mantissa + 0x108) << (exponent - 1)
    return magnitude if straight & SIGN else -magnitude


def _alaw_code(value: int) -> int:
    magnitude = value if value >= 0 else ~value
    exponent = max(0, magnitude.bit_length() - 8)
    mantissa = (magnitude >> (4 if exponent == 0 else exponent + 3)) & MANTISSA
    return ((SIGN if value >= 0 else 0) | exponent << 4 | mantissa) ^ EVEN_BITS


_VALUES: Final[dict[Law, Callable[[int], int]]] = {"mulaw": _mulaw_value, "alaw": _alaw_value}
_CODES: Final[dict[Law, Callable[[int], int]]] = {"mulaw": _mulaw_code, "alaw": _alaw_code}
