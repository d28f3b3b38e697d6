"""Several listeners as one: they start together, and stop together."""

from collections.abc import Sequence

import trio

from backends.protocols import Ingress


class JoinedIngress:
    """The listener of HTTP and WebSockets, and others beside it; its addresses are those of the first one."""

    def __init__(self, first: Ingress, *others: Ingress) -> None:
        self._first = first
        self._others = others

    async def serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        """Listen until stopped or cancelled; raises ``PortInUse`` for any of them."""
        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(self._first.serve)
            for other in self._others:
                await nursery.start(other.serve)
            task_status.started(addresses)

    async def stop(self) -> None:
        """Stop all of them, each within seconds."""
        async with trio.open_nursery() as nursery:
            for ingress in (self._first, *self._others):
                nursery.start_soon(ingress.stop)
