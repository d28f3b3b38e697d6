"""How much is measured, and what the cases have in common."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final

import attrs
import trio

from runtime import Backoff

AT_ONCE: Final = Backoff(base_s=1e-6, cap_s=1e-6, max_consecutive=10**9, healthy_s=0.0, min_reset_s=0.0)
"""No pause before a restart, as after the first crash of a healthy actor."""


@attrs.frozen
class Options:
    """How much is measured in a round."""

    messages: int
    restarts: int
    jobs: int
    kills: int
    load_s: float
    """How long a worker loads its model."""


async def timed(count: int, work: Callable[[], Awaitable[None]]) -> float:
    """Return the microseconds that ``work`` takes for each of its ``count`` operations."""
    start_s = time.perf_counter()
    await work()
    return 1e6 * (time.perf_counter() - start_s) / count


async def background(stack: AsyncExitStack) -> trio.Nursery:
    """Return a nursery that is cancelled when the stack is left."""
    nursery = await stack.enter_async_context(trio.open_nursery())
    stack.callback(nursery.cancel_scope.cancel)
    return nursery
