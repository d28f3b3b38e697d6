"""Node.js for tests: which one there is, and whether it will do."""

import re
import shutil
import subprocess
from functools import cache
from typing import Final

import pytest

OLDEST: Final = 20  # the first whose test runner has timers of its own


@cache
def node_major() -> int:
    """Return the major version of the ``node`` on the path, 0 if there is none."""
    if shutil.which("node") is None:
        return 0
    shown = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    found = re.match(r"v(\d+)\.", shown)
    return int(found[1]) if found else 0


def need_node() -> None:
    """Skip the test where Node.js is missing or too old."""
    if node_major() < OLDEST:
        pytest.skip(f"needs Node.js {OLDEST} or newer, and there is {node_major() or 'none'}")
