"""The real tiny.en on recorded speech, and on what is no speech.

What a recogniser makes of speech differs a little from processor to processor, so its words are counted over all
sentences and compared with those of faster-whisper's own ``transcribe`` on the same samples.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel

from backends.jobs import Clip, ClipTranscript, ModelDescription, TranscribeClips
from backends.speech.models import ModelError, resolve_whisper
from backends.speech.whisper import WhisperWorker
from backends.speech.whisper_engine import Floats
from protocol.audio import transcripts
from protocol.messages.hearing import INTERNAL_RATE_HZ
from tests.system.model_fixtures import models_dir

pytestmark = pytest.mark.system

SENTENCES = (
    "Please turn on the kitchen light.",
    "What is the weather like in London tomorrow?",
    "Stop.",
    "Close the window in the bedroom, please.",
    "Where are my keys?",
    "Open the browser.",
)
MARGIN_WORDS = 2  # of a set: what another processor may hear otherwise
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
            "models_dir": str(models_dir()),
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


def transcribe(worker: WhisperWorker, *clips: bytes, vocabulary: tuple[str, ...] = ()) -> Sequence[ClipTranscript]:
    job = TranscribeClips(tuple(Clip(len(clip), vocabulary=vocabulary) for clip in clips))
    return worker.transcribe(job, b"".join(clips)).clips


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many words were put in, left out or replaced, in all sentences together."""
    pairs = [[transcripts.words_of(text).split() for text in pair] for pair in zip(said, heard, strict=True)]
    return sum(edits(*pair) for pair in pairs)


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return the edit distance of two lists of words (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, start=1):
        before, row[0] = row[0], number
        for at, other in enumerate(heard, start=1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != other))
    return row[-1]


def their_errors(model: str, sentences: Sequence[str], clips: Sequence[bytes]) -> int:
    """Return the word errors of faster-whisper's own decoder."""
    theirs = WhisperModel(str(resolve_whisper(model, models_dir())), device="cpu", compute_type="int8", cpu_threads=1)
    heard = []
    for clip in clips:
        samples = np.frombuffer(clip, dtype="<i2").astype(np.float32) / 32_768
        segments, _ = theirs.transcribe(samples, language="en", beam_size=1)
        heard.append(" ".join(segment.text for segment in segments))
    return word_errors(sentences, heard)


def test_word_errors_are_what_must_be_put_in_left_out_or_replaced() -> None:
    assert word_errors(["Stop.", "Where are my keys?"], ["stop", "where are the keys now"]) == 2
    assert word_errors(["Stop.", "Open the browser."], ["", "open browser"]) == 2


def test_dictation_has_no_more_word_errors_than_the_librarys_own_decoder(
    worker: WhisperWorker, spoken: Callable[[str], bytes]
) -> None:
    sentence = "The train from the coast was late. Nobody in the office knew where the key had gone."
    clip = spoken(sentence)
    assert transcripts.ends_in_room(len(clip) / 2 / INTERNAL_RATE_HZ, is_biased=False)
    (answer,) = transcribe(worker, clip)
    assert word_errors([sentence], [answer.text]) <= their_errors("tiny.en", [sentence], [clip]) + MARGIN_WORDS


def test_sentences_have_no_more_word_errors_than_the_librarys_own_decoder(
    worker: WhisperWorker, spoken: Callable[[str], bytes]
) -> None:
    clips = [spoken(sentence) for sentence in SENTENCES]
    answers = [transcribe(worker, clip)[0] for clip in clips]

    errors = word_errors(SENTENCES, [answer.text for answer in answers])
    assert errors <= their_errors("tiny.en", SENTENCES, clips) + MARGIN_WORDS
    assert {answer.no_speech for answer in answers} == {None}
    assert sum(answer.confidence for answer in answers) / len(answers) > 0.5


def test_a_batch_has_no_more_word_errors_than_single_utterances(
    worker: WhisperWorker, spoken: Callable[[str], bytes]
) -> None:
    clips = [spoken(sentence) for sentence in SENTENCES]

    singly = [transcribe(worker, clip)[0].text for clip in clips]
    together = [answer.text for answer in transcribe(worker, *clips)]

    assert word_errors(singly, together) <= MARGIN_WORDS


@pytest.mark.parametrize("samples", NO_SPEECH.values(), ids=NO_SPEECH)
@pytest.mark.parametrize("vocabulary", [(), ("kitchen light", "thermostat")], ids=["plain", "prompted"])
def test_what_is_no_speech_gives_no_text(samples: Floats, vocabulary: tuple[str, ...], worker: WhisperWorker) -> None:
    pcm = (np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()

    (answer,) = transcribe(worker, pcm, vocabulary=vocabulary)

    assert (answer.text, answer.no_speech) == ("", "noise")


def test_a_vocabulary_adds_no_words_of_its_own(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    drinks = ("americano", "cappuccino", "iced mocha", "latte", "almond milk", "brown sugar", "double shot")

    clips = [spoken(sentence) for sentence in SENTENCES]
    answers = [transcribe(worker, clip, vocabulary=drinks)[0].text for clip in clips]

    assert word_errors(SENTENCES, answers) <= their_errors("tiny.en", SENTENCES, clips) + MARGIN_WORDS
    heard = {word for answer in answers for word in transcripts.words_of(answer).split()}
    assert not heard & {word for drink in drinks for word in drink.split()}


def test_commands_do_not_come_twice_whatever_the_prompt(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    server = ("kitchen light", "bedroom", "thermostat", "volume", "turn on", "turn off")
    sentences = ("Turn on the radio.", "Turn off the bedroom light.", "Turn off everything.", *SENTENCES)

    answers = transcribe(worker, *[spoken(sentence) for sentence in sentences], vocabulary=server)

    for sentence, answer in zip(sentences, answers, strict=True):
        said, heard = (len(transcripts.words_of(text).split()) for text in (sentence, answer.text))
        assert abs(heard - said) <= 1, answer.text


def test_loops_are_broken_by_a_longer_window(
    worker: WhisperWorker, spoken: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcripts, "window_for", lambda duration_s: 3)  # too short: tiny.en repeats itself
    sentences = ("Start the dishwasher.", *SENTENCES)

    clips = [spoken(sentence) for sentence in sentences]
    answers = transcribe(worker, *clips)

    errors = word_errors(sentences, [answer.text for answer in answers])
    assert errors <= their_errors("tiny.en", sentences, clips) + MARGIN_WORDS
    assert {answer.window_s for answer in answers if answer.attempts > 1} == {16}


def test_hypotheses_differ_in_their_words(
    make_worker: Callable[..., WhisperWorker], spoken: Callable[[str], bytes]
) -> None:
    (answer,) = transcribe(make_worker(hypotheses=5), spoken("Play some jazz in the living room."))

    words = [transcripts.words_of(text) for text in (answer.text, *answer.alternatives)]
    assert 1 < len(set(words)) == len(words) <= 5


def test_thirty_seconds_pass_and_more_is_refused(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    sentence = spoken("Please turn on the kitchen light.")
    half_minute = (sentence * 20)[: 30 * INTERNAL_RATE_HZ * 2]

    assert transcribe(worker, half_minute)[0].window_s == 30
    with pytest.raises(ValueError, match="at most 30 s"):
        transcribe(worker, half_minute + bytes(2))


def test_the_model_describes_itself(worker: WhisperWorker) -> None:
    assert worker.describe() == ModelDescription("cpu", "int8", is_multilingual=False, max_batch=0)


def test_words_have_their_times(worker: WhisperWorker, spoken: Callable[[str], bytes]) -> None:
    first, second = spoken("Please turn on the kitchen light."), spoken("Good night.")
    pause_s = 1.0
    clip = first + bytes(round(pause_s * INTERNAL_RATE_HZ) * 2) + second

    [answer] = worker.transcribe(TranscribeClips((Clip(len(clip), wants_words=True),)), clip).clips

    words = {word.text.strip(".,").lower(): (word.start_ms, word.end_ms) for word in answer.words}
    assert " ".join(word.text for word in answer.words) == answer.text
    times = [time for span in words.values() for time in span]
    assert times == sorted(times)
    first_ms = len(first) / 2 / INTERNAL_RATE_HZ * 1000
    assert words["kitchen"][0] < words["light"][0] < first_ms, "an end may reach into the pause behind it"
    assert words["good"][1] > first_ms + 1000 * pause_s
    assert words["night"][1] <= len(clip) / 2 / INTERNAL_RATE_HZ * 1000
    assert all(0 < word.confidence <= 1 for word in answer.words)


def test_a_type_that_the_device_has_not_got_becomes_its_own(make_worker: Callable[..., WhisperWorker]) -> None:
    assert make_worker(compute_type="float16", flash_attention=True).describe().compute_type == "int8"


def test_the_joined_multilingual_model_finds_the_language(
    make_worker: Callable[..., WhisperWorker], spoken: Callable[[str], bytes]
) -> None:
    multilingual = make_worker(model="base", language="auto")

    sentence = "Close the window in the bedroom, please."
    clip = spoken(sentence)
    (answer,) = transcribe(multilingual, clip)

    assert answer.language == "en"
    assert word_errors([sentence], [answer.text]) <= their_errors("base", [sentence], [clip]) + MARGIN_WORDS
