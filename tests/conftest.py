"""What every test stands in: the same environment on every machine, whatever the user has set."""

import os
import time
from collections.abc import Iterator
from typing import Final

import pytest

KEPT: Final = frozenset({"PATH", "TMPDIR", "USER", "LOGNAME", "VIRTUAL_ENV"})
KEPT_PREFIXES: Final = ("PYTEST_", "PYTHON", "COV_", "COVERAGE_", "LD_", "DYLD_", "GIT_CONFIG_", "npm_config_")
SET: Final = {"LANG": "C.UTF-8", "TZ": "UTC"}


@pytest.fixture(scope="session", autouse=True)
def bare_environment_variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the user's settings, folders, proxies, language and time zone from the tests and from what they start."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - KEPT:
            if not name.startswith(KEPT_PREFIXES):
                patch.delenv(name)
        for name, value in {**SET, "HOME": str(tmp_path_factory.mktemp("home"))}.items():
            patch.setenv(name, value)
        time.tzset()
        yield
    time.tzset()
