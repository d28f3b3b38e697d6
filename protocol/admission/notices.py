"""What happened to the server lately, as it is kept for operators; pure, time is an argument.

Rules kept here:

* A notice is made of the difference between two looks at the server, so nothing has to report what it does.
* The newest 200 are kept. Refusals are told in bulk: one notice a minute for each cause.
* A notice has no words that anybody said: names of actors, reasons and counts.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

import attrs

from protocol.admission.drain import DrainPhase

NOTICES_MAX: Final = 200
REFUSALS_EVERY_S: Final = 60.0
DETAIL_CHARS: Final = 300
NoticeKind = Literal[
    "started",  # the server
    "restarted",  # an actor, after a crash or on request; the detail says why
    "down",  # an actor that waits for its next start, or will not have one
    "degraded",  # an actor cannot do its work; the detail says why
    "recovered",
    "worker_ended",  # a worker process, without being asked to
    "model",  # another speech model does the usual one's work; the subject is the new one, the detail the one before
    "load",  # the level; the subject is the new one, the detail its driver
    "refused",  # requests; the subject is the cause
    "keys",  # the access keys were read again
    "drain",
]


@attrs.frozen
class NoticeDraft:
    """What happened, before it is numbered and dated."""

    kind: NoticeKind
    subject: str = ""
    """An actor's id, a load level or a cause."""
    detail: str = ""
    count: int = 1


@attrs.frozen
class Notice:
    """One thing that happened."""

    number: int
    """1, 2, ... since the server's start."""
    at_s: float
    """Unix time."""
    told: NoticeDraft

    def shown(self) -> dict[str, object]:
        """Return the notice as JSON types."""
        return {"number": self.number, "at": round(self.at_s, 3), **attrs.asdict(self.told)}


@attrs.define(eq=False)
class Notices:
    """The newest notices."""

    _kept: deque[Notice] = attrs.field(factory=lambda: deque(maxlen=NOTICES_MAX), init=False)
    _last: int = attrs.field(default=0, init=False)

    @property
    def last(self) -> int:
        """The number of the newest, 0 before the first."""
        return self._last

    def add(self, now_s: float, drafts: Iterable[NoticeDraft]) -> None:
        """Keep them, at a Unix time."""
        for draft in drafts:
            self._last += 1
            self._kept.append(Notice(self._last, now_s, attrs.evolve(draft, detail=draft.detail[:DETAIL_CHARS])))

    def after(self, number: int) -> Sequence[Notice]:
        """Return those that are kept and newer than ``number``, oldest first."""
        return tuple(notice for notice in self._kept if notice.number > number)


# --- what has changed between two looks ----------------------------------------------------------


@attrs.frozen(kw_only=True)
class ActorLook:
    """One permanent actor at one moment."""

    state: str
    incarnation: int = 1
    exit: str = ""
    """Why its last incarnation ended."""
    trouble: str | None = None
    crashes: int = 0
    """How many worker processes of its pool have ended without being asked to."""
    worker_exit: str = ""
    """How the last of those ended."""


@attrs.frozen(kw_only=True)
class ServerLook:
    """The server at one moment."""

    actors: Mapping[str, ActorLook]
    level: int = 0
    driver: str = ""
    model: str = ""
    """The speech model that does the usual one's work; empty while that is not known."""
    drain: DrainPhase = DrainPhase.SERVING
    drain_reason: str = ""
    keys: Mapping[str, object] = attrs.field(factory=dict)
    """The access keys that are known."""


DOWN: Final = frozenset({"backoff", "zombie", "stopped"})


def noticed(before: ServerLook, after: ServerLook) -> Sequence[NoticeDraft]:
    """Return what happened between two looks."""
    return tuple(_noticed(before, after))


def _noticed(before: ServerLook, after: ServerLook) -> Iterator[NoticeDraft]:
    for name, actor in after.actors.items():
        yield from _of_actor(name, before.actors.get(name, ActorLook(state="starting")), actor)
    if after.level != before.level:
        yield NoticeDraft("load", str(after.level), after.driver)
    if after.model and before.model and after.model != before.model:
        yield NoticeDraft("model", after.model, before.model)
    if after.keys != before.keys:
        yield NoticeDraft("keys", count=len(after.keys))
    if before.drain is DrainPhase.SERVING and after.drain is not DrainPhase.SERVING:
        yield NoticeDraft("drain", detail=after.drain_reason)


def _of_actor(name: str, before: ActorLook, after: ActorLook) -> Iterator[NoticeDraft]:
    if after.crashes > before.crashes:
        yield NoticeDraft("worker_ended", name, after.worker_exit, after.crashes - before.crashes)
    if after.incarnation > before.incarnation:
        yield NoticeDraft("restarted", name, after.exit, after.incarnation - before.incarnation)
    if after.state in DOWN and before.state not in DOWN:
        yield NoticeDraft("down", name, after.exit)
    if after.trouble is not None and before.trouble is None:
        yield NoticeDraft("degraded", name, after.trouble)
    if after.trouble is None and before.trouble is not None:
        yield NoticeDraft("recovered", name)


# --- refusals ------------------------------------------------------------------------------------


@attrs.define(eq=False)
class RefusalTally:
    """Counts refusals by cause, and tells the counts now and then."""

    total: int = attrs.field(default=0, init=False)
    """Since the server's start."""
    _counts: Counter[str] = attrs.field(factory=Counter, init=False)
    _told_s: dict[str, float] = attrs.field(factory=dict, init=False)
    """When each cause was told last: there are a dozen causes."""

    def note(self, cause: str, count: int) -> None:
        """Count refusals."""
        self.total += count
        self._counts[cause] += count

    def take(self, now_s: float) -> Sequence[NoticeDraft]:
        """Return the causes that were not told within the last minute, with their counts; ``now_s`` is monotonic."""
        due = [
            cause for cause in self._counts if now_s - self._told_s.get(cause, -REFUSALS_EVERY_S) >= REFUSALS_EVERY_S
        ]
        self._told_s.update(dict.fromkeys(due, now_s))
        return tuple(NoticeDraft("refused", cause, count=self._counts.pop(cause)) for cause in due)
