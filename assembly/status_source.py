"""The server's status for operators, load balancers and clients, from figures in memory: nothing waits."""

import datetime as dt
import heapq
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import trio

from actors.stt.report import speech_models
from assembly.adapters import Adapters
from assembly.board import StatusBoard
from config.settings import Settings
from protocol.admission.capacity import Demand
from protocol.admission.drain import Drain, DrainPhase
from protocol.admission.health import PERMANENT, ComponentReport, MachineMemory
from protocol.language.speech_models import SpeechModels
from protocol.messages.events import Status
from protocol.messages.inboxes import DialogueMessage
from runtime import ActorStatistics, Child, ChildStatus, Registry, Tree

Address = tuple[str, int]

SESSIONS = "sessions"  # the supervisor that has a child for each client
SHOWN_SESSIONS = 10  # children shown unless all are requested
SHOWN_MAILBOXES = 5


class StatusSource:
    """The server's status (a ``backends.ingress.pages.StatusFigures``), read from the newest reports.

    While an actor is down its report is ``None``: then its figures are those of a server that has just started.
    """

    def __init__(
        self, settings: Settings, adapters: Adapters, board: StatusBoard, live: Registry[DialogueMessage], drain: Drain
    ) -> None:
        self.board = board
        self._settings = settings
        self._adapters = adapters
        self._live = live
        self._drain = drain
        self._started_s = time.monotonic()

    # --- figures of single actors ----------------------------------------------------------------

    def load_level(self) -> int:
        """Return the load level, 0 to 5; 0 before the first measurement, and the last one after a crash."""
        report = self.board.load.latest
        return 0 if report is None else int(report.level)

    def queue_delay_s(self) -> float:
        """Return the seconds that utterances wait in the queue now."""
        report = self.board.transcription.latest
        return 0.0 if report is None else report.delay_s(trio.current_time())

    def workers_missing(self) -> float | None:
        """Return the share of the recogniser's workers that are not ready; ``None`` where there are none yet."""
        report = self.board.transcription.latest
        return None if report is None else report.usual.workers_missing

    def other_replicas(self) -> int:
        """Return how many other replicas live; 0 while that is not known."""
        report = self.board.shared.latest
        return 0 if report is None else report.others

    def demand(self, speaking: Iterable[str]) -> Demand | None:
        """Return the demand on the recogniser: of the speaking sessions, by tenant, and of the waiting utterances.

        ``None`` if that is not known, or if load is not to be shed.
        """
        report = self.board.transcription.latest
        if report is None or not self._settings.load.enabled:
            return None
        return report.usual.demand(speaking)

    def speech_models(self) -> SpeechModels:
        """Return the models that clients may name; without a report those of the settings, which can be loaded."""
        report = self.board.transcription.latest
        return speech_models(self._settings.transcription) if report is None else report.models

    def stt_models(self) -> Sequence[str]:
        """Return the names of the speech models that clients may ask for."""
        return self.speech_models().offered

    def hearing_problem(self, language: str | None, model: str | None) -> str | None:
        """Return why a language cannot be transcribed, by the given model if any; ``None`` if it can."""
        return self.speech_models().hearing_problem(language, model)

    @property
    def addresses(self) -> Sequence[Address]:
        """The addresses on which the gateway listens."""
        report = self.board.gateway.latest
        return () if report is None else report.addresses

    # --- the tree --------------------------------------------------------------------------------

    def actors(self) -> Iterator[ChildStatus]:
        """Yield every actor as it stands when it is reached, without its children."""
        running = self.board.tree.latest
        if running is not None:
            for child in running.walk():
                yield child.status(is_deep=False)

    def states(self) -> Mapping[str, str]:
        """Return the states of the root's children by id, however many sessions there are."""
        running = self.board.tree.latest
        return {} if running is None else {name: state.value for name, state in running.child_states().items()}

    def components(self) -> Mapping[str, ComponentReport]:
        """Return the reports of the permanent actors that the detailed health page shows, by id."""
        running = self.board.tree.latest
        found = {} if running is None else {name: running.find(name) for name in PERMANENT.values()}
        return {name: component_report(child.status()) for name, child in found.items() if child is not None}

    def tree(self, *, is_full: bool = False) -> Mapping[str, Any]:
        """Return the supervision tree as plain mappings; of the sessions some and a summary, unless ``is_full``."""
        running = self.board.tree.latest
        below = () if running is None else [running.find(name) for name in running.child_states()]
        children = [
            summarised(child) if child.id == SESSIONS and not is_full else plain(child.status())
            for child in below
            if child is not None
        ]
        return {"id": "root", "state": "ready", "children": children}

    def session(self, session_id: str) -> Mapping[str, Any] | None:
        """Return one session and its actors; ``None`` if there is none of that id."""
        running = self.board.tree.latest
        child = None if running is None else running.find(SESSIONS, session_id)
        return None if child is None else plain(child.status())

    # --- the whole -------------------------------------------------------------------------------

    @property
    def uptime_s(self) -> float:
        """Seconds since the server was built."""
        return round(time.monotonic() - self._started_s, 1)

    def server(self) -> Mapping[str, Any]:
        """Return the server's own figures, without the tree."""
        load, gateway = self.board.load.latest, self.board.gateway.latest
        return {
            "name": "sayso",
            "version": self._adapters.version,
            "roles": list(self._settings.supervisor.roles),
            "uptime_s": self.uptime_s,
            "sessions": len(self._live),
            "all_places_taken": gateway is not None and gateway.is_full,
            "load_level": self.load_level(),
            "load": {} if load is None else load.shown(trio.current_time()),
            "stopping": self._drain.phase is not DrainPhase.SERVING,
            "drain": self._drain.shown(trio.current_time),
            "listening": [f"{host}:{port}" for host, port in self.addresses],
        }

    def status(self, *, is_full: bool = False) -> Mapping[str, Any]:
        """Return the server's figures and the tree."""
        stages = {name: attrs.asdict(one) for name, one in self.board.past.turns.stages(trio.current_time()).items()}
        whole = {**self.server(), "timestamp": self.timestamp(), "stages": stages}
        return whole | {"tree": self.tree(is_full=is_full)}

    def memory(self) -> MachineMemory:
        """Return the machine's memory."""
        return self._adapters.machine.memory()

    def cpu_percent(self) -> float:
        """Return the percent of the CPUs in use, 0..100, at the last sample."""
        return self._adapters.machine.cpu_percent

    def timestamp(self) -> str:
        """Return the time of day."""
        return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")

    def metrics(self, accept: str) -> tuple[str, bytes]:
        """Return the metrics for Prometheus."""
        return self._adapters.metrics.render(accept)

    def status_event(self) -> Status:
        """Return the event that clients get every few seconds."""
        return Status(load_level=self.load_level(), sessions=len(self._live), uptime_s=self.uptime_s)


def permanent_actors(running: Tree | None) -> Iterator[ChildStatus]:
    """Yield every actor but those of sessions, without its children."""
    for name in () if running is None else running.child_states():
        child = None if running is None else running.find(name)
        if child is not None:
            below = (child,) if name == SESSIONS else child.walk()
            yield from (one.status(is_deep=False) for one in below)


def summarised(sessions: Child) -> dict[str, Any]:
    """Return the sessions' supervisor with a few of its children and a summary of all."""
    below = sessions.below
    mailboxes = [actor.spec.ref for actor in sessions.walk() if len(actor.spec.ref.mailbox)]
    worst = heapq.nlargest(SHOWN_MAILBOXES, mailboxes, key=lambda ref: len(ref.mailbox))
    return plain(sessions.status(is_deep=False)) | {
        "children": [plain(child.status()) for child in below[:SHOWN_SESSIONS]],
        "summary": {
            "count": len(below),
            "states": Counter(child.state.value for child in below),
            "worst_mailboxes": [
                {"id": ref.name, "queued": len(ref.mailbox), "head_age_s": ref.statistics().head_age_s} for ref in worst
            ],
        },
    }


def component_report(child: ChildStatus) -> ComponentReport:
    """Return a permanent actor's report for the health pages."""
    own = figures(child.statistics)
    plain_figures = {name: value for name, value in own.items() if isinstance(value, int | float | str)}
    return ComponentReport(state=child.state.value, trouble=child.find_trouble(), figures=plain_figures)


def plain(child: ChildStatus) -> dict[str, Any]:
    """Return a child's status as JSON types."""
    shown = {
        "id": child.id,
        "state": child.state.value,
        "incarnation": child.incarnation,
        "restarts": child.restarts,
        "mailbox": attrs.asdict(child.mailbox),
        "statistics": figures(child.statistics),
        "children": [plain(below) for below in child.children],
    }
    ended = child.last_exit
    if ended is not None:
        ago_s = round(max(0.0, trio.current_time() - ended.ended_s), 1)
        told = {"kind": ended.kind.value, "reason": ended.reason, "handled": ended.handled}
        shown["last_exit"] = told | {"ago_s": ago_s, "ready_for_s": round(ended.ready_for_s, 1)}
    return shown


def figures(statistics: ActorStatistics) -> dict[str, Any]:
    """Return an actor's statistics as JSON can carry them, without the fields that are ``None`` by default."""
    return attrs.asdict(statistics, filter=is_shown)


def is_shown(field: "attrs.Attribute[object]", value: object) -> bool:
    """Whether the status page shows a field of some statistics (``ActorStatistics``)."""
    return value is not None or field.default is not None
