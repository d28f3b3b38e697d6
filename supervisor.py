"""The root: takes settings, declares the tree as data, runs it until it is told to stop.

Rules kept here:

* References are made first, then specs; nobody but this file knows who talks to whom.
* Children start in the order of the list, each ready before the next; the gateway is last in and first out.
* The first signal drains the server: nobody new comes in, those who speak finish, the tree stops in reverse. The
  second leaves five seconds, the third ends the process: a person is waiting.
* A thread ends the process past every deadline, because no deadline of a loop holds when the loop hangs.
"""

import logging
import os
import random
import signal
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import trio

from actors.client.admitting import AdmissionInputs
from actors.commands import Commands
from actors.gateway import Gateway, GatewayPeers
from actors.history import History
from actors.inference import Inference
from actors.load import Load, LoadActions
from actors.media import Media
from actors.metrics import Metrics
from actors.speech import Speech
from actors.tool_server import ToolServer
from actors.tools import Tools
from actors.transcription import Transcription
from assembly.adapters import Adapters
from assembly.refs import JOBS, Refs
from assembly.session import Sessions
from assembly.speech_services import SpeechServices
from assembly.status_source import StatusSource
from backends.ingress.http_app import HttpServices
from backends.ingress.http_audio import AudioServices
from backends.ingress.pages import OwnPages
from backends.load_sensors import LoadSensors
from backends.machine import ProcessorWaits
from config.settings import Settings
from protocol.admission.admission import TRIALS_MAX, retry_deferrable_s
from protocol.admission.capacity import Demand
from protocol.admission.drain import COME_BACK_S, HURRY_S, LAST_RESORT_S
from protocol.messages.inboxes import ToolServerMessage
from protocol.messages.records import RecentTurns
from protocol.messages.session import StopAdmitting
from protocol.messages.understanding import ListTools, ToolList
from runtime import (
    Backoff,
    ChildSpec,
    DynamicSupervisor,
    Intensity,
    Ref,
    Skip,
    Strategy,
    Supervisor,
    run_tree,
)
from runtime.policies.load import Level
from runtime.supervision.watchdog import WatchdogSettings, Watcher, run_watchdog

log = logging.getLogger("sayso.supervisor")
Address = tuple[str, int]

DRAIN_LOOK_S = 0.02  # between looks at who is still there
EXIT_MUST_RESTART = 75  # EX_TEMPFAIL of sysexits.h
UNSAFE_DRAIN_S = 10.0
STOP_TOOL_S = 8.0  # the MCP SDK gives a frozen program 2 s after stdin's end and 2 s after SIGTERM


class Server:
    """The tree: which actors there are, what each is made of, and in which order they start."""

    def __init__(self, settings: Settings, adapters: Adapters | None = None) -> None:
        self.settings = settings
        self.refs = Refs()
        self.adapters = Adapters(settings) if adapters is None else adapters
        self.status = StatusSource(self.adapters)
        self.sessions = Sessions(settings, self.refs, self.adapters, self.status)
        self.status.count_sessions = self.sessions.live.__len__
        self.is_leaving = trio.Event()
        self._stt: Transcription | None = None
        self._rng = random.Random()  # jitter only

    def begin_drain(self, reason: str, timeout_s: float, *, must_restart: bool = False) -> None:
        """Leave within ``timeout_s``; a second call can only hurry it."""
        self.status.drain.begin(reason, trio.current_time(), timeout_s, must_restart=must_restart)
        self.is_leaving.set()

    # --- the tree --------------------------------------------------------------------------------

    def root(self) -> Supervisor:
        """Return the tree as data: children in the order of their start."""
        settings, refs = self.settings, self.refs
        children = (
            ChildSpec(ref=refs.metrics, factory=self._metrics),
            ChildSpec(ref=refs.history, factory=self._history),
            ChildSpec(ref=Ref("commands", JOBS), factory=partial(Commands, self.adapters.grammar.check)),
            ChildSpec(ref=Ref("tools", JOBS), factory=self._toolbox),
            ChildSpec(ref=refs.inference, factory=self._inference, start_timeout_s=settings.inference.start_timeout_s),
            ChildSpec(
                ref=refs.transcription,
                factory=self._transcription,
                start_timeout_s=settings.transcription.start_timeout_s,
            ),
            ChildSpec(ref=refs.speech, factory=self._speech, start_timeout_s=settings.speech.start_timeout_s),
            ChildSpec(ref=refs.media, factory=self._media, start_timeout_s=settings.media.start_timeout_s),
            ChildSpec(ref=refs.sessions, factory=self._sessions),
            ChildSpec(ref=Ref("load", JOBS), factory=self._load),  # late: a start is busy, and no load
            ChildSpec(ref=refs.gateway, factory=self._gateway),
        )
        limits = settings.supervisor
        return Supervisor(
            children, strategy=Strategy.ONE_FOR_ONE, intensity=Intensity(limits.max_restarts, limits.restart_window_s)
        )

    def _metrics(self) -> Metrics:
        return Metrics(
            self.settings.metrics,
            self.adapters.metrics,
            sample_machine=self.adapters.machine.sample,
            actors=self.status.actors,
            count_sessions=self.sessions.live.__len__,
        )

    def _history(self) -> History:
        return History(self.settings.history, self.adapters.store(), self.refs.metrics)

    def _toolbox(self) -> Supervisor:
        names = self.adapters.tool_server_names()
        servers: dict[str, Ref[ToolServerMessage]] = {name: Ref(f"tools.{name}", JOBS) for name in names}
        router = ChildSpec(ref=self.refs.tools, factory=partial(Tools, self.settings.tools, servers))
        specs = tuple(
            ChildSpec(ref=ref, factory=partial(self._tool_server, name), shutdown_s=STOP_TOOL_S)
            for name, ref in servers.items()
        )
        return Supervisor((*specs, router), strategy=Strategy.ONE_FOR_ONE)

    def _tool_server(self, name: str) -> ToolServer:
        return ToolServer(
            name,
            self.settings.tools,
            self.adapters.open_tool_server,
            self.sessions.live,
            backoff=Backoff(base_s=0.2, cap_s=30.0),
            rng=self._rng,
        )

    def _inference(self) -> Inference:
        return Inference(
            self.settings.inference,
            self.adapters.language_models(),
            self.adapters.embedded_model(),
            self.adapters.response_cache(),
            self.refs.metrics,
            load_level=self.status.load_level,
        )

    def _transcription(self) -> Transcription:
        self._stt = Transcription(
            self.settings.transcription,
            self.adapters.recogniser_pool(may_recycle=lambda: self.status.load_level() < Level.NO_SHEDDABLE),
            self.refs.metrics,
            make_pool=self.adapters.whisper_pool,
            load_level=self.status.load_level,
        )
        self.status.name_models = self._stt.offered
        self.status.judge_hearing = self._stt.hearing_problem
        return self._stt

    def _speech(self) -> Speech:
        return Speech(self.settings.speech, self.adapters.synthesiser_pool(), self.refs.metrics)

    def _media(self) -> Media:
        return Media(self.settings.media, self.adapters.media_pool(), self.refs.metrics)

    def _load(self) -> Load | Skip:
        settings = self.settings.load
        if not settings.enabled:
            return Skip()
        sensors = LoadSensors(
            self.settings.supervisor.data_dir,
            max_cpu_percent=settings.max_cpu_percent,
            max_memory_bytes=settings.max_memory_mb << 20,
        )
        actions = LoadActions(
            look=sensors.look,
            waited_s=ProcessorWaits().total_s,  # of the thread that runs the loop, as this factory does
            queue_delay_s=lambda: 0.0 if self._stt is None else self._stt.queue_delay_s(),
            workers_missing=lambda: None if self._stt is None else self._stt.workers_missing(),
            publish=self.status.publish,
            evict=self.sessions.evict,
            leave=partial(self.begin_drain, timeout_s=UNSAFE_DRAIN_S, must_restart=True),
        )
        return Load(settings, actions, self.refs.metrics, level=self.status.load_level())

    def _sessions(self) -> DynamicSupervisor:
        limit = self.settings.gateway.websocket.max_connections
        # with a handshake at most twice as many as may be connected (assembly/session.py); the rest may be before it
        return DynamicSupervisor(3 * limit + TRIALS_MAX)

    def _gateway(self) -> Gateway:
        gateway = Gateway(
            self.settings.gateway,
            GatewayPeers(self.refs.sessions, self.refs.metrics),
            make_ingress=partial(self.adapters.make_ingress, self._http_services(), self._audio_services()),
            open_session=self.sessions.open,
            pages=OwnPages(self.status).routes(),
            on_listening=self._listening,
            inputs=AdmissionInputs(
                max_share=self.settings.load.max_capacity_percent / 100,
                load_level=self.status.load_level,
                demand=self._demand,
                count_awaited=self.sessions.directory.awaited.__len__,
                handshakes=self.sessions.directory.handshakes,
            ),
        )
        self.status.all_places_taken = lambda: gateway.is_full
        return gateway

    def _demand(self) -> Demand | None:
        if self._stt is None or not self.settings.load.enabled:
            return None
        return self._stt.demand(self.sessions.speaking.values())

    def _http_services(self) -> HttpServices:
        async def recent_turns(limit: int) -> list[dict[str, Any]]:
            return await self.refs.history.ask(RecentTurns(limit))

        async def tools() -> ToolList:
            return await self.refs.tools.ask(ListTools())

        def drain(timeout_s: float | None) -> Mapping[str, object]:
            usual_s = self.settings.supervisor.drain_timeout_s
            self.begin_drain("an operator's wish", usual_s if timeout_s is None else timeout_s)
            return self.status.drain.shown(trio.current_time)

        models = self._speech_services().models(self.settings.transcription.start_timeout_s)
        is_history_kept = self.settings.history.enabled
        version, status = self.adapters.version, self.status.status
        return HttpServices(recent_turns, tools, version, drain, status, models, is_history_kept=is_history_kept)

    def _audio_services(self) -> AudioServices:
        return self._speech_services().audio(
            self.adapters.make_detector,
            at_once=max(1, self.settings.transcription.workers - 1),
            rest_s=lambda: retry_deferrable_s(self.status.load_level()),
            models=self.status.stt_models,
            hearing_problem=self.status.hearing_problem,
            voices=self.adapters.voices,
        )

    def _speech_services(self) -> SpeechServices:
        refs = self.refs
        return SpeechServices(refs.transcription, refs.speech, refs.media, refs.metrics)

    def _listening(self, addresses: Sequence[Address]) -> None:
        self.status.addresses = tuple(addresses)


# --- running it ----------------------------------------------------------------------------------


class MustRestart(Exception):
    """The server was not well and has stopped in order; another process should take its place (exit code 75)."""


async def serve(
    settings: Settings, *, task_status: trio.TaskStatus[Sequence[Address]] = trio.TASK_STATUS_IGNORED
) -> None:
    """Run the server until SIGTERM or SIGINT; starts with the addresses that it listens on.

    Raises ``StartFailed`` if a child cannot start, ``RestartIntensityExceeded`` if the root gives up and
    ``MustRestart`` if the server left because it was not well.
    """
    server = Server(settings)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drain_on_signals, server)
        nursery.start_soon(run_watchdog, Watcher(WatchdogSettings()))
        run = partial(
            run_tree, server.root(), stop_timeout_s=settings.supervisor.stop_timeout_s, on_zombies=partial(os._exit, 75)
        )
        nursery.start_soon(leave, server, nursery.cancel_scope)
        server.status.running = await nursery.start(run)
        task_status.started(server.status.addresses)
        await server.status.running.wait_ended()
        nursery.cancel_scope.cancel()
    if server.status.running is None:  # told to stop while it started
        task_status.started(())
    if server.status.drain.must_restart:
        raise MustRestart(server.status.drain.reason)


async def drain_on_signals(server: Server) -> None:
    """Drain at the first signal, hurry at the second, end the process at the third."""
    count = 0
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for signum in signals:
            count += 1
            name = signal.Signals(signum).name
            if count > 2:  # noqa: PLR2004 - counted in the docstring
                log.warning("third signal: ending at once")
                os._exit(128 + signum)
            log.info("leaving on %s%s", name, "; once more, so in a hurry" if count > 1 else "")
            server.begin_drain(name, server.settings.supervisor.drain_timeout_s if count == 1 else HURRY_S)


async def leave(server: Server, scope: trio.CancelScope) -> None:
    """Wait for the drain to begin, see it through, and stop the tree."""
    await server.is_leaving.wait()
    drain, limits = server.status.drain, server.settings.supervisor
    arm_last_resort(limits.drain_delay_s + drain.deadline_s - trio.current_time() + limits.stop_timeout_s)
    await trio.sleep(limits.drain_delay_s)
    server.refs.gateway.signal(StopAdmitting(f"the server is leaving: {drain.reason}", COME_BACK_S[0]))
    told: set[str] = set()
    while server.sessions.live and trio.current_time() < drain.deadline_s:
        server.sessions.say_goodbye(told, drain)
        await trio.sleep(DRAIN_LOOK_S)
    drain.stop()
    scope.cancel()


def arm_last_resort(after_s: float) -> None:
    """End the process some seconds after its last deadline, whatever the event loop does."""
    timer = threading.Timer(after_s + LAST_RESORT_S, os._exit, [EXIT_MUST_RESTART])
    timer.daemon = True
    timer.start()
