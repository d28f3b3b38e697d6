"""The real tiny.en on speech made by Piper, and on what is no speech."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backends.speech.models import ModelError
from backends.speech.whisper import WhisperWorker
from backends.speech.whisper_engine import Floats
from protocol import transcripts
from protocol.messages import INTERNAL_RATE_HZ
from tests.system.speech_fixtures import CACHE, spoken

pytestmark = pytest.mark.system

__all__ = ["spoken"]  # the fixture

SENTENCES = (
    "Turn on the kitchen light.",
    "What is the weather like in Paris tomorrow?",
    "Stop.",
    "Close the window in the bedroom, please.",
    "Where are my keys?",
    "Open the browser.",
)
SECONDS = np.arange(3 * INTERNAL_RATE_HZ) / INTERNAL_RATE_HZ
RNG = np.random.default_rng(4)
NO_SPEECH = {
    "silence": np.zeros(len(SECONDS)),
    "white noise": RNG.standard_normal(len(SECONDS)) * 0.05,
    "faint noise": RNG.standard_normal(len(SECONDS)) * 0.001,
    "hum": 0.1 * np.sin(2 * np.pi * 50 * SECONDS) + 0.05 * np.sin(2 * np.pi * 150 * SECONDS),
    "melody": 0.2 * np.sin(2 * np.pi * 220 * 2 ** (np.floor(SECONDS * 2) % 12 / 12) * SECONDS),
    "clicks": (RNG.random(len(SECONDS)) < 2e-4) * 0.8,
}


@pytest.fixture(scope="module")
def make_worker() -> Callable[..., WhisperWorker]:
    def make(**changes: Any) -> WhisperWorker:
        params = {
            "model": "tiny.en",
            "models_dir": str(CACHE / "models"),
            "device": "cpu",
            "compute_type": "int8",
            "cpu_threads": 1,
            "beam_size": 1,
            "hypotheses": 1,
            "language": "en",
            "flash_attention": False,
            "spare_vram": False,
        }
        try:
            return WhisperWorker({**params, **changes})
        except ModelError as error:
            pytest.skip(str(error))

    return make


@pytest.fixture(scope="module")
def worker(make_worker: Callable[[], WhisperWorker]) -> WhisperWorker:
    return make_worker()


def transcribe(worker: WhisperWorker, *clips: bytes, vocabulary: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    items = [{"bytes": len(clip), "language": None, "vocabulary": list(vocabulary)} for clip in clips]
    result, _ = worker.handle("transcribe", {"items": items}, b"".join(clips))
    answers: list[dict[str, Any]] = result["items"]
    return answers


def test_dictation_comes_back_word_by_word(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    sentence = "The train from the coast was late. Nobody in the office knew where the key had gone."
    clip = spoken(sentence)
    assert transcripts.ends_in_room(len(clip) / 2 / INTERNAL_RATE_HZ, is_biased=False)
    (answer,) = transcribe(worker, clip)
    assert transcripts.words_of(answer["text"]) == transcripts.words_of(sentence)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_spoken_sentences_come_back_word_by_word(
    sentence: str, worker: WhisperWorker, spoken: Callable[[str], bytes]
) -> None:
    (answer,) = transcribe(worker, spoken(sentence))

    assert transcripts.words_of(answer["text"]) == transcripts.words_of(sentence)
    assert answer["no_speech"] is None
    assert answer["confidence"] > 0.5


def test_a_batch_gives_what_single_utterances_give(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    clips = [spoken(sentence) for sentence in SENTENCES]

    singly = [transcribe(worker, clip)[0]["text"] for clip in clips]

    assert [answer["text"] for answer in transcribe(worker, *clips)] == singly


@pytest.mark.parametrize("samples", NO_SPEECH.values(), ids=NO_SPEECH)
@pytest.mark.parametrize("vocabulary", [(), ("kitchen light", "thermostat")], ids=["plain", "prompted"])
def test_what_is_no_speech_gives_no_text(samples: Floats, vocabulary: tuple[str, ...], worker: WhisperWorker) -> None:
    pcm = (np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()

    (answer,) = transcribe(worker, pcm, vocabulary=vocabulary)

    assert (answer["text"], answer["no_speech"]) == ("", "noise")


def test_a_vocabulary_puts_no_words_into_other_mouths(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    drinks = ("americano", "cappuccino", "iced mocha", "latte", "almond milk", "brown sugar", "double shot")

    for sentence in SENTENCES:
        (answer,) = transcribe(worker, spoken(sentence), vocabulary=drinks)
        assert transcripts.words_of(answer["text"]) == transcripts.words_of(sentence)


def test_commands_do_not_come_twice_whatever_the_prompt(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    house = ("kitchen light", "bedroom", "thermostat", "volume", "turn on", "turn off")
    sentences = ("Turn on the lamp.", "Turn off the bedroom light.", "Turn off everything.", *SENTENCES)

    answers = transcribe(worker, *[spoken(sentence) for sentence in sentences], vocabulary=house)

    lengths = [len(transcripts.words_of(answer["text"]).split()) for answer in answers]
    assert lengths == [len(transcripts.words_of(sentence).split()) for sentence in sentences]


def test_loops_are_broken_by_a_longer_window(
    worker: WhisperWorker, spoken: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcripts, "window_for", lambda duration_s: 3)  # too short: tiny.en repeats itself
    sentences = ("Start the dishwasher.", *SENTENCES)

    answers = transcribe(worker, *[spoken(sentence) for sentence in sentences])

    assert [transcripts.words_of(answer["text"]) for answer in answers] == [
        transcripts.words_of(sentence) for sentence in sentences
    ]
    assert {answer["window_s"] for answer in answers if answer["fallback"]} == {16}


def test_hypotheses_differ_in_their_words(
    make_worker: Callable[..., WhisperWorker], spoken: Callable[[str], bytes]
) -> None:
    (answer,) = transcribe(make_worker(hypotheses=5), spoken("Play some jazz in the living room."))

    words = [transcripts.words_of(text) for text in (answer["text"], *answer["alternatives"])]
    assert 1 < len(set(words)) == len(words) <= 5


def test_thirty_seconds_pass_and_more_is_refused(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    sentence = spoken("Turn on the kitchen light.")
    half_minute = (sentence * 20)[: 30 * INTERNAL_RATE_HZ * 2]

    assert transcribe(worker, half_minute)[0]["window_s"] == 30
    with pytest.raises(ValueError, match="at most 30 s"):
        transcribe(worker, half_minute + bytes(2))


def test_the_model_describes_itself(worker: WhisperWorker) -> None:
    info, _ = worker.handle("info", {}, b"")

    assert info == {"model": "tiny.en", "device": "cpu", "compute_type": "int8", "multilingual": False, "max_batch": 0}


def test_words_have_their_times(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    first, second = spoken("Turn on the kitchen light."), spoken("Good night.")
    pause_s = 1.0
    clip = first + bytes(round(pause_s * INTERNAL_RATE_HZ) * 2) + second
    item = {"bytes": len(clip), "language": None, "vocabulary": [], "words": True}

    result, _ = worker.handle("transcribe", {"items": [item]}, clip)

    [answer] = result["items"]
    words = {text.strip(".,").lower(): (start_ms, end_ms) for text, start_ms, end_ms, _ in answer["words"]}
    assert " ".join(text for text, *_ in answer["words"]) == answer["text"]
    times = [time for span in words.values() for time in span]
    assert times == sorted(times)
    first_ms = len(first) / 2 / INTERNAL_RATE_HZ * 1000
    assert words["kitchen"][0] < words["light"][0] < first_ms, "an end may reach into the pause behind it"
    assert words["good"][1] > first_ms + 1000 * pause_s
    assert words["night"][1] <= len(clip) / 2 / INTERNAL_RATE_HZ * 1000
    assert all(0 < confidence <= 1 for *_, confidence in answer["words"])


def test_a_type_that_the_device_has_not_got_becomes_its_own(make_worker: Callable[..., WhisperWorker]) -> None:
    info, _ = make_worker(compute_type="float16", flash_attention=True).handle("info", {}, b"")

    assert info["compute_type"] == "int8"


def test_an_unknown_method_is_refused(worker: WhisperWorker) -> None:
    with pytest.raises(ValueError, match="not 'translate'"):
        worker.handle("translate", {}, b"")


def test_the_joined_multilingual_model_finds_the_language(
    make_worker: Callable[..., WhisperWorker], spoken: Callable[[str], bytes]
) -> None:
    multilingual = make_worker(model="base", language="auto")

    (answer,) = transcribe(multilingual, spoken("What is the weather like in Paris tomorrow?"))

    assert answer["language"] == "en"
    assert transcripts.words_of(answer["text"]) == "what is the weather like in paris tomorrow"
