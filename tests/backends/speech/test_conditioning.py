import importlib.util

import attrs
import numpy as np
import pytest

from backends.speech import conditioning
from backends.speech.audio import make_decoder
from backends.speech.conditioning import GAIN_MAX, TARGET_RMS, condition
from backends.speech.models import ModelError
from config.settings import AudioSettings
from protocol.messages.events import AudioFormat
from tests.fakes import default_settings

RATE_HZ = 16_000
RNG = np.random.default_rng(7)


def settings(**changes: object) -> AudioSettings:
    return attrs.evolve(default_settings().audio, **changes)  # type: ignore[arg-type]


def tone(rms: float, seconds: float = 2.0, offset: float = 0.0) -> bytes:
    samples = rms * np.sqrt(2) * np.sin(2 * np.pi * 300 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ) + offset
    return bytes(samples.round().astype("<i2").tobytes())


def through(wanted: AudioSettings, pcm: bytes, frame_bytes: int = 640) -> np.ndarray:
    decoder = condition(make_decoder(AudioFormat()), wanted)
    frames = [pcm[start : start + frame_bytes] for start in range(0, len(pcm), frame_bytes)]
    return np.frombuffer(b"".join(decoder.decode(frame) for frame in frames), "<i2").astype(float)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def test_where_nothing_is_wanted_nothing_is_done() -> None:
    decoder = make_decoder(AudioFormat())

    assert condition(decoder, settings()) is decoder


@pytest.mark.parametrize("level", [400.0, 2_300.0, 9_000.0])
def test_voices_come_to_one_level(level: float) -> None:
    heard = through(settings(normalise=True), tone(level, seconds=8.0))

    assert rms(heard[-RATE_HZ:]) == pytest.approx(TARGET_RMS, rel=0.15)


def test_gain_is_bounded_and_nothing_is_clipped() -> None:
    assert rms(through(settings(normalise=True), tone(100.0, seconds=20.0))[-RATE_HZ:]) <= 100.0 * GAIN_MAX * 1.01
    loud = through(settings(normalise=True), tone(100.0, seconds=10.0) + tone(20_000.0))
    assert np.abs(loud).max() <= 32_000


def test_an_empty_room_is_not_made_loud() -> None:
    room = RNG.normal(0, 30, 10 * RATE_HZ).round().astype("<i2").tobytes()

    assert rms(through(settings(normalise=True), room)) < 40


def test_an_offset_is_taken_away() -> None:
    heard = through(settings(normalise=True), tone(2_300.0, seconds=6.0, offset=3_000.0))

    assert abs(float(np.mean(heard[-RATE_HZ:]))) < 30


@pytest.mark.parametrize(
    "wanted", [{"normalise": True}, {"noise_suppression": 2}, {"normalise": True, "noise_suppression": 1}]
)
def test_the_size_of_frames_changes_nothing(wanted: dict[str, object]) -> None:
    if "noise_suppression" in wanted:
        pytest.importorskip("webrtc_noise_gain")
    pcm = (np.frombuffer(tone(1_500.0), "<i2") + RNG.normal(0, 200, 2 * RATE_HZ)).round().astype("<i2").tobytes()
    whole = through(settings(**wanted), pcm, len(pcm))

    for frame_bytes in (2, 194, 640, 3_200):
        pieces = through(settings(**wanted), pcm, frame_bytes)
        assert np.array_equal(whole, pieces)
    assert len(whole) == len(pcm) // 2


def test_steady_noise_becomes_softer() -> None:
    pytest.importorskip("webrtc_noise_gain")
    noise = RNG.normal(0, 500, 6 * RATE_HZ).round().astype("<i2").tobytes()

    heard = through(settings(noise_suppression=2), noise)

    assert rms(heard[-RATE_HZ:]) < 250


def test_a_library_that_is_missing_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    conditioning.check(settings())
    with pytest.raises(ModelError, match=r"pip install 'sayso\[noise\]'"):
        conditioning.check(settings(noise_suppression=1))
