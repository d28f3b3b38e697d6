"""``sayso serve`` with ``replicas.count`` above one: starts the servers and HAProxy, and keeps them running."""

import logging
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import trio

from assembly.replicas.plan import addresses, front, remarks, replica_settings
from assembly.replicas.running import ReplicaGroup, ReplicaStarters
from backends.machine import available_cpus
from backends.replicas.haproxy import COMMAND, INSTALL, ReplicaAddress, configuration
from backends.replicas.processes import ServerProcess
from backends.replicas.state_file import own_state, remove_state, write_state
from config.settings import Settings

log = logging.getLogger("sayso.cli")
LOOPBACK: Final = "127.0.0.1"


class NoProxy(Exception):
    """There is no HAProxy to put before the replicas; the message says what to do."""


@attrs.frozen
class ReplicaCommand:
    """How each server is started."""

    config_path: Path | None
    example: str | None
    flags: Mapping[str, str]
    """Settings of the command line, by key."""

    def arguments(self, ready_file: Path, more: Mapping[str, str]) -> list[str]:
        """Return the command of one server, with settings of its own."""
        chosen = [] if self.config_path is None else ["--config", str(self.config_path)]
        example = [] if self.example is None else ["--example", self.example]
        named = [part for key, value in {**self.flags, **more}.items() for part in ("--set", f"{key}={value}")]
        return [sys.executable, "-m", "cli", *chosen, "serve", "--ready-file", str(ready_file), *example, *named]


def check_proxy(origin: str, count: int) -> str:
    """Return where HAProxy is; raises ``NoProxy``."""
    found = shutil.which(COMMAND)
    if found is None:
        raise NoProxy(
            f"{count} replicas ({origin}) need HAProxy before them, and there is none: {INSTALL}. Or set replicas.count"
            " to 1, start each server by itself and put a load balancer of your own before them (docs/replicas.md)"
        )
    return found


async def serve_replicas(
    settings: Settings,
    command: ReplicaCommand,
    haproxy: str,
    *,
    task_status: trio.TaskStatus[Sequence[tuple[str, int]]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run the replicas until a signal; starts with the address that clients know, when all take clients.

    Raises ``StartFailed`` and ``RestartIntensityExceeded`` as a single server does.
    """
    for remark in remarks(settings, max(1, int(available_cpus()))):
        log.warning(remark)
    machine = socket.gethostname()
    free = free_ports(settings.replicas.count + 1)
    replicas, known = addresses(settings, free), front(settings, free[-1])
    data_dir = settings.supervisor.data_dir
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sayso-")))
        stack.callback(remove_state, data_dir)
        file = folder / "haproxy.cfg"
        file.write_text(configuration(known, replicas), encoding="utf-8")

        def server(replica: ReplicaAddress) -> ServerProcess:
            ready = folder / replica.name
            return ServerProcess(command.arguments(ready, replica_settings(settings, replica, machine)), ready)

        starters = ReplicaStarters(partial(ServerProcess, [haproxy, "-db", "-f", str(file)]), server)
        group = ReplicaGroup(settings, replicas, starters, partial(write_state, data_dir), own_state())
        async with trio.open_nursery() as nursery:
            await nursery.start(group.run)
            task_status.started([(known.host, known.port)])


def free_ports(count: int) -> list[int]:
    """Return so many ports of loopback that nobody listens on now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
