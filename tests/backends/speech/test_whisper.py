from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from backends.jobs import Clip, ClipTranscript
from backends.speech import whisper
from backends.speech.models import ModelError
from backends.speech.whisper import Search, Transcriber, language_code
from backends.speech.whisper_engine import DecodeJob, Encoding, Hypotheses, Precision
from backends.speech.word_times import Timed
from protocol.messages.hearing import INTERNAL_RATE_HZ, SpokenWord

SOT, NO_TIMESTAMPS, BIAS = 1, 2, 3


def heard(text: str, *others: str, logprob: float = -0.2, no_speech_prob: float = 0.0) -> Hypotheses:
    texts = (text, *others)
    tokens = tuple(tuple(hash(word) for word in one.split()) for one in texts)
    return Hypotheses(tokens, texts, logprob, no_speech_prob)


@attrs.define
class FakeEngine:
    """Returns scripted texts for (window, whether biased); keeps its arguments."""

    says: Callable[[int, bool], Hypotheses]
    device: str = "cpu"
    compute_type: str = "int8"
    is_multilingual: bool = False
    detected: str = "de"
    encoded: list[int] = attrs.field(factory=list)
    rooms: list[bool] = attrs.field(factory=list)
    batches: list[int] = attrs.field(factory=list)
    encoder_batches: list[int] = attrs.field(factory=list)
    prompted: list[str] = attrs.field(factory=list)

    def features(self, samples: Any, window_s: int, *, in_room: bool = False) -> Any:
        self.encoded.append(window_s)
        self.rooms.append(in_room)
        return np.zeros((80, 100 * window_s), np.float32)

    def encode(self, features: Sequence[Any]) -> list[Encoding]:
        assert len({one.shape for one in features}) == 1
        self.encoder_batches.append(len(features))
        return [Encoding(np.zeros((len(features), one.shape[1] // 2, 4)), n) for n, one in enumerate(features)]

    def detect_language(self, encoding: Encoding) -> str:
        return self.detected

    def has_language(self, language: str) -> bool:
        return language in {"en", "de"}

    def prompt(self, language: str, vocabulary: Sequence[str] = (), *, translate: bool = False) -> tuple[int, ...]:
        self.prompted.append(f"{language} into English" if translate else language)
        return (*([BIAS] * len(vocabulary)), SOT, NO_TIMESTAMPS)

    def word_times(self, encoding: Encoding, language: str, tokens: Sequence[int], duration_s: float) -> list[Timed]:
        return [Timed("Turn", 100, 300, 0.9), Timed("it.", 300, 9_000, 0.8)]

    def generate(self, jobs: Sequence[DecodeJob], *, beam_size: int, hypotheses: int) -> list[Hypotheses]:
        assert len({job.shape for job in jobs}) == 1
        self.batches.append(len(jobs))
        return [self.says(job.encoding.frames // 50, BIAS in job.prompt) for job in jobs]


def pcm(duration_s: float) -> bytes:
    return np.full(int(duration_s * INTERNAL_RATE_HZ), 3_000, dtype="<i2").tobytes()


def transcribe(
    engine: FakeEngine, *items: tuple[float, list[str]], voiced_s: float = 1.0, **search: Any
) -> tuple[ClipTranscript, ...]:
    worker = Transcriber(engine, Search(**search), voiced_seconds=lambda samples: voiced_s)
    blobs = [pcm(duration_s) for duration_s, _ in items]
    clips = [Clip(len(blob), vocabulary=tuple(words)) for blob, (_, words) in zip(blobs, items, strict=True)]
    return worker.transcribe(clips, b"".join(blobs))


def test_an_utterance_becomes_a_tidy_text_with_its_alternatives() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard(" turn it on", " Turn it on.", " turn it off", logprob=0.0))

    (answer,) = transcribe(engine, (2.0, []))

    assert answer.compute_s > 0
    assert answer == ClipTranscript(
        text="Turn it on",
        language="en",
        confidence=1.0,
        alternatives=("Turn it off",),
        no_speech=None,
        compute_s=answer.compute_s,
        window_s=10,
        attempts=1,
        first_tokens=heard(" turn it on").tokens[0],
    )


def test_the_first_tokens_are_those_of_the_best_text_under_the_prompt() -> None:
    looping, plain = heard("tea, tea, tea, tea, tea, tea, tea"), heard("Make tea", "Make")
    engine = FakeEngine(lambda window_s, is_biased: looping if is_biased else plain)

    (answer,) = transcribe(engine, (2.0, ["tea"]))

    assert (answer.text, answer.attempts) == ("Make tea", 2)
    assert answer.first_tokens == looping.tokens[0]


def test_the_hypothesis_that_goes_on_is_taken_where_the_best_breaks_off_before_the_voice() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard(" A latte,", " A lot.", " A latte, with milk.", logprob=0.0))

    (answer,) = transcribe(engine, (2.0, []), voiced_s=1.9)

    assert (answer.text, answer.alternatives) == ("A latte, with milk.", ("A latte,", "A lot."))


def test_words_have_times_within_the_utterance_where_they_are_wanted() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard(" turn it"))
    worker = Transcriber(engine, Search(), voiced_seconds=lambda samples: 1.0)

    (answer,) = worker.transcribe([Clip(len(pcm(2.0)), wants_words=True)], pcm(2.0))

    assert answer.words == (SpokenWord("Turn", 100, 300, 0.9), SpokenWord("it.", 300, 2_000, 0.8))


def test_what_silero_calls_noise_is_never_decoded() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("thank you"))

    (answer,) = transcribe(engine, (2.0, []), voiced_s=0.0)

    assert (answer.text, answer.no_speech) == ("", "noise")
    assert engine.encoded == []


@pytest.mark.parametrize(("duration_s", "reason"), [(0.0, "too_short"), (0.05, "too_short")])
def test_next_to_nothing_is_too_short(duration_s: float, reason: str | None) -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("you"))

    assert transcribe(engine, (duration_s, []))[0].no_speech == reason


def test_utterances_of_one_window_are_decoded_together_and_others_apart() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard(f"window {window_s}"))

    answers = transcribe(engine, (1.0, []), (10.0, []), (2.0, []))

    assert [answer.text for answer in answers] == ["Window 10", "Window 16", "Window 10"]
    assert sorted(engine.batches) == [1, 2]


def test_prompts_of_different_length_do_not_share_a_batch() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("biased" if is_biased else "plain"))

    answers = transcribe(engine, (1.0, ["light"]), (1.0, []))

    assert [answer.text for answer in answers] == ["Biased", "Plain"]
    assert engine.batches == [1, 1]


def test_dictation_without_a_vocabulary_ends_in_a_quiet_room() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("and so on"))

    transcribe(engine, (6.0, []), (6.0, ["light"]), (2.0, []))

    assert engine.rooms == [True, False, False]


def test_a_loop_is_decoded_again_in_longer_windows() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("turn it on " * (8 if window_s < 30 else 1)))

    (answer,) = transcribe(engine, (1.5, []))

    assert (answer.text, answer.attempts, answer.window_s) == ("Turn it on", 3, 30)
    assert engine.encoded == [10, 16, 30]


def test_only_the_looping_utterance_of_a_batch_is_decoded_again() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("stop it " * (4 if window_s == 10 else 1)))

    first, second = transcribe(engine, (1.5, []), (6.0, []))

    assert (first.attempts, second.attempts) == (2, 1)
    assert engine.batches == [1, 1, 1]


def test_a_loop_that_will_not_end_becomes_no_text() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("turn it on " * 9))

    (answer,) = transcribe(engine, (1.5, ["light"]))

    assert (answer.text, answer.no_speech) == ("", "hallucination")
    assert engine.encoded == [10, 16, 30]
    assert len(engine.batches) == 4  # the last without the prompt, on the same encoding


def test_an_unlikely_biased_text_gives_way_to_the_unbiased_one() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("latte", logprob=-0.9) if is_biased else heard("later"))

    (answer,) = transcribe(engine, (1.5, ["latte"]))

    assert (answer.text, answer.attempts) == ("Later", 2)
    assert engine.encoded == [10]


def test_hardly_any_voice_is_not_heard_through_a_prompt() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("light" if is_biased else "you", no_speech_prob=0.9))

    (answer,) = transcribe(engine, (1.5, ["light"]), voiced_s=0.2)

    assert (answer.text, answer.no_speech) == ("", "hallucination")


@pytest.mark.parametrize(
    ("wanted", "setting", "language"),
    [("de", "en", "de"), ("de-AT", "en", "de"), ("xx", "en", "en"), (None, "auto", "fr"), (None, "", "fr")],
)
def test_a_multilingual_model_is_asked_for_the_language_or_detects_it(
    wanted: str | None, setting: str, language: str
) -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("ja"), is_multilingual=True, detected="fr")
    worker = Transcriber(engine, Search(language=setting), voiced_seconds=lambda samples: 1.0)

    (answer,) = worker.transcribe([Clip(len(pcm(1.0)), wanted)], pcm(1.0))

    assert answer.language == language
    assert engine.prompted == [language]


@pytest.mark.parametrize(("spoken", "prompted"), [("de", "de into English"), (None, "fr into English")])
def test_what_is_translated_is_in_the_clips_language_or_a_detected_one(spoken: str | None, prompted: str) -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("yes"), is_multilingual=True, detected="fr")
    worker = Transcriber(engine, Search(language="en"), voiced_seconds=lambda samples: 1.0)

    worker.transcribe([Clip(len(pcm(1.0)), spoken, translate=True)], pcm(1.0))

    assert engine.prompted == [prompted]


def test_an_english_model_takes_everything_for_english() -> None:
    engine = FakeEngine(lambda window_s, is_biased: heard("yes"))

    assert transcribe(engine, (1.0, []), language="de")[0].language == "en"


@pytest.mark.parametrize(
    ("clips", "blob", "message"),
    [
        ([Clip(960_002)], bytes(960_002), r"at most 30 s \(960000 bytes\), not 960002"),
        ([Clip(3)], b"abc", "whole samples"),
        ([Clip(-2)], b"", "not -2"),
        ([Clip(4)], b"ab", "clips say 4 bytes of samples, but 2 came"),
        ([], b"ab", "clips say 0 bytes"),
    ],
)
def test_clips_that_do_not_fit_their_samples_are_refused(clips: list[Clip], blob: bytes, message: str) -> None:
    worker = Transcriber(FakeEngine(lambda window_s, is_biased: heard("")), Search())

    with pytest.raises(ValueError, match=message):
        worker.transcribe(clips, blob)


def test_no_utterances_give_no_answers() -> None:
    assert Transcriber(FakeEngine(lambda window_s, is_biased: heard("")), Search()).transcribe([], b"") == ()


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en", "en"),
        ("en-US", "en"),
        ("PT_br", "pt"),
        ("yue", "yue"),
        ("auto", None),
        ("", None),
        (None, None),
        ("transcribe", None),
        ("e", None),
        ("<|en|>", None),
    ],
)
def test_a_language_tag_is_cut_to_its_code(tag: str | None, code: str | None) -> None:
    assert language_code(tag) == code


def test_a_batch_is_encoded_together_by_windows_and_threads_change_nothing() -> None:
    def answers(executor: Executor | None) -> list[str]:
        engine = FakeEngine(lambda window_s, is_biased: heard(f" {window_s} seconds"))
        worker = Transcriber(engine, Search(), voiced_seconds=lambda samples: 1.0, executor=executor)
        blobs = [pcm(2.0), pcm(9.0), pcm(3.0), bytes(0)]
        clips = [Clip(len(blob)) for blob in blobs]
        found = worker.transcribe(clips, b"".join(blobs))
        assert sorted(engine.encoder_batches) == [1, 2]
        assert all(answer.compute_s > 0 for answer in found)
        return [answer.text for answer in found]

    with ThreadPoolExecutor(2) as executor:
        assert answers(executor) == answers(None) == ["10 seconds", "16 seconds", "10 seconds", ""]


@attrs.define
class GpuWithoutLibraries:
    """In the place of ``Engine`` and ``device_for``: a driver that sees a card, and no cuBLAS."""

    made: list[tuple[str, str]] = attrs.field(factory=list)

    def engine(self, folder: Path, *, device: str, precision: Precision, cpu_threads: int) -> FakeEngine:
        self.made.append((device, precision.compute_type))
        if device == "cuda":
            raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")
        return FakeEngine(lambda window_s, is_biased: heard("yes"), device=device)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> GpuWithoutLibraries:
    found = GpuWithoutLibraries()
    monkeypatch.setattr(whisper, "Engine", found.engine)
    monkeypatch.setattr(whisper, "device_for", lambda wanted: "cuda" if wanted == "auto" else wanted)
    return found


def params(device: str) -> dict[str, Any]:
    return {"device": device, "compute_type": "auto", "spare_vram": False, "flash_attention": False, "cpu_threads": 1}


def test_a_gpu_that_was_not_asked_for_and_cannot_be_used_is_left_alone(
    card: GpuWithoutLibraries, caplog: pytest.LogCaptureFixture
) -> None:
    assert whisper._load(Path("model"), params("auto")).device == "cpu"

    assert card.made == [("cuda", "auto"), ("cpu", "auto")]
    assert "pip install nvidia-cublas-cu12" in caplog.text


def test_a_gpu_that_was_asked_for_and_cannot_be_used_is_told_with_a_way_out(card: GpuWithoutLibraries) -> None:
    with pytest.raises(ModelError, match=r"cannot be loaded on cuda.*nvidia-cublas-cu12"):
        whisper._load(Path("model"), params("cuda"))
