"""Which voice detector a session gets."""

import logging
from pathlib import Path

import pytest

from assembly.providers import voice_detectors
from assembly.providers.voice_detectors import VoiceDetectors
from backends.speech import models
from backends.speech.two_stage_vad import TwoStageDetector
from backends.speech.vad import EarshotDetector
from config.load import load
from config.settings import Settings
from protocol.messages.records import Count
from tests.system.speech_fixtures import spoken_pcm


def settings(tmp_path: Path, **changed: object) -> Settings:
    flags = {f"audio.{name}": str(value) for name, value in changed.items()}
    return load(None, {}, {"supervisor.models_dir": str(tmp_path)} | flags).settings


def test_a_session_has_silero_and_it_is_counted(tmp_path: Path) -> None:
    counted: list[Count] = []
    detector = VoiceDetectors(settings(tmp_path), counted.append, lambda: 0.0).for_session(int)
    assert isinstance(detector, TwoStageDetector)
    detector.probabilities(spoken_pcm("Stop."))
    detector.reset()
    assert {count.name for count in counted} == {"silero_frames_total"}
    assert sum(count.amount for count in counted) > 10


def test_under_load_it_is_not_asked_which_is_counted_with_the_level(tmp_path: Path) -> None:
    counted: list[Count] = []
    detector = VoiceDetectors(settings(tmp_path), counted.append, lambda: 0.0).for_session(lambda: 2)
    detector.probabilities(spoken_pcm("Stop."))
    assert counted == [Count("shed_total", ("2", "silero"))]


def test_with_no_places_there_is_earshot_alone(tmp_path: Path) -> None:
    none = VoiceDetectors(settings(tmp_path, silero_sessions=0), lambda _: None, lambda: 0.0)
    assert isinstance(none.for_session(int), EarshotDetector)


def test_without_the_model_earshot_goes_on_alone_and_the_log_and_the_doctor_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    missing = models.Embedded(("no-such-package",), ("silero.onnx",), "0" * 64)
    monkeypatch.setattr(models, "SILERO", {"silero-v6": missing})
    with caplog.at_level(logging.WARNING):
        detectors = VoiceDetectors(settings(tmp_path), lambda _: None, lambda: 0.0)
    assert isinstance(detectors.for_session(int), EarshotDetector)
    assert "earshot detects voices alone" in caplog.text
    assert "pip install --no-deps no-such-package" in caplog.text
    [finding] = voice_detectors.findings(settings(tmp_path))
    assert (finding.name, finding.state) == ("voice detector", "warn")
    assert "no-such-package" in finding.text


def test_the_doctor_says_that_silero_is_there_and_nothing_if_it_is_not_wanted(tmp_path: Path) -> None:
    [finding] = voice_detectors.findings(settings(tmp_path))
    assert finding.state == "ok"
    assert list(voice_detectors.findings(settings(tmp_path, silero_sessions=0))) == []
