"""The newest report of an actor, for readers that cannot wait for an answer.

An actor publishes a frozen report whenever one of its figures changes; readers take the last one. So no reader holds
the actor itself, whose instance is another one after a restart.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

import attrs
import trio

Report = TypeVar("Report")


@attrs.define(eq=False)
class Published(Generic[Report]):
    """Holds one report; ``latest`` is ``None`` while there is none.

    Either the report lasts as long as an incarnation::

        self._publish = await self.context.nursery.start(published.lend)
        self._publish(QueueReport(waiting=0))

    or the writer calls ``publish``, and the last report stays until there is another.
    """

    latest: Report | None = None
    _borrower: object = None

    def publish(self, report: Report) -> None:
        """Replace the report."""
        self.latest = report

    async def lend(self, *, task_status: trio.TaskStatus[Callable[[Report], None]]) -> None:
        """Start with a function that publishes, run until cancelled, then withdraw the report.

        The function of an earlier borrower has no effect from then on, nor has one whose ``lend`` has ended.
        """
        borrower = self._borrower = object()

        def publish(report: Report) -> None:
            if self._borrower is borrower:
                self.latest = report

        try:
            task_status.started(publish)
            await trio.sleep_forever()
        finally:
            if self._borrower is borrower:
                self.latest = self._borrower = None
