"""The models folder of one run: whatever test needs a model first has it checked and joined for all."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from backends.speech.models import resolve_voice

VOICE: Final = "en_US-joe-medium"
STEADY_VOICE: Final = "steady"
_made: Final[list[Path]] = []


def models_dir() -> Path:
    """Return the folder; there is one while ``run_models`` is set up."""
    assert _made, "the fixture run_models must be set up first"
    return _made[-1]


def add_steady_voice() -> str:
    """Make the embedded voice without its noise, and return its name; raises ``ModelError`` where it is missing."""
    model = resolve_voice(VOICE, models_dir())
    config = json.loads(model.with_name(f"{model.name}.json").read_text(encoding="utf-8"))
    config["inference"] |= {"noise_scale": 0.0, "noise_w": 0.0}
    folder = models_dir() / "voices"
    folder.mkdir(exist_ok=True)
    kept = folder / f"{STEADY_VOICE}.onnx"
    if not kept.exists():
        kept.symlink_to(model)
        kept.with_name(f"{kept.name}.json").write_text(json.dumps(config), encoding="utf-8")
    return STEADY_VOICE


@pytest.fixture(scope="session", autouse=True)
def run_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have a models folder that no other run knows; it goes with the run, because it is large."""
    folder = tmp_path_factory.mktemp("models")
    _made.append(folder)
    yield
    _made.remove(folder)
    shutil.rmtree(folder)
