"""G.711 against what reads it in WAV files, and against itself."""

import struct

import pytest

from backends.speech.wav import _alaw, _mulaw
from protocol.dialects.realtime.g711 import Law, decoded, encoded

LAWS: tuple[Law, ...] = ("mulaw", "alaw")
ALL_CODES = bytes(range(256))
ALL_SAMPLES = struct.pack("<65536h", *range(-32_768, 32_768))


@pytest.mark.parametrize("law", LAWS)
def test_each_code_is_the_sample_that_a_wav_file_has_for_it(law: Law) -> None:
    import numpy as np

    codes = np.frombuffer(ALL_CODES, np.uint8)
    expected = _mulaw(codes) if law == "mulaw" else _alaw(codes)
    assert decoded(ALL_CODES, law) == expected.astype("<i2").tobytes()


@pytest.mark.parametrize("law", LAWS)
def test_a_code_comes_back_from_its_sample(law: Law) -> None:
    back = encoded(decoded(ALL_CODES, law), law)
    negative_zero = 0x7F  # of \u03bc-law: both zeros are one sample
    assert [one for one in ALL_CODES if back[one] != one] == ([negative_zero] if law == "mulaw" else [])


@pytest.mark.parametrize("law", LAWS)
def test_a_sample_is_off_by_half_a_step_at_most(law: Law) -> None:
    found = struct.unpack("<65536h", decoded(encoded(ALL_SAMPLES, law), law))
    assert list(found) == sorted(found)
    for sample, value in zip(range(-32_768, 32_768), found, strict=True):
        half_step = (abs(sample) + 132) / 32 + 8  # 16 steps in each power of two
        assert abs(sample - value) <= half_step, (sample, value)


@pytest.mark.parametrize("law", LAWS)
def test_nothing_is_nothing(law: Law) -> None:
    assert (decoded(b"", law), encoded(b"", law)) == (b"", b"")
