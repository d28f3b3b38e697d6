import numpy as np
import pytest

from backends.protocols import BadAudio
from backends.speech.audio import make_decoder
from backends.speech.opus import OpusSpeech
from protocol.messages.events import AudioFormat


def tone(rate_hz: int, seconds: float) -> bytes:
    samples = 8_000 * np.sin(2 * np.pi * 440 * np.arange(round(rate_hz * seconds)) / rate_hz)
    return bytes(samples.round().astype("<i2").tobytes())


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("chunk_s", [0.013, 0.1])
def test_speech_survives_the_way_there_and_back(rate_hz: int, chunk_s: float) -> None:
    pcm = tone(rate_hz, 1.0)
    encoder = OpusSpeech(rate_hz)
    step = 2 * round(rate_hz * chunk_s)
    packets = [packet for start in range(0, len(pcm), step) for packet in encoder.encode(pcm[start : start + step])]
    packets += encoder.encode(b"", is_last=True)

    decoder = make_decoder(AudioFormat("opus", 48_000))
    heard = np.frombuffer(b"".join(decoder.decode(packet) for packet in packets), "<i2").astype(float)

    assert 15_500 <= len(heard) <= 17_000
    spectrum = np.abs(np.fft.rfft(heard[4_000:12_000] * np.hanning(8_000)))
    assert int(np.argmax(spectrum)) * 2 == pytest.approx(440, abs=4)
    assert np.abs(heard[4_000:12_000]).max() == pytest.approx(8_000, rel=0.2)
    assert sum(map(len, packets)) < len(pcm) / 4
    assert max(map(len, packets)) < 400


def test_a_packet_that_is_larger_than_any_is_refused_unseen() -> None:
    decoder = make_decoder(AudioFormat("opus", 48_000))
    with pytest.raises(BadAudio, match=r"at most 61,440 bytes, not 61,441"):
        decoder.decode(bytes(61_441))


@pytest.mark.parametrize("config", [0, 12, 16, 28, 31])
def test_a_packet_of_the_largest_size_holds_120_ms(config: int) -> None:
    """48 frames of 2.5 ms at most: what a packet can cost is bounded."""
    frames = {0: 12, 12: 12, 16: 48, 28: 48, 31: 6}[config]
    packet = bytes([config << 3 | 3, frames]) + bytes(1_275 * frames)
    assert len(make_decoder(AudioFormat("opus", 48_000)).decode(packet)) <= 2 * 0.121 * 16_000


def test_nothing_becomes_no_sound_worth_mentioning() -> None:
    assert len(OpusSpeech(22_050).encode(b"", is_last=True)) <= 2
