"""What a turn asks before it begins, and before it acts; both may ask the other replicas."""

from collections.abc import Awaitable, Callable

import attrs


async def no_limit() -> float:
    """Admit every turn."""
    return 0.0


async def no_record() -> bool:
    """Keep nothing for other replicas."""
    return True


@attrs.define
class TurnGuard:
    """One session's guard."""

    count: Callable[[], Awaitable[float]] = no_limit
    """Counts a turn of the client and returns 0, or returns the seconds that it must wait for the next one."""
    note: Callable[[], Awaitable[bool]] = no_record
    """Keeps the session for other replicas, before the turn does what must not be done twice; returns ``False`` if
    another replica has the session, so that this one must do nothing."""
    wait_s: float = attrs.field(default=0.0, init=False)
    """What ``count`` has returned last."""

    async def count_turn(self) -> None:
        """Count a turn that is about to begin, if the client may have it."""
        self.wait_s = await self.count()
