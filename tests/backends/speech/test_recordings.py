import io
import itertools
import wave
from pathlib import Path

import numpy as np
import pytest

from backends.protocols import BadAudio
from backends.speech import recordings
from backends.speech.encoding import encode
from backends.speech.recordings import Recording, RecordingRules

RATE_HZ = 16_000


class LoudnessDetector:
    """Takes loud for speech, so that tests can write speech with a square wave."""

    def __init__(self) -> None:
        self._rest = b""

    def probabilities(self, pcm: bytes) -> list[float]:
        data = self._rest + pcm
        whole = len(data) - len(data) % 512
        self._rest = data[whole:]
        frames = np.frombuffer(data[:whole], "<i2").reshape(-1, 256)
        return [1.0 if np.abs(frame).mean() > 500 else 0.0 for frame in frames]

    def reset(self) -> None:
        self._rest = b""


def sound(*parts: tuple[str, float]) -> bytes:
    """Return loud and quiet stretches, in seconds."""
    pieces = []
    for kind, seconds in parts:
        count = round(seconds * RATE_HZ)
        level = 4_000 if kind == "loud" else 0
        pieces.append(np.where(np.arange(count) % 40 < 20, level, -level).astype("<i2"))
    return np.concatenate(pieces).tobytes()


def wav(pcm: bytes, rate_hz: int = RATE_HZ, channels: int = 1) -> io.BytesIO:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    out.seek(0)
    return out


def cut(file: io.BytesIO, rules: RecordingRules | None = None) -> list[tuple[int, int]]:
    recording = Recording(file, LoudnessDetector(), rules)
    return [(utterance.start_ms, utterance.end_ms) for utterance in recording.utterances()]


def test_a_recording_is_cut_where_it_is_silent():
    pcm = sound(("quiet", 1), ("loud", 1), ("quiet", 1), ("loud", 2), ("quiet", 1))
    (first_start, first_end), (second_start, second_end) = cut(wav(pcm))

    assert first_start == pytest.approx(1_000 - 320, abs=40)
    assert first_end == pytest.approx(2_112, abs=60)
    assert second_start == pytest.approx(3_000 - 320, abs=40)
    assert second_end == pytest.approx(5_112, abs=60)


def test_what_is_said_to_the_last_sample_is_there():
    [(_, end)] = cut(wav(sound(("quiet", 1), ("loud", 1))))

    assert end == pytest.approx(2_112, abs=60)


def test_long_speech_is_cut_before_it_is_too_long_for_a_worker():
    pieces = cut(wav(sound(("loud", 50))))

    assert len(pieces) >= 3
    assert max(end - start for start, end in pieces) <= 20_000
    assert all(first_end == second_start for (_, first_end), (second_start, _) in itertools.pairwise(pieces))


def test_utterances_hold_the_samples_of_their_time():
    pcm = sound(("quiet", 1), ("loud", 1), ("quiet", 1))
    [utterance] = Recording(wav(pcm), LoudnessDetector()).utterances()

    assert utterance.pcm == pcm[utterance.start_ms * 32 : utterance.end_ms * 32]


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav"])
def test_whatever_a_phone_records_can_be_read(name):
    pcm = sound(("quiet", 1), ("loud", 1), ("quiet", 1))
    recording = Recording(io.BytesIO(encode(pcm, RATE_HZ, name)), LoudnessDetector())
    [utterance] = recording.utterances()

    assert utterance.start_ms == pytest.approx(680, abs=150)
    assert recording.duration_s == pytest.approx(3.0, abs=0.2)


def test_stereo_at_another_rate_is_mixed_and_resampled():
    mono = np.frombuffer(sound(("quiet", 1), ("loud", 1), ("quiet", 1)), "<i2")
    stereo = np.repeat(np.repeat(mono, 3), 2).tobytes()
    [(start, _)] = cut(wav(stereo, rate_hz=48_000, channels=2))

    assert start == pytest.approx(680, abs=40)


def test_silence_holds_nothing():
    assert cut(wav(sound(("quiet", 5)))) == []


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", b"not a recording at all" * 100, b"\x89PNG\r\n\x1a\n" + bytes(100)],
    ids=["empty", "half a head", "text", "picture"],
)
def test_what_is_no_recording_is_told(data):
    with pytest.raises(BadAudio):
        cut(io.BytesIO(data))


def test_a_recording_that_breaks_off_gives_what_there_is():
    whole = wav(sound(("quiet", 1), ("loud", 1), ("quiet", 4))).getvalue()
    [(start, _)] = cut(io.BytesIO(whole[: 3 * 32_000]))

    assert start == pytest.approx(680, abs=40)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {path}\n",
        "#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/secret.wav\n",
    ],
)
def test_a_playlist_opens_no_other_file_and_no_address(tmp_path: Path, text: str):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(sound(("loud", 2))).getvalue())
    with pytest.raises(BadAudio):
        cut(io.BytesIO(text.format(path=secret).encode()))


def test_a_recording_without_end_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recordings, "MAX_RECORDING_S", 2.0)

    with pytest.raises(BadAudio, match="longer than 2 s"):
        cut(wav(sound(("quiet", 5))))
