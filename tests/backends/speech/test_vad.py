import numpy as np
import pytest

from backends.protocols import SpeechDetector
from backends.speech.vad import FRAME_SAMPLES, EarshotDetector, Levels

RATE_HZ = 16_000


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


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


def test_levels_are_decibels_above_one_step_of_a_sample() -> None:
    class HeardLevels(Levels):
        def is_silent(self, level_db: float) -> bool:
            heard.append(round(level_db, 2))
            return False

    heard: list[float] = []
    detector = EarshotDetector()
    detector._levels = HeardLevels()

    for sample in (0, 1, 100, -32_768):
        detector.probabilities(np.full(FRAME_SAMPLES, sample, dtype="<i2").tobytes())

    assert heard == [0.0, 3.01, 40.0, 90.31]


# --- levels --------------------------------------------------------------------------------------


def silent(*stretches: tuple[float, int]) -> list[bool]:
    """Return the verdict on the last frame of each stretch of (dB, frames)."""
    levels = Levels()
    return [[levels.is_silent(level_db) for _ in range(count)][-1] for level_db, count in stretches]


def test_what_is_far_below_the_voice_and_near_the_room_is_silent() -> None:
    assert silent((20, 30), (70, 30), (21, 1), (60, 1)) == [False, False, True, False]


def test_the_first_frame_is_left_to_the_detector() -> None:
    assert silent((20, 1)) == [False]


def test_soft_sounds_above_a_quiet_room_are_left_to_the_detector() -> None:
    assert silent((10, 30), (70, 30), (30, 1)) == [False, False, False]


def test_in_a_loud_room_all_is_left_to_the_detector() -> None:
    assert silent((45, 30), (70, 30), (46, 30)) == [False, False, False]


def test_a_bang_makes_no_silence_of_the_voice_after_it() -> None:
    assert silent((20, 30), (85, 5), (45, 30)) == [False, False, False]


def test_a_voice_that_became_quiet_is_not_silent_for_long() -> None:
    seconds = 1_000 // 16
    assert silent((20, 30), (80, 30), (31, 1), (31, 6 * seconds)) == [False, False, True, False]


def test_the_end_of_a_voice_is_heard_where_it_is(rng: np.random.Generator) -> None:
    """A harmonic sound is no speech, but earshot takes it for some; after it there is a room's noise."""
    times = np.arange(RATE_HZ) / RATE_HZ
    voice = sum(np.sin(2 * np.pi * 140 * k * times) / k for k in range(1, 20)) * 4_000 * (1 + np.sin(25 * times))
    room = rng.normal(0, 4, 3 * RATE_HZ)
    room[RATE_HZ : 2 * RATE_HZ] += voice
    pcm = room.astype("<i2").tobytes()

    probabilities = EarshotDetector().probabilities(pcm)

    after = 2 * RATE_HZ // FRAME_SAMPLES + 1
    assert max(probabilities[after - 20 : after - 1]) > 0.5
    assert max(probabilities[after:]) == 0.0
