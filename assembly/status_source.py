"""What the server shows of itself: to operators, to load balancers, to clients. Figures at hand, nothing waits."""

import datetime as dt
import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import trio

from assembly.adapters import Adapters
from protocol.admission.drain import Drain, DrainPhase
from protocol.messages.events import Status
from runtime import ActorStatistics, Child, ChildStatus, Tree
from runtime.policies.load import LoadReport

Address = tuple[str, int]

SESSIONS = "sessions"  # whose children are as many as there are clients
SHOWN_SESSIONS = 10  # of them, where nobody asks for all
SHOWN_MAILBOXES = 5


class StatusSource:
    """What the server shows of itself (``backends.ingress.pages.StatusSource``)."""

    def __init__(self, adapters: Adapters) -> None:
        self.drain = Drain()
        self.load: LoadReport | None = None
        self.addresses: Sequence[Address] = ()
        self.running: Tree | None = None
        self.count_sessions: Callable[[], int] = int  # none, until there are any
        self.all_places_taken: Callable[[], bool] = bool  # not, until there is somebody who counts places
        self.name_models: Callable[[], Sequence[str]] = tuple
        self.judge_hearing: Callable[[str | None, str | None], str | None] = lambda _language, _model: None
        self._adapters = adapters
        self._started_s = time.monotonic()

    def load_level(self) -> int:
        """Return how loaded the server is, 0 to 5; 0 while nobody measures it."""
        return 0 if self.load is None else int(self.load.level)

    def stt_models(self) -> Sequence[str]:
        """Return the names of the speech models that clients may ask for; none until there is somebody to load them."""
        return self.name_models()

    def hearing_problem(self, language: str | None, model: str | None) -> str | None:
        """Return why a language cannot be heard, with a model if one is wanted; ``None`` if it can."""
        return self.judge_hearing(language, model)

    def publish(self, report: LoadReport) -> None:
        """Take the newest report."""
        self.load = report

    def actors(self) -> Iterator[ChildStatus]:
        """Yield every actor as it stands when it is reached, without its children."""
        if self.running is not None:
            for child in self.running.walk():
                yield child.status(is_deep=False)

    def root(self) -> Mapping[str, Any]:
        """Return the root and the states of its children, however many sessions there are."""
        states = {} if self.running is None else self.running.child_states()
        return {"id": "root", "children": [{"id": name, "state": state.value} for name, state in states.items()]}

    def tree(self, *, is_full: bool = False) -> Mapping[str, Any]:
        """Return the supervision tree as plain mappings; of the sessions some and a summary, unless ``is_full``."""
        below = () if self.running is None else [self.running.find(name) for name in self.running.child_states()]
        children = [
            summarised(child) if child.id == SESSIONS and not is_full else plain(child.status())
            for child in below
            if child is not None
        ]
        return {"id": "root", "state": "ready", "children": children}

    def session(self, session_id: str) -> Mapping[str, Any] | None:
        """Return one session and its actors; ``None`` if there is none of that id."""
        child = None if self.running is None else self.running.find(SESSIONS, session_id)
        return None if child is None else plain(child.status())

    @property
    def uptime_s(self) -> float:
        """Seconds since the server was built."""
        return round(time.monotonic() - self._started_s, 1)

    def server(self) -> Mapping[str, Any]:
        """Return the figures of the whole."""
        return {
            "name": "sayso",
            "version": self._adapters.version,
            "uptime_s": self.uptime_s,
            "sessions": self.count_sessions(),
            "all_places_taken": self.all_places_taken(),
            "load_level": self.load_level(),
            "load": {} if self.load is None else self.load.shown(trio.current_time()),
            "stopping": self.drain.phase is not DrainPhase.SERVING,
            "drain": self.drain.shown(trio.current_time),
            "listening": [f"{host}:{port}" for host, port in self.addresses],
        }

    def status(self, *, is_full: bool = False) -> Mapping[str, Any]:
        """Return the whole: figures, and the tree."""
        return {**self.server(), "timestamp": self.timestamp(), "tree": self.tree(is_full=is_full)}

    def memory(self) -> Mapping[str, float]:
        """Return the machine's memory."""
        return self._adapters.machine.memory()

    def cpu_percent(self) -> float:
        """Return the last sample."""
        return self._adapters.machine.cpu_percent

    def timestamp(self) -> str:
        """Return the time of day."""
        return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")

    def metrics(self, accept: str) -> tuple[str, bytes]:
        """Return what Prometheus scrapes."""
        return self._adapters.metrics.render(accept)

    def status_event(self) -> Status:
        """Return what clients are told every few seconds."""
        return Status(load_level=self.load_level(), sessions=self.count_sessions(), uptime_s=self.uptime_s)


def summarised(sessions: Child) -> dict[str, Any]:
    """Return the sessions' supervisor with a few of its children, and what is to be known of them all."""
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


def plain(child: ChildStatus) -> dict[str, Any]:
    """Return a child's status as JSON can carry it."""
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
        shown["last_exit"] = {"kind": ended.kind.value, "reason": ended.reason, "handled": ended.handled}
    return shown


def figures(statistics: ActorStatistics) -> dict[str, Any]:
    """Return an actor's statistics as JSON can carry them, without the fields that are ``None`` by default."""
    return attrs.asdict(statistics, filter=is_shown)


def is_shown(field: "attrs.Attribute[object]", value: object) -> bool:
    """Whether the status page shows a field of some statistics (``ActorStatistics``)."""
    return value is not None or field.default is not None
