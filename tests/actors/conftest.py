"""A tree for each test, stopped in order at its end."""

from typing import Any

import pytest
import trio

from runtime import ChildSpec, Supervisor, Tree, run_tree
from tests.fakes import Grow


@pytest.fixture
def grow(nursery: trio.Nursery) -> Grow:
    """Return a function that starts a tree of specs under a ``Supervisor`` with the given options."""

    async def start(*specs: ChildSpec, **options: Any) -> Tree:
        tree: Tree = await nursery.start(run_tree, Supervisor(specs, **options))
        return tree

    return start
