"""Admission of new clients while the server is full, under load, or has just been: pure, time is an argument.

Rules kept here:

* Under load new clients are refused. Clients that resume a waiting session are admitted up to the level at which
  even connected ones are asked to leave.
* New clients are also refused while speaking sessions need nearly all of the recogniser, because a new client will
  speak, too. That is known before a queue forms, and passes as soon as their speech is transcribed.
* After load admission grows slowly, from a tenth of the places a second to all of them: refused clients try again.
* Of several tenants (``protocol/admission/tenants.py``) one that has its share leaves the last places, and the rest of
  the recogniser's capacity, to the others.
* Retry times are random, so that clients refused together do not return together.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from protocol.admission.capacity import Demand
from protocol.admission.tenants import FRESH_S, Kept

DEFERRABLE_LEVEL: Final = 2  # of load: work that can wait is refused
FULL_LEVEL: Final = 3  # of load: new clients are refused, connected ones are served
LEAVING_LEVEL: Final = 4  # sessions are asked to leave, so none is resumed
RETRY_AFTER_S: Final = 5.0  # a session lasts minutes, so a place rarely comes sooner
DEFERRED_S: Final = 5.0  # for each level of load, until work that can wait should come back
BURST_SHARE: Final = 0.5  # of those that can be served: else all would end, and wait, in the same second
OPENING_SHARE: Final = 0.1  # of the places, for each second at the beginning
DOUBLED_EVERY_S: Final = 5.0
OPEN_AFTER_S: Final = 17.0  # a tenth has doubled to the whole
NOTHING: Final = Kept()
TRIALS_MAX: Final = 64  # sockets on trial at once: each costs a session's start, some 3 ms


@attrs.frozen
class AdmissionRefused:
    """Why a new client is refused, and when it should try again."""

    reason: str
    retry_after_s: float
    cause: str
    """One word of a closed set, to count by."""
    is_for_others: bool = False
    """Whether its tenant had its share, and what was left is kept for others."""


@attrs.define
class Bucket:
    """A token bucket of admissions; full at first."""

    _tokens: float = math.inf
    _filled_s: float = 0.0

    def take(self, per_s: float, room: float, now_s: float, kept: float = 0.0) -> bool:
        """Take a token, of those added at this rate, at most ``room`` of them; return whether there was one.

        The last ``kept`` of them are not taken, unless there is never room for more.
        """
        self._tokens = min(room, self._tokens + per_s * (now_s - self._filled_s))
        self._filled_s = now_s
        if self._tokens < 1 + min(kept, room - 1):
            return False
        self._tokens -= 1
        return True


@attrs.define
class SlowStart:
    """Admissions after load, at a growing rate."""

    limit: int
    _was_shut: bool = False
    _opened_s: float | None = None
    """When the load was over; ``None`` while admission is not limited."""
    _bucket: Bucket = attrs.field(factory=Bucket)

    def shut(self) -> None:
        """Note that a client was refused because of load."""
        self._was_shut = True

    def admits(self, now_s: float) -> bool:
        """Take one admission; return whether there was one."""
        if self._was_shut:
            self._was_shut, self._opened_s, self._bucket = False, now_s, Bucket(1.0, now_s)
        if self._opened_s is None or now_s - self._opened_s >= OPEN_AFTER_S:
            self._opened_s = None
            return True
        per_s = max(1.0, OPENING_SHARE * self.limit) * 2 ** ((now_s - self._opened_s) / DOUBLED_EVERY_S)
        return self._bucket.take(per_s, per_s, now_s)


@attrs.define
class Admission:
    """Decides about new clients of one listener with ``limit`` places."""

    limit: int
    max_share: float
    """The share of the recogniser that speaking sessions may need."""
    jitter: Callable[[], float]
    """Returns the random factor of a wait, 1 to 2."""
    _slow_start: SlowStart = attrs.field(init=False)
    _pace: Bucket = attrs.field(factory=Bucket, init=False)
    _fresh: deque[float] = attrs.field(factory=deque, init=False)
    """When the last clients were admitted."""

    def __attrs_post_init__(self) -> None:
        self._slow_start = SlowStart(self.limit)

    def refusal(
        self, level: int, taken: int, demand: Demand | None, now_s: float, kept: Kept = NOTHING
    ) -> AdmissionRefused | None:
        """Return why a new client is refused; ``None`` if it is admitted, and then it is counted.

        ``level`` is the load level, ``taken`` counts places; ``demand`` of speaking sessions is ``None`` if unknown;
        ``kept`` is what it must leave for others.
        """
        while self._fresh and self._fresh[0] < now_s - FRESH_S:
            self._fresh.popleft()
        if level >= FULL_LEVEL:
            self._slow_start.shut()
            return AdmissionRefused(f"the server is under load (level {level})", self._later(level), "load")
        if taken >= self.limit:
            return AdmissionRefused(f"all {self.limit} places are taken", self._later(1), "places")
        if taken >= self.limit * (1 - kept.places):
            return AdmissionRefused("the last places are kept for others", self._later(1), "share", is_for_others=True)
        if demand is not None and not self._can_understand(demand, now_s, kept.speech):
            reason = "as many are speaking as can be understood in time"
            is_for_others = kept.speech > 0 and self._fits(demand)
            return AdmissionRefused(reason, self._later(1), "speech", is_for_others=is_for_others)
        if not self._slow_start.admits(now_s):
            reason = "the server has been under load and lets clients in slowly"
            return AdmissionRefused(reason, self._later(1), "slow_start")
        self._fresh.append(now_s)
        return None

    def _can_understand(self, demand: Demand, now_s: float, kept: float) -> bool:
        """Return whether one more speaker can be served; half of them may arrive at once, the rest as these end."""
        if not self._fits(demand, kept):
            return False
        room = max(1.0, BURST_SHARE * self.max_share / demand.each)
        return self._pace.take(self.max_share * demand.per_s, room, now_s, kept * room)

    def _fits(self, demand: Demand, kept: float = 0.0) -> bool:
        return demand.share + demand.each * (1 + len(self._fresh)) <= self.max_share * (1 - kept)

    def _later(self, steps: int) -> float:
        return RETRY_AFTER_S * steps * self.jitter()


def may_return(level: int, awaited: int, on_trial: int) -> bool:
    """Return whether a client that is refused as a new one may prove that it resumes one of ``awaited`` sessions.

    Trials are not compared with the sessions: a client that succeeded is still on trial, and no longer awaited.
    """
    return level < LEAVING_LEVEL and awaited > 0 and on_trial < TRIALS_MAX


def retry_deferrable_s(level: int) -> float | None:
    """Return when to come back with work that can wait, in seconds; ``None`` if it is taken now."""
    return DEFERRED_S * level if level >= DEFERRABLE_LEVEL else None
