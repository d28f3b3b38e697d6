"""Samples at any rate become 16 kHz; through decoders this is tested in ``test_audio.py``."""

import numpy as np
import pytest

from backends.speech.resampling import RateConverter, Resampler, quantise, resampled


def test_samples_at_16_khz_pass_as_they_are() -> None:
    samples = np.array([0, 1, -32_768, 32_767], dtype=np.int16)
    assert Resampler(16_000)(samples) == samples.astype("<i2").tobytes()


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
def test_a_second_stays_a_second(rate_hz: int) -> None:
    resample = Resampler(rate_hz)
    block = np.zeros(rate_hz // 10, dtype=np.int16)
    heard = sum(len(resample(block)) for _ in range(10)) // 2
    assert 16_000 * 0.9 < heard <= 16_000, "what the filter holds back is less than a tenth of a second"


def test_floats_beyond_full_scale_are_clipped() -> None:
    assert quantise(np.array([0.0, 1.0, -1.0, 2.0, -9.0], dtype=np.float32)).tolist() == [
        0, 32_767, -32_767, 32_767, -32_767,
    ]  # fmt: skip


def test_a_whole_sound_is_resampled_to_its_last_sample() -> None:
    pcm = (np.sin(np.arange(96_000) * 2 * np.pi * 440 / 96_000) * 9_000).astype("<i2").tobytes()

    samples = np.frombuffer(resampled(pcm, 96_000), "<i2")

    assert len(samples) >= 16_000
    assert np.abs(np.fft.rfft(samples[:16_000])).argmax() == 440


@pytest.mark.parametrize(("from_hz", "to_hz"), [(22_050, 24_000), (24_000, 8_000), (16_000, 16_000)])
def test_a_sound_keeps_its_length_at_another_rate(from_hz: int, to_hz: int) -> None:
    convert = RateConverter(from_hz, to_hz)
    tone = (10_000 * np.sin(np.arange(from_hz) * 2 * np.pi * 440 / from_hz)).astype("<i2").tobytes()
    step = 2 * (from_hz // 10)
    parts = [convert(tone[start : start + step]) for start in range(0, len(tone), step)]
    samples = np.frombuffer(b"".join([*parts, convert(b"", is_last=True)]), "<i2")
    assert len(samples) == pytest.approx(to_hz, abs=4)
    assert np.abs(samples).max() == pytest.approx(10_000, rel=0.02)
