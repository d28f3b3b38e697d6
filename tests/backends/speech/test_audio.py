from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

import av
import numpy as np
import pytest

from backends.protocols import BadAudio
from backends.speech.audio import make_decoder
from protocol.messages.events import AudioFormat

TONE_HZ = 440


def tone(rate_hz: int, duration_s: float = 1.0, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * TONE_HZ * np.arange(int(rate_hz * duration_s)) / rate_hz)


def as_s16le(samples: np.ndarray) -> bytes:
    return (samples * 32_767).round().astype("<i2").tobytes()


def decode_all(audio_format: AudioFormat, frames: Iterator[bytes] | list[bytes]) -> np.ndarray:
    decoder = make_decoder(audio_format)
    return np.frombuffer(b"".join(decoder.decode(frame) for frame in frames), dtype="<i2")


def in_frames(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * 16_000 / len(samples)


def opus_packets(channels: int) -> list[bytes]:
    layout = "mono" if channels == 1 else "stereo"
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, layout, "s16"
    packets = []
    samples = np.repeat(np.frombuffer(as_s16le(tone(48_000)), dtype=np.int16)[:, None], channels, axis=1)
    for start, end in pairwise(range(0, len(samples) + 1, 960)):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[start:end]).reshape(1, -1), "s16", layout)
        frame.sample_rate, frame.pts = 48_000, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def test_sixteen_kilohertz_mono_passes_unchanged_and_at_once() -> None:
    pcm = as_s16le(tone(16_000, 0.02))

    assert make_decoder(AudioFormat()).decode(pcm) == pcm


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_other_rates_are_resampled_without_gaps(rate_hz: int) -> None:
    frames = in_frames(as_s16le(tone(rate_hz)), 2 * (rate_hz // 50))

    heard = decode_all(AudioFormat("pcm_s16le", rate_hz), frames)

    assert 16_000 * 0.93 < len(heard) <= 16_000  # the resampler keeps the last milliseconds
    assert loudest_hz(heard) == pytest.approx(TONE_HZ, abs=3)
    assert np.abs(heard[2_000:-2_000]).max() == pytest.approx(16_383, rel=0.05)


def test_frequencies_above_the_band_are_filtered_out() -> None:
    high = np.sin(2 * np.pi * 11_000 * np.arange(48_000) / 48_000) * 0.5

    heard = decode_all(AudioFormat("pcm_s16le", 48_000), [as_s16le(high)])

    assert np.abs(heard[1_000:-1_000]).max() < 100


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_frames_of_any_size_give_the_same_samples(rate_hz: int) -> None:
    rng = np.random.default_rng(rate_hz)
    samples = np.clip(tone(rate_hz) + rng.normal(0, 0.1, rate_hz), -1, 1)
    pcm = as_s16le(samples)
    whole = decode_all(AudioFormat("pcm_s16le", rate_hz), [pcm])

    for size in (2, 194, 640, 4_800):
        pieces = decode_all(AudioFormat("pcm_s16le", rate_hz), in_frames(pcm, size))
        shared = min(len(whole), len(pieces))
        assert shared > 15_000
        assert np.abs(whole[:shared].astype(int) - pieces[:shared]).max() <= 1  # the last bit of a float


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("name", ["pcm_s16le", "pcm_f32le"])
def test_every_format_sounds_the_same(
    name: Literal["pcm_s16le", "pcm_f32le"], rate_hz: int, channels: Literal[1, 2]
) -> None:
    samples = np.repeat(tone(rate_hz)[:, None], channels, axis=1).reshape(-1)
    data = as_s16le(samples) if name == "pcm_s16le" else samples.astype("<f4").tobytes()

    heard = decode_all(AudioFormat(name, rate_hz, channels), in_frames(data, 800 * channels))

    assert loudest_hz(heard) == pytest.approx(TONE_HZ, abs=3)
    assert np.abs(heard[2_000:-2_000]).max() == pytest.approx(16_383, rel=0.05)


def test_two_channels_are_averaged() -> None:
    left, right = np.full(160, 1_000, np.int16), np.full(160, 3_000, np.int16)
    frame = np.stack([left, right], axis=1).astype("<i2").tobytes()

    heard = decode_all(AudioFormat("pcm_s16le", 16_000, 2), [frame])

    assert heard.tolist() == [2_000] * 160


def test_two_loud_channels_do_not_overflow() -> None:
    frame = np.full(320, 32_767, dtype="<i2").tobytes()

    assert decode_all(AudioFormat("pcm_s16le", 16_000, 2), [frame]).tolist() == [32_767] * 160


def test_floats_become_sixteen_bit_samples_and_are_clipped() -> None:
    frame = np.array([0.0, 0.5, -0.5, 1.0, 7.0, -1e30], dtype="<f4").tobytes()

    heard = decode_all(AudioFormat("pcm_f32le"), [frame])

    assert heard.tolist() == [0, 16_384, -16_384, 32_767, 32_767, -32_767]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_that_are_no_numbers_are_bad_audio(value: float) -> None:
    frame = np.array([0.0, value], dtype="<f4").tobytes()

    with pytest.raises(BadAudio, match="finite numbers between -1 and 1"):
        make_decoder(AudioFormat("pcm_f32le")).decode(frame)


@pytest.mark.parametrize(
    ("audio_format", "size", "expected"),
    [
        (AudioFormat(), 3, "multiple of 2 bytes, not 3"),
        (AudioFormat("pcm_s16le", 16_000, 2), 6, "multiple of 4 bytes, not 6"),
        (AudioFormat("pcm_f32le"), 6, "multiple of 4 bytes, not 6"),
        (AudioFormat("pcm_f32le", 16_000, 2), 12, "multiple of 8 bytes, not 12"),
    ],
)
def test_a_torn_frame_is_bad_audio_that_says_what_was_expected(
    audio_format: AudioFormat, size: int, expected: str
) -> None:
    with pytest.raises(BadAudio, match=expected):
        make_decoder(audio_format).decode(bytes(size))


def test_the_stream_goes_on_after_a_bad_frame() -> None:
    decoder = make_decoder(AudioFormat("pcm_s16le", 48_000))
    good = as_s16le(tone(48_000, 0.5))
    first = decoder.decode(good)
    with pytest.raises(BadAudio):
        decoder.decode(b"odd")

    second = decoder.decode(good)

    joined = np.frombuffer(first + second, dtype="<i2")
    assert np.array_equal(joined, decode_all(AudioFormat("pcm_s16le", 48_000), [good, good])[: len(joined)])


def test_an_empty_frame_gives_no_samples() -> None:
    assert make_decoder(AudioFormat("pcm_s16le", 48_000)).decode(b"") == b""


@pytest.mark.parametrize("channels", [1, 2])
def test_opus_packets_are_decoded(channels: Literal[1, 2]) -> None:
    heard = decode_all(AudioFormat("opus", 48_000, channels), opus_packets(channels))

    assert 15_000 < len(heard) <= 16_000
    assert loudest_hz(heard[2_000:]) == pytest.approx(TONE_HZ, abs=3)


@pytest.mark.parametrize("packet", [b"", b"\xff" * 5])
def test_what_is_no_opus_packet_is_bad_audio_and_the_stream_goes_on(packet: bytes) -> None:
    decoder = make_decoder(AudioFormat("opus", 48_000))
    good = opus_packets(1)[0]
    decoder.decode(good)

    with pytest.raises(BadAudio, match="an opus frame must"):
        decoder.decode(packet)

    assert len(decoder.decode(good)) > 0


def test_an_unknown_format_is_refused() -> None:
    unknown: Any = "mp3"

    with pytest.raises(ValueError, match="not 'mp3'"):
        make_decoder(AudioFormat(unknown))
