"""Turns a crash into a value: the only place in the server that catches everything.

No exception of a child leaves its wrapper task; ``incarnation.py`` makes an ``Exit`` of what is returned here.
"""

from collections.abc import Awaitable, Callable

from runtime.supervision.status import ActorStatistics, UnreadableStatistics


async def outcome_of(life: Callable[[], Awaitable[None]]) -> BaseException | None:
    """Run ``life`` and return what it raised, ``None`` if nothing.

    ``Cancelled`` is returned too: the wrapper task ends right after, so no cancellation is lost.
    """
    try:
        await life()
    except BaseException as error:  # noqa: BLE001 - this is the seam
        return error
    return None


def statistics_of(read: Callable[[], ActorStatistics]) -> ActorStatistics:
    """Return what ``read`` returns; an exception in it becomes ``UnreadableStatistics``."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - the supervisor must not die of a figure
        return UnreadableStatistics(error=f"{type(error).__name__}: {error}")
