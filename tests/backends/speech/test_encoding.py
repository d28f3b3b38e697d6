import io
import wave

import av
import numpy as np
import pytest

from backends.speech.encoding import FORMATS, FileEncoder, StreamedFile, encode

RATE_HZ = 22_050


def tone(seconds: float) -> bytes:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (np.sin(2 * np.pi * 440 * times) * 8_000).astype("<i2").tobytes()


def decoded(data: bytes) -> tuple[float, float]:
    """Return seconds and the loudest frequency."""
    with av.open(io.BytesIO(data)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    samples = np.concatenate(parts)
    spectrum = np.abs(np.fft.rfft(samples))
    return len(samples) / 16_000, float(np.argmax(spectrum)) * 16_000 / len(samples)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"pcm"}))
def test_each_format_can_be_played_and_sounds_the_same(name):
    seconds, frequency_hz = decoded(encode(tone(1.5), RATE_HZ, name))

    assert seconds == pytest.approx(1.5, abs=0.15)
    assert frequency_hz == pytest.approx(440, abs=3)


def test_bare_samples_come_at_the_rate_that_clients_expect():
    assert len(encode(tone(1.0), RATE_HZ, "pcm")) == pytest.approx(2 * 24_000, abs=4)


@pytest.mark.parametrize("name", FORMATS)
def test_next_to_nothing_can_be_encoded_too(name):
    encode(b"", RATE_HZ, name)
    encode(bytes(2), RATE_HZ, name)


def test_an_unknown_format_is_no_format():
    with pytest.raises(KeyError):
        encode(tone(0.1), RATE_HZ, "midi")


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"pcm"}))
def test_speech_that_is_encoded_as_it_comes_sounds_the_same(name):
    file = StreamedFile()
    encoder = FileEncoder(RATE_HZ, name, file)
    sound, parts = tone(1.5), []
    for start in range(0, len(sound), 10_000):
        encoder.feed(sound[start : start + 10_000])
        parts.append(file.take())
    encoder.finish()
    parts.append(file.take())

    assert sum(1 for part in parts if part) > 2
    seconds, frequency_hz = decoded(b"".join(parts))
    assert seconds == pytest.approx(1.5, abs=0.15)
    assert frequency_hz == pytest.approx(440, abs=3)


def test_a_whole_file_tells_its_length_and_a_stream_does_not():
    with wave.open(io.BytesIO(encode(tone(1.0), RATE_HZ, "wav"))) as whole:
        assert whole.getnframes() == RATE_HZ
    file = StreamedFile()
    FileEncoder(RATE_HZ, "wav", file).feed(tone(0.1))
    assert b"data\xff\xff\xff\xff" in file.take()
