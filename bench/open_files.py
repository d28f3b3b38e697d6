"""The limit of open files of a benchmark's client: each connection takes one."""

import resource
import sys
from typing import Final

SPARE_FILES: Final = 256
"""For everything that is no connection of the benchmark."""


def raised() -> int:
    """Raise the soft limit of this process and its children to the hard one; returns how many connections fit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(0, (sys.maxsize if hard == resource.RLIM_INFINITY else hard) - SPARE_FILES)
