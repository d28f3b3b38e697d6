import numpy as np
import pytest

from backends.protocols import SpeechDetector
from backends.speech.vad import FRAME_SAMPLES, EarshotDetector


def noise(samples: int) -> bytes:
    return np.random.default_rng(3).integers(-2_000, 2_000, samples, dtype=np.int16).tobytes()


def test_it_has_the_face_that_the_audio_actor_wants() -> None:
    detector: SpeechDetector = EarshotDetector()

    assert detector.probabilities(b"") == []


def test_each_whole_frame_gets_one_probability() -> None:
    probabilities = EarshotDetector().probabilities(bytes(2 * FRAME_SAMPLES * 10))

    assert len(probabilities) == 10
    assert all(0 <= value <= 1 for value in probabilities)


def test_silence_is_no_speech() -> None:
    assert max(EarshotDetector().probabilities(bytes(2 * FRAME_SAMPLES * 50))) < 0.5


def test_samples_that_fill_no_frame_wait_for_the_next_call() -> None:
    pcm = noise(FRAME_SAMPLES * 20)
    detector = EarshotDetector()
    pieces = [pcm[start : start + 334] for start in range(0, len(pcm), 334)]

    in_pieces = [value for piece in pieces for value in detector.probabilities(piece)]

    assert in_pieces == EarshotDetector().probabilities(pcm)


def test_reset_forgets_the_past_and_the_waiting_samples() -> None:
    pcm = noise(FRAME_SAMPLES * 5)
    detector = EarshotDetector()
    first = detector.probabilities(pcm)
    detector.probabilities(pcm + pcm[:100])

    detector.reset()

    assert detector.probabilities(pcm) == first


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="whole 16-bit samples, not 3 bytes"):
        EarshotDetector().probabilities(b"abc")
