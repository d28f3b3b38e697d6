"""The root: takes settings, declares the tree as data, runs it until a signal or a drain stops it.

Rules kept here:

* References are made first, then specs; what an actor is made of is in ``assembly/factories.py``.
* Children start in the order of the list, each ready before the next; the gateway starts last and stops first.
* The first signal drains the server: no new client is admitted, turns that run are finished, the tree stops in reverse
  order. The second signal leaves five seconds, the third ends the process: a person is waiting.
* A thread ends the process past every deadline, because no deadline of a loop holds when the loop hangs.
"""

import logging
import os
import random
import signal
import threading
from collections.abc import Sequence
from functools import partial
from typing import Final

import trio

from assembly.adapters import Adapters
from assembly.board import StatusBoard
from assembly.factories import Factories
from assembly.leaving import Leaving
from assembly.refs import JOBS, Refs
from assembly.session import Sessions
from assembly.status_source import StatusSource
from config.settings import Settings
from protocol.admission.drain import HURRY_S, LAST_RESORT_S, come_back_within_s
from protocol.messages.inboxes import DialogueMessage
from protocol.messages.session import StopAdmitting
from runtime import ChildSpec, Intensity, Ref, Registry, Shared, Strategy, Supervisor, Zombies, run_tree
from runtime.supervision.watchdog import WatchdogSettings, Watcher, run_watchdog

log = logging.getLogger("sayso.supervisor")
Address = tuple[str, int]

DRAIN_LOOK_S: Final = 0.02  # seconds between checks for remaining sessions
EXIT_MUST_RESTART: Final = 75  # EX_TEMPFAIL of sysexits.h


class Server:
    """The tree as data, with the state that its actors share."""

    def __init__(self, settings: Settings, adapters: Adapters | None = None) -> None:
        adapters = Adapters(settings) if adapters is None else adapters
        live: Registry[DialogueMessage] = Registry()
        self.settings = settings
        self.pace = adapters.pace
        self.refs = Refs()
        self.leaving = Leaving()
        self.board = StatusBoard()
        self.status = StatusSource(settings, adapters, self.board, live, self.leaving.drain)
        self.sessions = Sessions(settings, self.refs, adapters, self.status, live)
        given = settings, self.refs, adapters, self.status, self.sessions, self.leaving
        self.make = Factories(*given, rng=random.Random())

    def root(self) -> Supervisor:
        """Return the tree: children in the order of their start."""
        settings, refs, make = self.settings, self.refs, self.make
        children = (
            ChildSpec(refs.metrics, make.make_metrics),
            ChildSpec(refs.traces, make.make_traces),
            ChildSpec(refs.monitor, make.make_monitor),
            ChildSpec(refs.history, make.make_history),
            ChildSpec(Ref("commands", JOBS), make.make_commands),
            ChildSpec(refs.tool_servers, make.make_tools),
            ChildSpec(refs.meaning, make.make_meaning),
            ChildSpec(refs.inference, make.make_inference, start_timeout_s=settings.inference.start_timeout_s),
            ChildSpec(
                refs.transcription, make.make_transcription, start_timeout_s=settings.transcription.start_timeout_s
            ),
            ChildSpec(refs.speech, make.make_speech, start_timeout_s=settings.speech.start_timeout_s),
            ChildSpec(refs.media, make.make_media, start_timeout_s=settings.media.start_timeout_s),
            ChildSpec(Ref("shared", JOBS), make.make_shared),
            ChildSpec(refs.sessions, make.make_sessions),
            ChildSpec(Ref("load", JOBS), make.make_load),  # late: a start keeps the machine busy without being load
            ChildSpec(refs.gateway, make.make_gateway),
        )
        limits = settings.supervisor
        intensity = Intensity(limits.max_restarts, limits.restart_window_s)
        return Supervisor(children, strategy=Strategy.ONE_FOR_ONE, intensity=intensity)


# --- running it ----------------------------------------------------------------------------------


class MustRestart(Exception):
    """The server was unsafe and has stopped in order; another process should take its place (exit code 75)."""


async def serve(
    settings: Settings, *, task_status: trio.TaskStatus[Sequence[Address]] = trio.TASK_STATUS_IGNORED
) -> None:
    """Run the server until SIGTERM or SIGINT; starts with the addresses that it listens on.

    Raises ``StartFailed`` if a child cannot start, ``RestartIntensityExceeded`` if the root gives up and
    ``MustRestart`` if the server stopped because it was unsafe.
    """
    server = Server(settings)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drain_on_signals, server)
        nursery.start_soon(run_watchdog, Watcher(WatchdogSettings()))
        nursery.start_soon(leave, server, nursery.cancel_scope)
        run = partial(
            run_tree,
            server.root(),
            shared=Shared(zombies=Zombies(on_exceeded=lambda _: os._exit(EXIT_MUST_RESTART)), pace=server.pace),
            stop_timeout_s=settings.supervisor.stop_timeout_s,
            on_zombies=partial(os._exit, EXIT_MUST_RESTART),
        )
        tree = await nursery.start(run)
        server.board.tree.publish(tree)
        task_status.started(server.status.addresses)
        await tree.wait_ended()
        nursery.cancel_scope.cancel()
    if server.board.tree.latest is None:  # told to stop while it started
        task_status.started(())
    if server.leaving.drain.must_restart:
        raise MustRestart(server.leaving.drain.reason)


async def drain_on_signals(server: Server) -> None:
    """Drain at the first signal, shorten the drain at the second, end the process at the third."""
    count = 0
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for signum in signals:
            count += 1
            name = signal.Signals(signum).name
            if count > 2:  # noqa: PLR2004 - counted in the docstring
                log.warning("third signal: ending at once")
                os._exit(128 + signum)
            log.info("leaving on %s%s", name, "; once more, so in a hurry" if count > 1 else "")
            server.leaving.begin(name, server.settings.supervisor.drain_timeout_s if count == 1 else HURRY_S)


async def leave(server: Server, scope: trio.CancelScope) -> None:
    """Wait for the drain to begin and to end, and stop the tree."""
    await server.leaving.has_begun.wait()
    drain, limits = server.leaving.drain, server.settings.supervisor
    arm_last_resort(limits.drain_delay_s + drain.deadline_s - trio.current_time() + limits.stop_timeout_s)
    await trio.sleep(limits.drain_delay_s)
    come_back_s, _ = come_back_within_s(server.status.other_replicas())
    server.refs.gateway.signal(StopAdmitting(f"the server is leaving: {drain.reason}", come_back_s))
    told: set[str] = set()
    while server.sessions.live and trio.current_time() < drain.deadline_s:
        server.sessions.announce_drain(told, drain)
        await trio.sleep(DRAIN_LOOK_S)
    drain.stop()
    scope.cancel()


def arm_last_resort(after_s: float) -> None:
    """End the process some seconds after its last deadline, even if the event loop hangs."""
    timer = threading.Timer(after_s + LAST_RESORT_S, os._exit, [EXIT_MUST_RESTART])
    timer.daemon = True
    timer.start()
