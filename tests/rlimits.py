"""Want of what the system grants, for the block of a test."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

from tests.systems import OPEN_FILES


@contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open no file before it closes another: each try raises ``EMFILE``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in OPEN_FILES.iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    held = list(iter(_open_or_fail, None))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in held:
            os.close(descriptor)


def _open_or_fail() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None
