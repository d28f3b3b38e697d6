"""Looks for a model's files, for ``sayso doctor``."""

from collections.abc import Callable
from pathlib import Path

from assembly.providers.provider import Finding, State
from backends.speech.models import ModelError
from config.settings import Settings


def check_model(
    name: str, missing: State, resolve: Callable[[str, Path], Path], model: str, settings: Settings
) -> Finding:
    """Check that a model is there, and undamaged where its hash is known; ``missing`` is the severity if not."""
    try:
        path = resolve(model, settings.supervisor.models_dir)
    except ModelError as error:
        return Finding(name, missing, f"{model} cannot be used", str(error))
    return Finding(name, "ok", f"{model} ({path})")
