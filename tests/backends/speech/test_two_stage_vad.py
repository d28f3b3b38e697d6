"""earshot and Silero together, on recorded speech with noise that is made here."""

from collections.abc import Iterator
from types import SimpleNamespace

import attrs
import numpy as np
import pytest

from backends.protocols import SpeechDetector
from backends.speech.models import resolve_silero
from backends.speech.silero import SileroModel
from backends.speech.two_stage_vad import REPORTED_CHUNKS, SILERO_CLEAR_SHARE, SileroService, TwoStageDetector
from backends.speech.vad import EarshotDetector
from protocol.audio.endpointing import Ended, Endpointer
from protocol.audio.second_detector import ASKED_FRAMES, TAIL_MAX, DetectorPlaces
from tests.system.speech_fixtures import spoken_pcm

RATE_HZ = 16_000
RULES = SimpleNamespace(
    onset_threshold=0.5,
    release_threshold=0.35,
    pre_roll_ms=320,
    silence_ms=500,
    min_speech_ms=120,
    max_utterance_s=30.0,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> SileroModel:
    return SileroModel.load(resolve_silero(tmp_path_factory.mktemp("models")))


@attrs.define
class Shared:
    """A service, and what it was told."""

    model: SileroModel
    places: int = 1
    level: int = 0
    now_s: float = 0.0
    judged: list[int] = attrs.field(factory=list)
    refused: int = 0
    service: SileroService = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.service = SileroService(self.model, DetectorPlaces(self.places), lambda: self.now_s, self.judged.append)

    def detector(self) -> TwoStageDetector:
        def refuse() -> None:
            self.refused += 1

        return TwoStageDetector(self.service, load_level=lambda: self.level, on_refused=refuse)


@pytest.fixture
def shared(model: SileroModel) -> Shared:
    return Shared(model)


def room(seconds: float) -> bytes:
    """Return what a microphone hears in a silent room."""
    return np.random.default_rng(4).normal(0, 5, round(seconds * RATE_HZ)).astype("<i2").tobytes()


def in_noise(pcm: bytes, level: float) -> bytes:
    """Return speech with two seconds around it, all in pink noise of ``level`` (RMS of full scale)."""
    around = np.zeros(2 * RATE_HZ)
    voice = np.concatenate([around, np.frombuffer(pcm, "<i2") / 32_768, around])
    spectrum = np.fft.rfft(np.random.default_rng(2).standard_normal(len(voice)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), len(voice))
    made = np.clip((voice + noise * level / noise.std()) * 32_767, -32_768, 32_767)
    return bytes(made.astype("<i2").tobytes())


def blocks(pcm: bytes, size: int = 640) -> Iterator[bytes]:
    return (pcm[at : at + size] for at in range(0, len(pcm), size))


def utterances(detector: SpeechDetector, pcm: bytes) -> list[Ended]:
    endpointer = Endpointer(RULES)
    found = []
    for block in blocks(pcm):
        probabilities = detector.probabilities(block)
        endpointer.clear_share = detector.clear_share
        found += [event for event in endpointer.feed(probabilities) if isinstance(event, Ended)]
    return found


def test_it_has_the_face_that_the_audio_actor_wants(shared: Shared) -> None:
    detector: SpeechDetector = shared.detector()
    assert detector.probabilities(b"") == []
    assert detector.clear_share == SILERO_CLEAR_SHARE


def test_silence_is_left_to_earshot(shared: Shared) -> None:
    pcm = room(3.0)
    assert shared.detector().probabilities(pcm) == EarshotDetector().probabilities(pcm)
    assert shared.judged == []


def test_near_what_may_be_speech_silero_judges(shared: Shared) -> None:
    pcm = room(1.0) + spoken_pcm("What time is it?") + room(1.0)
    detector = shared.detector()
    both, alone = detector.probabilities(pcm), EarshotDetector().probabilities(pcm)
    asked = [number for number, probability in enumerate(alone) if probability > 0.35]
    assert both[: asked[0]] == alone[: asked[0]]
    behind = asked[-1] + ASKED_FRAMES
    assert both[behind:] == alone[behind:]
    assert max(both) > 0.9
    assert 0 < sum(shared.judged) * 2 <= behind - asked[0] + ASKED_FRAMES


def test_both_frames_of_a_chunk_have_one_judgement_the_first_one_frame_later(shared: Shared) -> None:
    pcm = in_noise(spoken_pcm("Stop."), 0.02)
    both = shared.detector().probabilities(pcm)
    first = next(number for number, probability in enumerate(both) if probability > 0.5)
    first += 1 - first % 2  # frames are counted from 0: the second of a pair
    pairs = [pair for pair in zip(both[first::2], both[first + 1 :: 2], strict=False) if min(pair) > TAIL_MAX]
    assert len(pairs) > 4
    assert all(second == following for second, following in pairs)


@pytest.mark.parametrize("size", [100, 334, 640, 8_192])
def test_how_the_samples_were_divided_makes_no_difference(shared: Shared, size: int) -> None:
    pcm = in_noise(spoken_pcm("Stop."), 0.02)[: 32_000 * 3]
    whole = shared.detector().probabilities(pcm)
    shared.now_s = 10.0  # the place is free again
    detector = shared.detector()
    assert [value for block in blocks(pcm, size) for value in detector.probabilities(block)] == whole


def test_in_noise_a_sentence_ends_when_it_has_ended(shared: Shared) -> None:
    pcm = in_noise(spoken_pcm("Please turn on the kitchen light."), 0.05)
    [both] = utterances(shared.detector(), pcm)
    speech_end = len(pcm) // 2 - (2 + 0.5) * RATE_HZ
    assert abs(both.last_voice_sample - speech_end) < 0.2 * RATE_HZ


@pytest.mark.parametrize("text", ["No.", "Stop.", "Good night."])
@pytest.mark.parametrize("gain_db", [0, -32])
def test_a_short_word_is_an_utterance_also_from_far_away(shared: Shared, text: str, gain_db: int) -> None:
    quiet = np.frombuffer(spoken_pcm(text), "<i2") * 10 ** (gain_db / 20)
    said = np.frombuffer(room(len(quiet) / RATE_HZ), "<i2")[: len(quiet)] + quiet
    pcm = room(1.0) + said.astype("<i2").tobytes() + room(1.0)
    assert len(utterances(shared.detector(), pcm)) == 1


def test_without_a_place_earshot_judges_alone_and_the_refusal_is_told_once_in_a_stretch(shared: Shared) -> None:
    pcm = room(0.5) + spoken_pcm("What time is it?") + room(1.0)
    shared.service.places.may_ask("another session", 0.0, 0)
    detector = shared.detector()
    assert detector.probabilities(pcm) == EarshotDetector().probabilities(pcm)
    assert shared.judged == []
    assert shared.refused == 1
    detector.probabilities(pcm)
    assert shared.refused == 2


def test_when_load_comes_in_mid_speech_earshot_goes_on_and_says_how_sure_it_is(shared: Shared) -> None:
    pcm = in_noise(spoken_pcm("Please turn on the kitchen light."), 0.02)
    half = len(pcm) // 1_024 * 512
    detector, alone = shared.detector(), EarshotDetector()
    first, first_alone = detector.probabilities(pcm[:half]), alone.probabilities(pcm[:half])
    assert first != first_alone
    shared.level = 1
    assert detector.probabilities(pcm[half:]) == alone.probabilities(pcm[half:])
    assert detector.clear_share == alone.clear_share
    assert shared.refused == 1


def test_a_place_is_given_back_after_speech_and_at_a_reset(shared: Shared) -> None:
    pcm = spoken_pcm("What time is it?")
    detector, other = shared.detector(), shared.detector()
    detector.probabilities(pcm + room(1.0))
    other.probabilities(pcm[: len(pcm) // 2])
    other.reset()
    detector.probabilities(pcm)
    assert shared.refused == 0


def test_judged_chunks_are_reported_while_speech_goes_on(shared: Shared) -> None:
    detector = shared.detector()
    for _ in range(4):  # with too little silence between them
        detector.probabilities(spoken_pcm("Please turn on the kitchen light.")[9_600:-22_000])
    assert REPORTED_CHUNKS in shared.judged


def test_reset_forgets_the_past_and_the_waiting_samples(shared: Shared) -> None:
    pcm = in_noise(spoken_pcm("Stop."), 0.02)
    detector = shared.detector()
    first = detector.probabilities(pcm)
    detector.probabilities(pcm[: 32_000 * 3 + 100])
    detector.reset()
    assert detector.probabilities(pcm) == first


def test_half_a_sample_is_refused(shared: Shared) -> None:
    with pytest.raises(ValueError, match="whole 16-bit samples, not 3 bytes"):
        shared.detector().probabilities(b"abc")
