"""Makes the actors of the tree: one method for each child, called at every start of it.

Rules kept here:

* A method gives an actor what it needs: its settings, adapters, references and its place on the status board.
* Nothing that was made is kept: an actor is reached by its reference, and its figures are read from the board.
"""

import random
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import attrs

from actors.admission.gateway_admission import AdmissionInputs
from actors.admission.rate_check import RateCheck
from actors.commands import Commands
from actors.gateway import Gateway, GatewayPeers
from actors.history import History
from actors.home_names import HomeNamesKeeper
from actors.inference import Inference
from actors.load import Load, LoadActions
from actors.meaning import MeaningReader
from actors.media import Media
from actors.metrics import Metrics
from actors.monitor import Monitor
from actors.shared import SharedActions, SharedKeeper
from actors.speech import Speech
from actors.tool_server import ToolServer
from actors.tools import Tools
from actors.traces import Traces
from actors.transcription import Transcription
from assembly.adapters import Adapters
from assembly.http_services import audio_services, http_services
from assembly.leaving import Leaving
from assembly.monitor_look import LookSources, look_at_server
from assembly.providers.home_assistant import Home
from assembly.refs import JOBS, Refs
from assembly.session import Sessions
from assembly.status_source import StatusSource
from backends.ingress.pages import OwnPages
from backends.ingress.web_page import web_routes
from backends.keys.key_ring import KeyCheck
from backends.load_sensors import LoadSensors
from backends.machine import ProcessorWaits
from backends.protocols import AdmissionCheck
from backends.traces import OtlpExporter
from config.settings import Settings, SupervisorSettings
from protocol.admission.admission import TRIALS_MAX
from protocol.admission.capacity import Demand
from protocol.admission.drain import DrainPhase
from protocol.admission.load import Level
from protocol.messages.inboxes import ToolServerMessage
from runtime import Backoff, ChildSpec, DynamicSupervisor, Ref, Skip, Strategy, Supervisor

STOP_TOOL_S: Final = 8.0  # the MCP SDK gives a frozen program 2 s after stdin's end and 2 s after SIGTERM
TOOLS_BACKOFF: Final = Backoff(base_s=0.2, cap_s=30.0)
UNSAFE_DRAIN_S: Final = 10.0
TRACES_BACKOFF: Final = Backoff(base_s=1.0, cap_s=60.0)  # a collector is away for long, or for good
SHARED_BACKOFF: Final = Backoff(base_s=0.5, cap_s=5.0)  # a store that is back is wanted soon


@attrs.frozen(eq=False)
class Factories:
    """The methods that the specs of the tree call."""

    settings: Settings
    refs: Refs
    adapters: Adapters
    status: StatusSource
    sessions: Sessions
    leaving: Leaving
    rng: random.Random
    """For jitter only."""

    def make_metrics(self) -> Metrics:
        """Return the actor that keeps the metrics."""
        return Metrics(
            self.settings.metrics,
            self.adapters.metrics,
            sample_machine=self.adapters.machine.sample,
            actors=self.status.actors,
            count_sessions=self.sessions.live.__len__,
            monitor=self.refs.monitor,
        )

    def make_traces(self) -> Traces | Skip:
        """Return the actor that sends the traces of turns, if there is a collector."""
        settings = self.settings.traces
        if not settings.url:
            return Skip()
        about = {"service.name": "sayso", "service.version": self.adapters.version}
        instance = self.settings.shared.replica
        resource = about | ({"service.instance.id": instance} if instance else {})
        exporter = OtlpExporter.to(settings.url, settings.api_key, settings.timeout_s, resource)
        return Traces(settings, exporter, self.refs.metrics, backoff=TRACES_BACKOFF, rng=self.rng)

    def make_monitor(self) -> Monitor:
        """Return the actor that remembers the recent past for operators."""
        settings = self.settings.history
        given = self.status, self.adapters.machine, self.adapters.keys, self.leaving.drain
        return Monitor(
            self.status.board.past,
            partial(look_at_server, LookSources(*given, count_sessions=self.sessions.live.__len__)),
            tell_clients=self.sessions.news.tell,
            keeps_words=settings.enabled and settings.transcripts,
            version=self.adapters.version,
            unix_time=time.time,
        )

    def make_history(self) -> History:
        """Return the writer of the database; without sessions it keeps nothing."""
        settings = self.settings.history
        ours = attrs.evolve(settings, enabled=settings.enabled and self.settings.supervisor.has_sessions)
        return History(ours, self.adapters.store(), self.refs.metrics)

    def make_commands(self) -> Commands | Skip:
        """Return the actor that reads changed command files; skipped without sessions."""
        if not self.settings.supervisor.has_sessions:
            return Skip()
        return Commands(self.adapters.command_files.check)

    def make_tools(self) -> Supervisor | Skip:
        """Return the supervisor of one actor for each MCP server, and of the router; skipped without sessions."""
        if not self.settings.supervisor.has_sessions:
            return Skip()
        servers: dict[str, Ref[ToolServerMessage]] = {
            name: Ref(f"tools.{name}", JOBS) for name in self.adapters.tool_server_names()
        }
        router = ChildSpec(ref=self.refs.tools, factory=partial(Tools, self.settings.tools, servers))
        specs = tuple(
            ChildSpec(ref=ref, factory=partial(self.make_tool_server, name), shutdown_s=STOP_TOOL_S)
            for name, ref in servers.items()
        )
        home = self.adapters.home
        names = () if home is None else (ChildSpec(Ref("tools.names", JOBS), partial(self.make_home_names, home)),)
        return Supervisor((*names, *specs, router), strategy=Strategy.ONE_FOR_ONE)

    def make_home_names(self, home: Home) -> HomeNamesKeeper:
        """Return the actor that keeps the names of Home Assistant's devices."""
        return HomeNamesKeeper(home.links, home.grammar.take, self.refs.metrics, backoff=TOOLS_BACKOFF, rng=self.rng)

    def make_tool_server(self, name: str) -> ToolServer:
        """Return the actor of one MCP server."""
        return ToolServer(
            name,
            self.settings.tools,
            self.adapters.open_tool_server,
            self.sessions.live,
            self.sessions.listeners,
            backoff=TOOLS_BACKOFF,
            rng=self.rng,
        )

    def make_meaning(self) -> MeaningReader | Skip:
        """Return the actor that reads what sentences mean; skipped without sessions."""
        if not self.settings.supervisor.has_sessions:
            return Skip()
        return MeaningReader(
            self.settings.understanding,
            self.adapters.meaning_pool(),
            self.adapters.make_examples(),
            self.adapters.grammar.own_sentences,
            self.refs.metrics,
        )

    def make_inference(self) -> Inference | Skip:
        """Return the actor of the language models; skipped without sessions."""
        if not self.settings.supervisor.has_sessions:
            return Skip()
        return Inference(
            self.settings.inference,
            self.adapters.language_models(),
            self.adapters.embedded_model(),
            self.adapters.response_cache(),
            self.refs.metrics,
            load_level=self.status.load_level,
        )

    def make_transcription(self) -> Transcription | Skip:
        """Return the actor of speech to text; skipped where speech is not recognised."""
        if not self.settings.supervisor.does("recognise"):
            return Skip()
        return Transcription(
            self.settings.transcription,
            self.adapters.recogniser_pool(lambda: self.status.load_level() < Level.NO_SHEDDABLE),
            self.refs.metrics,
            make_pool=self.adapters.whisper_pool,
            load_level=self.status.load_level,
            reports=self.status.board.transcription,
        )

    def make_speech(self) -> Speech | Skip:
        """Return the actor of text to speech; skipped where no speech is made."""
        if not self.settings.supervisor.does("speak"):
            return Skip()
        return Speech(self.settings.speech, self.adapters.synthesiser_pool(), self.refs.metrics)

    def make_media(self) -> Media | Skip:
        """Return the actor that decodes uploaded recordings; skipped where speech is not recognised."""
        if not self.settings.supervisor.does("recognise"):
            return Skip()
        return Media(self.settings.media, self.adapters.media_pool(), self.refs.metrics)

    def make_shared(self) -> SharedKeeper | Skip:
        """Return the keeper of the shared store, if there is one."""
        store = self.adapters.shared
        if store is None or not self.settings.supervisor.has_sessions:
            return Skip()
        actions = SharedActions(
            is_leaving=lambda: self.leaving.drain.phase is not DrainPhase.SERVING,
            let_go=self.sessions.let_go,
            write_again=self.sessions.write_again,
            tell_clients=self.sessions.news.tell,
            publish=self.status.board.shared.publish,
        )
        return SharedKeeper(store, actions, self.refs.metrics, backoff=SHARED_BACKOFF, rng=self.rng)

    def make_sessions(self) -> DynamicSupervisor:
        """Return the supervisor of the sessions: of those that are connected, that wait, and that have yet to begin."""
        limit = self.settings.gateway.websocket.max_connections
        # with a handshake at most twice as many as may be connected (assembly/session.py); the rest may be before it
        return DynamicSupervisor(3 * limit + TRIALS_MAX)

    def make_load(self) -> Load | Skip:
        """Return the load controller, if it is enabled."""
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
            waited_s=ProcessorWaits().total_s,  # of the thread that runs the loop, as this method does
            queue_delay_s=self.status.queue_delay_s,
            workers_missing=self.status.workers_missing,
            publish=self.status.board.load.publish,
            evict=self.sessions.evict,
            leave=partial(self.leaving.begin, timeout_s=UNSAFE_DRAIN_S, must_restart=True),
        )
        return Load(settings, actions, self.refs.metrics, level=self.status.load_level())

    def make_gateway(self) -> Gateway:
        """Return the actor that admits clients."""
        given = self.settings, self.refs, self.adapters, self.status
        return Gateway(
            self.settings.gateway,
            GatewayPeers(self.refs.sessions, self.refs.metrics, self.status.board.gateway),
            make_ingress=partial(
                self.adapters.make_ingress,
                http_services(*given, self.leaving),
                audio_services(*given),
                self.status.board.certificate.publish,
            ),
            open_session=self.sessions.open,
            pages={**web_routes(), **OwnPages(self.status).routes()},
            inputs=AdmissionInputs(
                max_share=self.settings.load.max_capacity_percent / 100,
                load_level=self.status.load_level,
                demand=self._demand,
                count_awaited=self.sessions.directory.awaited.__len__,
                handshakes=self.sessions.directory.handshakes,
                checks=self._checks(),
                keys=self.adapters.keys,
                no_sessions=no_sessions(self.settings.supervisor),
            ),
        )

    def _checks(self) -> Sequence[AdmissionCheck]:
        """Return the checks of each request: of servers, which send those of many people, not how often they ask."""
        key = KeyCheck(self.adapters.keys)
        return (key, RateCheck(self.sessions.directory.rates)) if self.settings.supervisor.has_sessions else (key,)

    def _demand(self) -> Demand | None:
        return self.status.demand(self.sessions.speaking.values())


def no_sessions(settings: SupervisorSettings) -> str | None:
    """Return why there are no sessions; ``None`` of a whole server."""
    if settings.has_sessions:
        return None
    does = " and ".join({"recognise": "recognises", "speak": "speaks"}[role] for role in settings.roles)
    return f"this server only {does} for other servers (supervisor.roles): it has no sessions"
