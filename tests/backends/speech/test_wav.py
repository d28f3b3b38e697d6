import struct

import pytest

from backends.speech.wav import ALAW, FLOAT, MULAW, PCM, WavKind, audible_channel, one_channel, to_s16le, wav_parts


@pytest.mark.parametrize(
    ("data", "width", "expected"),
    [
        (b"\x80\x00\xff", 1, b"\x00\x00\x00\x80\x00\x7f"),  # unsigned: silence, lowest, highest
        (b"\x01\x02", 2, b"\x01\x02"),
        (b"\x01\x02\x03\xff\xfe\xfd", 3, b"\x02\x03\xfe\xfd"),
        (b"\x01\x02\x03\x04", 4, b"\x03\x04"),
        (b"\x01\x02\x03\x04\x05", 3, b"\x02\x03"),  # cut off in the second sample
    ],
)
def test_samples_of_any_width_keep_their_highest_16_bits(data: bytes, width: int, expected: bytes) -> None:
    assert to_s16le(data, width) == expected


def test_a_file_without_samples_says_so() -> None:
    header = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)

    with pytest.raises(ValueError, match="it has no samples"):
        wav_parts(header)


def test_floats_that_are_no_numbers_are_silence() -> None:
    kind = WavKind(FLOAT, channels=1, sample_rate=16_000, width=4)

    assert kind.to_s16le(struct.pack("<3f", float("nan"), float("inf"), -9.0)) == struct.pack("<3h", 0, 32_767, -32_767)


def test_half_a_frame_is_left_out() -> None:
    kind = WavKind(PCM, channels=2, sample_rate=16_000, width=2)

    assert kind.to_s16le(bytes(7)) == bytes(4)


def test_only_channels_that_cancel_each_other_become_one() -> None:
    assert audible_channel(struct.pack("<4h", 9, -9, 8, -8), 2) == struct.pack("<2h", 9, 8)
    assert audible_channel(struct.pack("<4h", 9, 9, 8, 8), 2) is None
    assert audible_channel(b"", 2) is None
    assert audible_channel(struct.pack("<2h", 9, 8), 1) is None
    assert one_channel(struct.pack("<6h", 3, 5, 4, 30, 50, 40), 3) == struct.pack("<2h", 4, 40)


SAMPLES = struct.pack("<4h", 0, 16_384, -16_384, 32_767)
FMT = struct.pack("<HHIIHH", PCM, 1, 16_000, 32_000, 2, 16)


def chunk(name: bytes, data: bytes, *, size: int | None = None, is_padded: bool = True) -> bytes:
    padding = b"\0" if is_padded and len(data) % 2 else b""
    return name + struct.pack("<I", len(data) if size is None else size) + data + padding


def riff(*chunks: bytes, magic: bytes = b"RIFF") -> bytes:
    return magic + struct.pack("<I", 0) + b"WAVE" + b"".join(chunks)


DS64 = chunk(b"ds64", struct.pack("<QQQI", 0, len(SAMPLES), 4, 0))
LIST = chunk(b"LIST", b"INFOISFT\x04\0\0\0Lavf")


@pytest.mark.parametrize(
    "content",
    [
        riff(DS64, chunk(b"fmt ", FMT), chunk(b"data", SAMPLES, size=0xFFFF_FFFF), LIST, magic=b"RF64"),
        riff(chunk(b"fmt ", FMT), chunk(b"data", SAMPLES, size=0xFFFF_FFFF), magic=b"BW64"),
        riff(chunk(b"data", SAMPLES), chunk(b"fmt ", FMT)),
        riff(chunk(b"fmt ", FMT), chunk(b"LIST", b"INFOx", is_padded=False), chunk(b"data", SAMPLES)),
        riff(chunk(b"LIST", b"INFOx"), chunk(b"fmt ", FMT), chunk(b"data", SAMPLES), LIST),
        riff(chunk(b"JUNK", bytes(28)), chunk(b"fmt ", FMT + bytes(2)), chunk(b"data", SAMPLES)) + b"\xde\xad" * 9,
        riff(chunk(b"fmt ", FMT), chunk(b"data", SAMPLES), chunk(b"data", bytes(64))),
    ],
    ids=["rf64", "bw64", "data first", "no padding", "list first", "junk", "two data"],
)
def test_chunks_may_stand_in_any_order(content: bytes) -> None:
    assert wav_parts(content) == (WavKind(PCM, 1, 16_000, 2), SAMPLES)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (riff(chunk(b"fmt ", FMT), chunk(b"data", b""), LIST), "it has no samples"),
        (riff(chunk(b"data", SAMPLES)), "it has no format"),
        (riff(chunk(b"fmt ", FMT[:4] + bytes(4) + FMT[8:]), chunk(b"data", SAMPLES)), "it has 0 samples a second"),
        (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 0x55, 1, 16_000, 0, 1, 0))), "its samples are MP3"),
        (b"ID3" + bytes(99), "it is a file of kind MP3"),
        (b"RIFX" + riff(chunk(b"fmt ", FMT))[4:], "it is a file of kind big-endian WAV"),
        (b"<html>", "it does not begin with RIFF and WAVE"),
    ],
)
def test_what_a_file_is_instead_is_said(content: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        wav_parts(content)


def test_24_bits_in_four_bytes_are_told_by_the_size_of_a_block() -> None:
    assert WavKind.read(struct.pack("<HHIIHH", PCM, 2, 16_000, 128_000, 8, 24)).width == 4
    assert WavKind.read(struct.pack("<HHIIHH", PCM, 2, 16_000, 96_000, 6, 24)).width == 3


@pytest.mark.parametrize(
    ("tag", "codes", "samples"),
    [
        (MULAW, [0x00, 0x7F, 0x80, 0xFF, 0xAA], [-32_124, 0, 32_124, 0, 5_372]),
        (ALAW, [0x00, 0x55, 0x80, 0xD5, 0xAA], [-5_504, -8, 5_504, 8, 32_256]),
    ],
)
def test_codes_of_telephones_are_samples(tag: int, codes: list[int], samples: list[int]) -> None:
    kind = WavKind(tag, channels=1, sample_rate=8_000, width=1)

    assert kind.to_s16le(bytes(codes)) == struct.pack("<5h", *samples)
