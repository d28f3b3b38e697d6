"""What happened to the server lately, as it is kept for operators; pure, time is an argument.

Rules kept here:

* A notice is made of the difference between two looks at the server, so nothing has to report what it does.
* The newest 200 are kept. Refusals and crashes inside sessions are told in bulk: one notice a minute for each cause.
* A notice has no words that anybody said: names of actors, reasons and counts.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

import attrs

from protocol.admission.drain import DrainPhase

NOTICES_MAX: Final = 200
TOLD_EVERY_S: Final = 60.0
DETAIL_CHARS: Final = 300
NoticeKind = Literal[
    "started",  # the server
    "restarted",  # an actor, after a crash or on request; the detail says why
    "down",  # an actor that waits for its next start, or will not have one
    "degraded",  # an actor cannot do its work; the detail says why
    "recovered",
    "worker_ended",  # a worker process, without being asked to
    "load",  # the level; the subject is the new one, the detail its driver
    "refused",  # requests; the subject is the cause
    "session_crashed",  # an actor of a session, which is started again; the subject is its part, the detail the error
    "session_recovered",  # all actors of such a session are ready again
    "session_failed",  # a session that crashed too often was ended
    "keys",  # the access keys were read again
    "certificate",  # new connections use another one; the subject is its fingerprint, the detail its last day
    "certificate_trouble",  # the detail says what: it ends soon, or changed files cannot be used
    "drain",
]
REFUSALS: Final = "refusals_total"
SESSION_FAULTS: Final = "session_faults_total"
COUNTED: Final = frozenset({REFUSALS, SESSION_FAULTS})
"""The counts that are told as notices, too."""
FAULTS: Final[Mapping[str, NoticeKind]] = {
    "crashed": "session_crashed",
    "recovered": "session_recovered",
    "failed": "session_failed",
}


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


@attrs.frozen
class CertificateLook:
    """The server's certificate at one moment."""

    fingerprint: str
    """SHA-256, in hexadecimal."""
    last_day: str
    """Until when it is good, as ``2027-01-31``."""
    trouble: str | None = None
    """What an operator should know: it ends soon, or has changed files that cannot be used."""


@attrs.frozen(kw_only=True)
class ServerLook:
    """The server at one moment."""

    actors: Mapping[str, ActorLook]
    level: int = 0
    driver: str = ""
    drain: DrainPhase = DrainPhase.SERVING
    drain_reason: str = ""
    keys: Mapping[str, object] = attrs.field(factory=dict)
    """The access keys that are known."""
    certificate: CertificateLook | None = None
    """``None`` without TLS."""


DOWN: Final = frozenset({"backoff", "zombie", "stopped"})


def noticed(before: ServerLook, after: ServerLook) -> Sequence[NoticeDraft]:
    """Return what happened between two looks."""
    return tuple(_noticed(before, after))


def _noticed(before: ServerLook, after: ServerLook) -> Iterator[NoticeDraft]:
    for name, actor in after.actors.items():
        yield from _of_actor(name, before.actors.get(name, ActorLook(state="starting")), actor)
    if after.level != before.level:
        yield NoticeDraft("load", str(after.level), after.driver)
    if after.keys != before.keys:
        yield NoticeDraft("keys", count=len(after.keys))
    if before.certificate is not None and after.certificate is not None:
        yield from _of_certificate(before.certificate, after.certificate)
    if before.drain is DrainPhase.SERVING and after.drain is not DrainPhase.SERVING:
        yield NoticeDraft("drain", detail=after.drain_reason)


def _of_certificate(before: CertificateLook, after: CertificateLook) -> Iterator[NoticeDraft]:
    if after.fingerprint != before.fingerprint:
        yield NoticeDraft("certificate", after.fingerprint, after.last_day)
    if after.trouble is not None and after.trouble != before.trouble:
        yield NoticeDraft("certificate_trouble", detail=after.trouble)


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


# --- what happens often --------------------------------------------------------------------------


def counted(name: str, labels: Sequence[str]) -> NoticeDraft:
    """Return the notice of one of the ``COUNTED`` counts, by its labels."""
    if name == SESSION_FAULTS:
        event, part, cause = labels
        return NoticeDraft(FAULTS[event], part, cause)
    return NoticeDraft("refused", labels[0])


@attrs.define(eq=False)
class NoticeTally:
    """Counts what happens often by its notice, and tells the counts now and then."""

    totals: Counter[NoticeKind] = attrs.field(factory=Counter, init=False)
    """Since the server's start."""
    _counts: Counter[NoticeDraft] = attrs.field(factory=Counter, init=False)
    _told_s: dict[NoticeDraft, float] = attrs.field(factory=dict, init=False)
    """When each was told last, within the last minute."""

    def note(self, draft: NoticeDraft, count: int) -> None:
        """Count it so many times more."""
        self.totals[draft.kind] += count
        self._counts[draft] += count

    def take(self, now_s: float) -> Sequence[NoticeDraft]:
        """Return what was not told within the last minute, with its counts; ``now_s`` is monotonic."""
        self._told_s = {draft: told_s for draft, told_s in self._told_s.items() if now_s - told_s < TOLD_EVERY_S}
        due = [draft for draft in self._counts if draft not in self._told_s]
        self._told_s.update(dict.fromkeys(due, now_s))
        return tuple(attrs.evolve(draft, count=self._counts.pop(draft)) for draft in due)
