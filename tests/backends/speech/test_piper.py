import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from backends.jobs import SpeakText, SpokenText
from backends.speech import piper
from backends.speech.models import ModelError
from backends.speech.piper import PiperWorker, speakable_text, synthesis_options


class FakeVoice:
    """Speaks two samples a character."""

    def __init__(self) -> None:
        self.config = SimpleNamespace(sample_rate=22_050)
        self.heard: list[str] = []

    def synthesize(self, text: str, pace: object = None) -> list[SimpleNamespace]:
        self.heard.append(text)
        return [SimpleNamespace(audio_int16_bytes=b"\1\0" * 2 * len(text))]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def load(path: str, cpu_threads: int) -> FakeVoice:
        names.append(path)
        return FakeVoice()

    monkeypatch.setattr(piper, "resolve_voice", lambda name, models_dir: name)
    monkeypatch.setattr(piper, "load_voice", load)
    return names


def worker(voice: str = "joe") -> PiperWorker:
    return PiperWorker({"models_dir": "/nowhere", "voice": voice, "cpu_threads": 1})


def test_the_configured_voice_is_loaded_and_tried_at_the_start(loaded: list[str]) -> None:
    worker()

    assert loaded == ["joe"]


def test_speech_says_its_rate(loaded: list[str]) -> None:
    assert worker().handle(SpeakText("Hello"), b"") == (SpokenText(22_050), b"\1\0" * 10)


def test_few_voices_are_kept_and_the_longest_unused_goes(loaded: list[str]) -> None:
    speaker = worker()
    for name in ("anna", "bert", "joe", "carl", "joe"):
        speaker.handle(SpeakText("Hi", name), b"")

    assert loaded == ["joe", "anna", "bert", "carl"], "joe was kept"
    speaker.handle(SpeakText("Hi", "anna"), b"")
    assert loaded[4:] == ["anna"]


def test_a_client_cannot_name_a_file_as_voice(loaded: list[str]) -> None:
    with pytest.raises(ValueError, match="voice must be a name"):
        worker().handle(SpeakText("Hi", "../../etc/voice"), b"")


def test_the_configured_voice_may_be_a_file(loaded: list[str]) -> None:
    assert len(worker("/voices/joe.onnx").handle(SpeakText("Hi"), b"")[1]) == 8


@pytest.mark.parametrize("text", ["", "  ", "...", "🎉🎉", "[[]]", "\x00\n"])
def test_what_cannot_be_spoken_is_an_empty_answer(text: str, loaded: list[str]) -> None:
    assert worker().handle(SpeakText(text), b"") == (SpokenText(22_050), b"")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("It is **done**.", "It is done ."),
        ("one\ntwo\tthree", "one two three"),
        ("say [[halo]]", "say halo"),
        ("20 °C & 5 €", "20 °C & 5 €"),
        ("héllo wörld", "héllo wörld"),
        ("done \U0001f389!", "done !"),
        ("<b>bold</b>", "b bold /b"),
    ],
)
def test_text_is_made_harmless_for_the_phonemiser(text: str, spoken: str) -> None:
    assert speakable_text(text) == spoken


def test_text_of_any_length_is_not_taken() -> None:
    with pytest.raises(ValueError, match="at most 1000 characters, not 1001"):
        speakable_text("a" * 1001)


def test_samples_are_refused(loaded: list[str]) -> None:
    with pytest.raises(ValueError, match="takes no samples, but 2 bytes came"):
        worker().handle(SpeakText("Hi"), b"\0\0")


def test_without_piper_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "piper", None)  # as if it were not installed

    with pytest.raises(ModelError, match=r"run `pip install 'sayso\[piper\]'`"):
        piper.load_voice(tmp_path / "voice.onnx", 1)


def test_twice_the_speed_takes_half_as_long():
    pytest.importorskip("piper")
    voice = SimpleNamespace(config=SimpleNamespace(length_scale=1.2))

    assert synthesis_options(voice, 2.0).length_scale == pytest.approx(0.6)
    assert synthesis_options(voice, 1.0) is None
