"""A tree for each test, stopped in order at its end."""

from functools import partial
from typing import Any

import pytest
import trio

from runtime import ChildSpec, Shared, Supervisor, Tree, run_tree
from runtime.messaging.pace import Pace
from tests.fakes import Grow


@pytest.fixture
def grow(nursery: trio.Nursery) -> Grow:
    """Return a function that starts a tree of specs under a ``Supervisor`` with the given options.

    With ``pace`` the server is used when that says so, else always.
    """

    async def start(*specs: ChildSpec, pace: Pace | None = None, **options: Any) -> Tree:
        shared = Shared(pace=pace or Pace.steady())
        tree: Tree = await nursery.start(partial(run_tree, Supervisor(specs, **options), shared=shared))
        return tree

    return start
