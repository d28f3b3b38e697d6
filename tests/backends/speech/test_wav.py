import struct

import pytest

from backends.speech.wav import WavKind, audible_channel, to_s16le, wav_parts


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
    kind = WavKind(is_float=True, channels=1, sample_rate=16_000, width=4)

    assert kind.to_s16le(struct.pack("<3f", float("nan"), float("inf"), -9.0)) == struct.pack("<3h", 0, 32_767, -32_767)


def test_half_a_frame_is_left_out() -> None:
    kind = WavKind(is_float=False, channels=2, sample_rate=16_000, width=2)

    assert kind.to_s16le(bytes(7)) == bytes(4)


def test_only_channels_that_cancel_each_other_become_one() -> None:
    assert audible_channel(struct.pack("<4h", 9, -9, 8, -8)) == struct.pack("<2h", 9, 8)
    assert audible_channel(struct.pack("<4h", 9, 9, 8, 8)) is None
    assert audible_channel(b"") is None
