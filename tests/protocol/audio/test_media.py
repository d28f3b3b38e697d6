import pytest

from protocol.audio.media import CODECS, MAX_DECODING_S, MAX_RECORDING_S, why_frame_refused, why_refused, why_too_long
from protocol.messages.hearing import INTERNAL_RATE_HZ


@pytest.mark.parametrize("rate_hz", [1_000, 8_000, 44_100, 384_000])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_what_recorders_write_is_decoded(rate_hz: int, channels: int) -> None:
    assert why_refused("flac", rate_hz, channels) is None
    assert why_frame_refused(65_535, rate_hz, channels) is None


@pytest.mark.parametrize("rate_hz", [-1, 0, 5, 999, 384_001, 1_895_841_408])
def test_an_absurd_rate_is_refused_with_the_rates_that_are_not(rate_hz: int) -> None:
    expected = f"the rate must be from 1,000 to 384,000 Hz, not {rate_hz:,}"
    assert why_refused("pcm_s16be", rate_hz, 1) == expected
    assert why_frame_refused(4, rate_hz, 1) == expected


@pytest.mark.parametrize("channels", [0, 9, 65_535])
def test_too_many_channels_are_refused(channels: int) -> None:
    expected = f"the recording must have from 1 to 8 channels, not {channels}"
    assert why_refused("pcm_s16le", 16_000, channels) == expected
    assert why_frame_refused(4, 16_000, channels) == expected


@pytest.mark.parametrize("codec", ["h264", "wmav2", "exr", "", "x" * 100])
def test_a_codec_that_no_recorder_uses_is_refused(codec: str) -> None:
    why = why_refused(codec, 16_000, 1)
    assert why is not None
    assert "must be in a codec such as AAC" in why
    assert len(why) < 140


def test_a_frame_of_absurd_length_is_refused_before_it_is_resampled() -> None:
    assert why_frame_refused(1 << 17, 16_000, 1) is None
    assert why_frame_refused((1 << 17) + 1, 16_000, 1) == "a frame must have at most 131,072 samples, not 131,073"


def test_a_frame_that_is_let_through_becomes_few_samples() -> None:
    """The longest frame at the lowest rate: what one resampling may make."""
    assert (1 << 17) * INTERNAL_RATE_HZ / 1_000 < 4 << 20


def test_length_is_bounded_by_what_was_decoded() -> None:
    most = round(MAX_RECORDING_S * INTERNAL_RATE_HZ)
    assert why_too_long(most, 1.0) is None
    assert why_too_long(most + 1, 1.0) == "a recording must not be longer than 3660 s"


def test_time_is_bounded_too() -> None:
    assert why_too_long(0, MAX_DECODING_S) is None
    assert why_too_long(0, MAX_DECODING_S + 1) == "a recording must take at most 120 s to decode"


def test_no_codec_stands_there_twice() -> None:
    assert len(set(CODECS)) == len(CODECS)
