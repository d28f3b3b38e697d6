"""A server of which one permanent actor crashes again and again: ``failing_server.py ARGS``, as for ``sayso``."""

import sys

import trio

import supervisor
from cli import main
from runtime import Actor, ChildSpec, Ref, Supervisor

START_S = 2.0


class Broken(Actor):
    """Crashes soon."""

    async def on_start(self) -> None:
        """Begin to die."""
        self.context.nursery.start_soon(self._crash)

    async def _crash(self) -> None:
        await trio.sleep(START_S)
        raise ValueError("broken for good")


class FailingServer(supervisor.Server):
    """One with a broken actor."""

    def root(self) -> Supervisor:
        """Return the tree, with one more child."""
        root = super().root()
        root._specs = (*root._specs, ChildSpec(Ref("broken"), Broken))
        return root


supervisor.Server = FailingServer  # type: ignore[misc]
main(sys.argv[1:])
