"""When workers rest: their processes end while nobody uses the server, and are loaded again for its next use.

Rules kept here:

* At the start no more is loaded than is needed before the first client; the rest follows once the server listens.
* Workers rest when the server has not been used for long, and no job was done meanwhile.
* They are loaded when a use begins, before there is a job for them; what is needed last waits a little, so that it
  does not keep what is needed first from the processors. A job that finds none loaded has them loaded at once.
"""

from collections.abc import Awaitable, Callable

import attrs
import trio
from attrs.validators import ge, gt

from runtime.messaging.pace import Pace


@attrs.frozen(kw_only=True)
class Rest:
    """How the workers of a group rest."""

    after_s: float = attrs.field(validator=gt(0))
    """Seconds without a use and without a job, until they rest; infinite for never."""
    keeps: int = attrs.field(default=0, validator=ge(0))
    """How many stay loaded."""
    wakes_after_s: float | None = 0.0
    """Seconds from the beginning of a use until they are loaded; ``None``: a job is waited for."""


@attrs.define(eq=False)
class RestCycle:
    """Alternates between rest and wakefulness; begins at rest."""

    rest: Rest
    pace: Pace
    is_resting: bool = True
    _asked: trio.Event = attrs.field(factory=trio.Event)
    _last_s: float = 0.0

    def note_job(self) -> None:
        """Note that there is a job: if no worker stays loaded it ends the rest."""
        self._last_s = trio.current_time()
        if not self.rest.keeps:
            self._asked.set()

    async def run(self, load: Callable[[], None], unload: Callable[[], None]) -> None:
        """Call ``load`` and ``unload`` by turns, until cancelled."""
        await self._until_wanted(self.pace.has_started.wait)
        while True:
            self.is_resting, self._last_s = False, trio.current_time()
            load()
            await self._until_unwanted()
            self.is_resting, self._asked = True, trio.Event()
            unload()
            await self._until_wanted(self.pace.wait_used)

    async def _until_wanted(self, wait: Callable[[], Awaitable[object]]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._wait_use, wait, nursery.cancel_scope)
            await self._asked.wait()
            nursery.cancel_scope.cancel()

    async def _wait_use(self, wait: Callable[[], Awaitable[object]], waiting: trio.CancelScope) -> None:
        if self.rest.wakes_after_s is not None:
            await wait()
            await trio.sleep(self.rest.wakes_after_s)
            waiting.cancel()

    async def _until_unwanted(self) -> None:
        left_s = self.rest.after_s
        while left_s > 0:
            await trio.sleep(left_s)
            left_s = self.rest.after_s - min(self.pace.unused_s, trio.current_time() - self._last_s)
