"""Random changes of good inputs: bits, numbers, pieces left out, repeated, or of another input; pure."""

import random
from collections.abc import Callable, Sequence
from typing import Final

EXTREMES: Final = (0, 1, 9, 10, 13, 31, 32, 34, 44, 58, 61, 92, 127, 128, 254, 255)
LARGEST: Final = 1 << 17
MOST_CHANGES: Final = 6


def mutated(rng: random.Random, samples: Sequence[bytes]) -> bytes:
    """Return one of the samples with up to ``MOST_CHANGES`` changes, of at most ``LARGEST`` bytes."""
    data = bytearray(rng.choice(samples))
    for _ in range(rng.randint(0, MOST_CHANGES)):
        rng.choice(CHANGES)(rng, data, samples)
    return bytes(data[:LARGEST])


def _span(rng: random.Random, data: bytearray) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 2, 4, 8, 64)))


def _flip(rng: random.Random, data: bytearray, _samples: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(rng: random.Random, data: bytearray, _samples: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.choice(EXTREMES)


def _number(rng: random.Random, data: bytearray, _samples: Sequence[bytes]) -> None:
    start, _ = _span(rng, data)
    value = rng.choice((0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
    size = rng.choice((2, 4, 8))
    data[start : start + size] = value.to_bytes(8, rng.choice(("little", "big")))[-size:]


def _digits(rng: random.Random, data: bytearray, _samples: Sequence[bytes]) -> None:
    start, end = _span(rng, data)
    data[start:end] = rng.choice(
        (b"-1", b"0", b"1e999", b"9" * 40, b"NaN", b"null", b"true", b"\xff\xfe", b"\r\n", b"{")
    )


def _remove(rng: random.Random, data: bytearray, _samples: Sequence[bytes]) -> None:
    start, end = _span(rng, data)
    del data[start:end]


def _repeat(rng: random.Random, data: bytearray, _samples: Sequence[bytes]) -> None:
    start, end = _span(rng, data)
    data[start:start] = data[start:end] * rng.choice((1, 2, 50))


def _insert(rng: random.Random, data: bytearray, _samples: Sequence[bytes]) -> None:
    start, _ = _span(rng, data)
    data[start:start] = rng.randbytes(rng.choice((1, 4, 32)))


def _cut(rng: random.Random, data: bytearray, _samples: Sequence[bytes]) -> None:
    del data[rng.randint(0, len(data)) :]


def _join(rng: random.Random, data: bytearray, samples: Sequence[bytes]) -> None:
    other = rng.choice(samples)
    del data[rng.randint(0, len(data)) :]
    data += other[rng.randint(0, len(other)) :]


Change = Callable[[random.Random, bytearray, Sequence[bytes]], None]
CHANGES: Final[Sequence[Change]] = (_flip, _overwrite, _number, _digits, _remove, _repeat, _insert, _cut, _join)
