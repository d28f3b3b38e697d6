"""Where files go unless the settings say otherwise: the XDG Base Directory Specification, version 0.8."""

from collections.abc import Mapping
from pathlib import Path

CONFIG_FILE = "sayso.toml"


def config_home(environ: Mapping[str, str]) -> Path:
    """Return the folder of the user's configuration."""
    return _base(environ, "XDG_CONFIG_HOME", ".config") / "sayso"


def data_home(environ: Mapping[str, str]) -> Path:
    """Return the folder of what must be kept, such as history and notes."""
    return _base(environ, "XDG_DATA_HOME", ".local/share") / "sayso"


def models_home(environ: Mapping[str, str]) -> Path:
    """Return the folder of model files that were joined or checked; it can be made again, so it is a cache."""
    return _base(environ, "XDG_CACHE_HOME", ".cache") / "sayso" / "models"


def find_config(environ: Mapping[str, str], folder: Path) -> Path | None:
    """Return ``sayso.toml`` in ``folder``, else the user's, else ``None``."""
    candidates = (folder / CONFIG_FILE, config_home(environ) / CONFIG_FILE)
    return next((path for path in candidates if path.is_file()), None)


def _base(environ: Mapping[str, str], variable: str, default: str) -> Path:
    named = Path(environ.get(variable, ""))
    if named.is_absolute():  # the specification: relative ones are to be ignored
        return named
    return Path(environ.get("HOME") or Path.home()) / default
