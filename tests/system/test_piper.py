"""The real Piper with the embedded voice, without the noise that it draws anew each time."""

import numpy as np
import numpy.typing as npt
import pytest

from backends.jobs import SpeakText, SpokenText
from backends.speech.models import ModelError
from backends.speech.piper import PiperWorker

pytestmark = pytest.mark.system


def speak(piper: PiperWorker, text: str) -> tuple[SpokenText, npt.NDArray[np.int16]]:
    result, pcm = piper.handle(SpeakText(text), b"")
    return result, np.frombuffer(pcm, dtype="<i2")


def test_a_sentence_becomes_speech_of_a_plausible_length(piper: PiperWorker) -> None:
    result, samples = speak(piper, "The kitchen light is on.")

    assert 0.8 < len(samples) / result.sample_rate_hz < 4
    assert np.abs(samples).max() > 3_000


def test_longer_text_takes_longer(piper: PiperWorker) -> None:
    assert len(speak(piper, "The kitchen light is on, and so is the one in the hall.")[1]) > 1.4 * len(
        speak(piper, "It is on.")[1]
    )


@pytest.mark.parametrize("text", ["", "…", "🎉", "[[ ]]", "\n"])
def test_nothing_to_say_is_silence(text: str, piper: PiperWorker) -> None:
    assert len(speak(piper, text)[1]) == 0


@pytest.mark.parametrize(
    "text", ["日本語", "1234567890", "a", "%", "http://example.org/?a=b&c=d", "«Ça va?»", "A" * 200]
)
def test_odd_text_does_not_break_it(text: str, piper: PiperWorker) -> None:
    speak(piper, text)


def test_an_unknown_voice_says_what_there_is(piper: PiperWorker) -> None:
    with pytest.raises(ModelError, match="none of en_US-joe-medium"):
        piper.handle(SpeakText("Hi", "nobody"), b"")
