"""The environment of every test: the same on every machine, independent of the user's settings.

``--without-linux`` takes away what only Linux has (``tests/without_linux``). ``--what-waits`` leaves out the tests that
no busy processor can change: plain functions without a clock, of sources that have none (``WITHOUT_A_CLOCK``).
"""

import importlib
import inspect
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.postgres_fixtures import postgres

__all__ = ["postgres"]  # a fixture

KEPT: Final = frozenset({"PATH", "TMPDIR", "USER", "LOGNAME", "VIRTUAL_ENV"})
KEPT_PREFIXES: Final = ("PYTEST_", "PYTHON", "COV_", "COVERAGE_", "LD_", "DYLD_", "GIT_CONFIG_", "npm_config_")
WITHOUT_LINUX: Final = Path(__file__).with_name("without_linux")
WITHOUT_A_CLOCK: Final = (  # these sources import nothing that waits, or are text (test_environment.py)
    "protocol/",
    "config/",
    "backends/commands/",
    "test_architecture.py",
    "test_conformance.py",
    "test_glossary.py",
    "test_mirror.py",
    "test_pages.py",
    "test_structure.py",
)
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our own flags."""
    parser.addoption("--without-linux", action="store_true", help="run as if this were no Linux")
    parser.addoption("--what-waits", action="store_true", help="leave out what has no clock")


def pytest_configure(config: pytest.Config) -> None:
    """Draw the same examples in every run, without a limit of time; take Linux away, if it is to be away."""
    hypothesis.settings.load_profile("ci")
    if config.getoption("--without-linux"):
        path = [str(WITHOUT_LINUX), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        os.environ["PYTHONPATH"] = os.pathsep.join(path)
        importlib.import_module("tests.without_linux.sitecustomize")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not wait."""
    if config.getoption("--what-waits"):
        left_out = [item for item in items if not may_wait(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if may_wait(item)]


def may_wait(item: pytest.Item) -> bool:
    """Return whether a test is a coroutine, or one of sources that may wait."""
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    return inspect.iscoroutinefunction(getattr(item, "function", None)) or not path.startswith(WITHOUT_A_CLOCK)
