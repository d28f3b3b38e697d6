from collections.abc import Iterator

import pytest

from backends.builtin.asker import ASKER, Asker


@pytest.fixture(autouse=True)
def _asker() -> Iterator[None]:
    """Let the local user ask, whoever asked in the test before."""
    token = ASKER.set(Asker())
    yield
    ASKER.reset(token)
