"""A clock for tests with real sockets, and an environment that hides the developer's own settings."""

from pathlib import Path

import pytest
import trio.testing


@pytest.fixture
def patient_clock() -> trio.testing.MockClock:
    """A clock that jumps only when nothing has come over a socket for a while."""
    return trio.testing.MockClock(autojump_threshold=0.1)


@pytest.fixture
def bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No settings anywhere but in the defaults; returns the current folder, which is empty."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here
