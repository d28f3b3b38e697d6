"""How often periodic work is done: at its own interval while the server is used, on one slow beat while it is not.

Rules kept here:

* A server is used while a client is connected or a request is in work, and for ``LINGER_S`` after the last one.
* What is done periodically is due at the same moments while the server is not used, so that the process wakes once
  for all of it.
* The beginning of a use wakes all that waits: what nobody looked at for a while is looked at then.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

IDLE_S: Final = 10.0  # seconds between the slow beats; a wake-up of a process that slept costs 0.3 ms and more
SELDOM: Final = 3  # slow beats between looks at what changes in use only, such as the memory of idle workers
LINGER_S: Final = 30.0  # seconds for which a server counts as used after its last client: requests come in groups


class Pace:
    """Counts the uses of a server; ``await pace.wait(2.0)`` is how periodic work waits, longer while there is none."""

    def __init__(self, idle_s: float = IDLE_S, linger_s: float = LINGER_S) -> None:
        self._idle_s = idle_s
        self._linger_s = linger_s
        self._uses = 0
        self._used_s = -math.inf
        self._begins = trio.Event()

    @classmethod
    def steady(cls) -> "Pace":
        """Return the pace of a server that is always used."""
        pace = cls()
        pace._uses = 1
        return pace

    def __repr__(self) -> str:
        return f"<Pace {self._uses} uses>"

    @property
    def is_used(self) -> bool:
        """Whether the server is used, or was a moment ago."""
        return self._uses > 0 or trio.current_time() < self._used_s + self._linger_s

    @property
    def unused_s(self) -> float:
        """Seconds since the last use ended: 0 during one, infinite before the first."""
        return 0.0 if self._uses else trio.current_time() - self._used_s

    @contextmanager
    def use(self) -> Iterator[None]:
        """Count one use for the block."""
        self._uses += 1
        if self._uses == 1:
            self._begins.set()
            self._begins = trio.Event()
        try:
            yield
        finally:
            self._uses -= 1
            self._used_s = trio.current_time()

    async def wait_used(self) -> None:
        """Wait until the server is used."""
        if self.is_used:
            await trio.lowlevel.checkpoint()
        else:
            await self._begins.wait()

    async def wait(self, interval_s: float, *, beats: int = 1) -> float:
        """Wait ``interval_s`` seconds, or without a use until a slow beat; return how late that ends, in seconds.

        ``beats`` is after how many of them the work is due. An interval that is no shorter stays what it is.
        """
        now_s = trio.current_time()
        slow_s = beats * self._idle_s
        if self.is_used or interval_s >= slow_s:
            due_s = now_s + interval_s
            await trio.sleep_until(due_s)
        else:
            due_s = (math.floor(now_s / slow_s) + 1) * slow_s
            with trio.move_on_at(due_s):
                await self._begins.wait()
                return 0.0
        return max(0.0, trio.current_time() - due_s)
