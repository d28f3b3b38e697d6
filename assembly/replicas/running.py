"""Runs the replicas of one machine and the proxy before them, as a tree of keepers.

Rules kept here:

* The proxy starts first and stops last, so that a port in use is told before models are loaded, and nobody is cut off.
* SIGTERM and SIGINT let all replicas leave at the same time; SIGHUP replaces them one after the other, each only while
  all others take clients.
* A replacement that does not start ends the round: the replicas that have not had their turn go on as they are.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from functools import partial

import attrs
import trio

from actors.replica import Replica, ReplicaStatistics
from assembly.replicas.plan import leave_within_s
from backends.protocols import KeptProcess
from backends.replicas.haproxy import ReplicaAddress
from backends.replicas.state_file import RESTART_SIGNAL, ReplicasState, ShownReplica
from config.settings import Settings
from protocol.messages.replicas import DismissReplica, ReplaceReplica, ReplicaMessage
from runtime import (
    AskError,
    ChildSpec,
    ChildState,
    Intensity,
    MailboxError,
    MailboxSpec,
    Overflow,
    Ref,
    Supervisor,
    Tree,
)
from runtime import run_tree as run_supervised

log = logging.getLogger("sayso.replicas")

PROXY = "proxy"
FEW = MailboxSpec(capacity=8, overflow=Overflow.REJECT)
PROXY_LEAVES_S = 10.0
START_S = 300.0  # to load the largest models from a slow disk
SETTLE_S = 3.0  # until HAProxy sends clients to a new replica, and the others know of it
OTHERS_READY_S = 60.0
LOOK_S = 0.2


@attrs.frozen
class ReplicaStarters:
    """Start the processes."""

    proxy: Callable[[], KeptProcess]
    server: Callable[[ReplicaAddress], KeptProcess]


class ReplicaGroup:
    """The replicas of one machine, their tree, and the state that others may read."""

    def __init__(
        self,
        settings: Settings,
        replicas: Sequence[ReplicaAddress],
        starters: ReplicaStarters,
        publish: Callable[[ReplicasState], None],
        state: ReplicasState,
    ) -> None:
        """Tell each change of ``state`` to ``publish``."""
        self._settings = settings
        self._starters = starters
        self._publish = publish
        self._state = state
        self._leave_s = leave_within_s(settings)
        self._servers: dict[Ref[ReplicaMessage], ReplicaAddress] = {Ref(one.name, FEW): one for one in replicas}
        self._tree: Tree | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until a signal; started when all take clients.

        Raises ``StartFailed`` and ``RestartIntensityExceeded``.
        """
        patience_s = len(self._servers) * self._leave_s + PROXY_LEAVES_S
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._obey, nursery)
            self._tree = await nursery.start(partial(run_supervised, self._root(), stop_timeout_s=patience_s))
            nursery.start_soon(self._tell)
            task_status.started()
            await self._tree.wait_ended()
            nursery.cancel_scope.cancel()

    async def restart(self) -> None:
        """Replace all replicas, one after the other."""
        self._change(attrs.evolve(self._state, restarts=self._state.restarts + 1, phase="running", why=""))
        for ref in self._servers:
            trouble = await self._replaced(ref)
            if trouble is not None:
                log.error("the restart ends at %s: %s", ref.name, trouble)
                self._change(attrs.evolve(self._state, phase="failed", why=f"{ref.name}: {trouble}"))
                return
        self._change(attrs.evolve(self._state, phase="done"))

    # --- one after the other ---------------------------------------------------------------------

    async def _replaced(self, ref: Ref[ReplicaMessage]) -> str | None:
        """Replace one replica; returns why that was not done."""
        others = [other.name for other in self._servers if other is not ref]
        with trio.move_on_after(OTHERS_READY_S) as waiting:
            await self._wait_ready(others)
        if waiting.cancelled_caught:
            return "another replica takes no clients"
        try:
            await ref.ask(ReplaceReplica(), timeout_s=self._leave_s + START_S)
        except (AskError, MailboxError) as error:
            return str(error)
        await trio.sleep(SETTLE_S)
        return None

    async def _wait_ready(self, names: Sequence[str]) -> None:
        while True:
            if all(map(self._is_ready, names)):
                return
            await trio.sleep(LOOK_S)

    def _is_ready(self, name: str) -> bool:
        found = None if self._tree is None else self._tree.find(name)
        return found is not None and found.state is ChildState.READY

    # --- the tree --------------------------------------------------------------------------------

    def _root(self) -> Supervisor:
        limits = self._settings.supervisor
        proxy: Ref[ReplicaMessage] = Ref(PROXY, FEW)
        keeper = self._keeper(PROXY, self._starters.proxy, PROXY_LEAVES_S)
        first = ChildSpec(proxy, keeper, shutdown_s=2 * PROXY_LEAVES_S)
        servers = [
            ChildSpec(
                ref,
                self._keeper(ref.name, partial(self._starters.server, address), self._leave_s),
                start_timeout_s=START_S,
                shutdown_s=self._leave_s + START_S,
            )
            for ref, address in self._servers.items()
        ]
        restarts = limits.max_restarts * (len(servers) + 1)
        return Supervisor([first, *servers], intensity=Intensity(restarts, limits.restart_window_s))

    def _keeper(self, name: str, start: Callable[[], KeptProcess], leave_s: float) -> Callable[[], Replica]:
        return partial(Replica, name, start, leave_within_s=leave_s)

    # --- signals and state -----------------------------------------------------------------------

    async def _obey(self, nursery: trio.Nursery) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, RESTART_SIGNAL) as signals:
            async for signum in signals:
                if signum == RESTART_SIGNAL:
                    if self._tree is not None and self._state.phase != "running":
                        nursery.start_soon(self.restart)
                    continue
                log.info("leaving on %s", signal.Signals(signum).name)
                if self._tree is None:  # still starting: the processes end with the nursery
                    nursery.cancel_scope.cancel()
                    return
                nursery.start_soon(self._stop, self._tree)

    async def _stop(self, tree: Tree) -> None:
        async with trio.open_nursery() as nursery:
            for ref in self._servers:
                nursery.start_soon(self._dismiss, ref)
        await tree.stop("told to stop")

    async def _dismiss(self, ref: Ref[ReplicaMessage]) -> None:
        try:
            await ref.ask(DismissReplica(), timeout_s=self._leave_s + START_S)
        except (AskError, MailboxError) as error:
            log.info("%s: %s", ref.name, error)  # it does not run, or has just been told

    async def _tell(self) -> None:
        """Publish the processes whenever they have changed."""
        while True:
            shown = tuple(self._shown(ref.name) for ref in self._servers)
            if shown != self._state.replicas:
                self._change(attrs.evolve(self._state, replicas=shown))
            await trio.sleep(LOOK_S)

    def _shown(self, name: str) -> ShownReplica:
        found = None if self._tree is None else self._tree.find(name)
        figures = None if found is None else found.status().statistics
        if not isinstance(figures, ReplicaStatistics):
            return ShownReplica(name, 0, 0)
        return ShownReplica(name, figures.pid, figures.starts)

    def _change(self, state: ReplicasState) -> None:
        self._state = state
        self._publish(state)
