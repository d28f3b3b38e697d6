import attrs
import pytest

from config.load import load
from config.settings import AudioSettings, Settings


@pytest.fixture
def settings() -> Settings:
    return load(None, {"HOME": "/home/ada"}, {}).settings


def test_settings_cannot_be_changed(settings: Settings) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.gateway.port = 1  # type: ignore[misc]  # that it is refused is the point


def test_a_class_checks_its_own_values(settings: Settings) -> None:
    with pytest.raises(ValueError, match="silence_ms"):
        attrs.evolve(settings.audio, silence_ms=10)


def test_every_field_of_a_class_must_be_given() -> None:
    with pytest.raises(TypeError, match="missing"):
        AudioSettings()  # type: ignore[call-arg]  # that it is refused is the point
