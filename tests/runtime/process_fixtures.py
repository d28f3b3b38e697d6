"""For tests with real processes: those take their own time."""

from collections.abc import Callable

import trio


async def until(is_so: Callable[[], object]) -> None:
    """Return when ``is_so()``; the caller's scope bounds it."""
    while not is_so():  # noqa: ASYNC110 - nothing tells of another process's state
        await trio.sleep(0.01)
