"""Wake words with the real detector, where its package is installed, and without it."""

import importlib.util

import attrs
import pytest

from backends.protocols import WakeWordDetector
from backends.speech import wake_words
from backends.speech.models import ModelError
from tests.fakes import default_settings, silence

needs_package = pytest.mark.skipif(
    not wake_words.is_installed(), reason="needs pymicro-wakeword: pip install 'sayso[wake]'"
)
SETTINGS = default_settings().wake


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)


@needs_package
def test_the_words_are_those_that_the_package_has() -> None:
    assert set(wake_words.wake_words()) >= {"okay nabu", "hey jarvis", "hey mycroft", "alexa"}
    assert set(wake_words.LAG_SAMPLES) <= set(wake_words.wake_words())


@needs_package
@pytest.mark.parametrize("word", ["okay nabu", "OKAY_NABU", " hey  jarvis"])
def test_a_word_may_be_written_in_several_ways(word: str) -> None:
    assert wake_words.wake_word_problem(word) is None


@needs_package
def test_an_unknown_word_is_told_with_those_that_there_are() -> None:
    problem = wake_words.wake_word_problem("computer" * 100)
    assert problem is not None
    assert "must be one of okay nabu, hey jarvis, hey mycroft, alexa, not 'computer" in problem
    assert len(problem) < 150
    with pytest.raises(ModelError, match="must be one of"):
        wake_words.MicroWakeWordDetector("computer")


@pytest.mark.usefixtures("without_package")
def test_without_the_package_the_command_that_brings_it_is_told() -> None:
    assert wake_words.wake_words() == ()
    assert "pip install 'sayso[wake]'" in str(wake_words.wake_word_problem("okay nabu"))
    wake_words.check(SETTINGS)
    with pytest.raises(ModelError, match=r"wake\.word: .*sayso\[wake\]"):
        wake_words.check(attrs.evolve(SETTINGS, word="okay nabu"))


@needs_package
def test_the_word_of_the_settings_must_be_one_that_there_is() -> None:
    wake_words.check(attrs.evolve(SETTINGS, word="hey jarvis"))
    with pytest.raises(ModelError, match=r"wake\.word: a wake word must be one of"):
        wake_words.check(attrs.evolve(SETTINGS, word="computer"))


class Word:
    """A model that hears its word in a certain step, and takes three features for one."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.resets = 0

    def process_streaming(self, _features: object) -> bool:
        self.step -= 1
        return self.step == 0

    def reset(self) -> None:
        self.resets += 1


@needs_package
@pytest.mark.parametrize("piece_bytes", [2, 250, 512, 32_000])
def test_where_a_word_ended_does_not_depend_on_the_pieces(monkeypatch: pytest.MonkeyPatch, piece_bytes: int) -> None:
    detector = wake_words.MicroWakeWordDetector("okay nabu")
    word = Word(step=40)
    monkeypatch.setattr(detector, "_model", word)
    pcm, found = silence(1.0), []
    for start in range(0, len(pcm), piece_bytes):
        found += [start // 2 + at for at in detector.find(pcm[start : start + piece_bytes])]
    assert len(found) == 1
    assert found[0] + wake_words.LAG_SAMPLES["okay nabu"] == pytest.approx(42 * 160, abs=2 * 160)  # a window is 30 ms
    assert word.resets == 1


@needs_package
def test_silence_is_no_word() -> None:
    detector: WakeWordDetector = wake_words.MicroWakeWordDetector("okay nabu", threshold=0.5)
    assert detector.find(silence(3.0)) == []
