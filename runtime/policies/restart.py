"""Whether and when an ended child starts again: pure, so time, history and randomness are arguments.

The window of restarts is OTP's (supervisor.erl, ``add_restart``). Backoff hides a crash loop from a window, so
``max_consecutive`` ends it too. The jitter lies below the cap, never above it. No timer resets the backoff: how long
an incarnation had been ready is known when it ends.
"""

import enum
import random

import attrs
from attrs.validators import ge, gt

from runtime.messaging.exits import ORDERLY, Exit, ExitKind

QUARANTINES_PER_MINUTE = 10  # one bad clip must not take the pool down, a stream of them is a fault of ours
_MAX_DOUBLINGS = 60  # beyond any cap, and far from overflow


class Restart(enum.Enum):
    """When a child is started again after its end."""

    PERMANENT = "permanent"  # always
    TRANSIENT = "transient"  # after a crash
    TEMPORARY = "temporary"  # never, and its spec is forgotten


class Verdict(enum.Enum):
    """A supervisor's reaction to the end of a child."""

    RESTART = "restart"
    KEEP = "keep"  # stays stopped, the spec is kept
    FORGET = "forget"
    ESCALATE = "escalate"


@attrs.frozen
class Intensity:
    """At most ``max_restarts`` within any ``period_s`` seconds; one more and the supervisor gives up."""

    max_restarts: int = attrs.field(default=3, validator=ge(0))
    period_s: float = attrs.field(default=60.0, validator=gt(0))


@attrs.frozen
class Backoff:
    """Pauses between restarts: ``base_s`` doubled each time up to ``cap_s``, times a random half to whole."""

    base_s: float = attrs.field(default=0.2, validator=gt(0))
    cap_s: float = attrs.field(default=10.0, validator=gt(0))
    max_consecutive: int = attrs.field(default=8, validator=ge(1))
    """Crashes in a row, without a healthy time between, after which the supervisor gives up."""
    healthy_s: float = attrs.field(default=1.0, validator=ge(0))
    """Ready for so long, a first crash is followed by a restart at once (the rule of s6)."""
    min_reset_s: float = attrs.field(default=5.0, validator=ge(0))

    @property
    def reset_after_s(self) -> float:
        """Ready for so long, and at least one message handled: the row of crashes is over."""
        return max(self.min_reset_s, (self.base_s + self.cap_s) / 2)


@attrs.frozen
class RestartHistory:
    """Times of restarts and of quarantines, in seconds, oldest first."""

    restarts: tuple[float, ...] = ()
    quarantines: tuple[float, ...] = ()


@attrs.frozen
class Decision:
    """The verdict and the new history."""

    verdict: Verdict
    history: RestartHistory
    consecutive: int
    delay_s: float = 0.0
    why: str = ""


def wants_restart(restart: Restart, kind: ExitKind) -> Verdict:
    """Return whether the restart type restarts after an exit of ``kind``, before any limit."""
    if restart is Restart.TEMPORARY:
        return Verdict.FORGET
    if kind is ExitKind.FATAL or (restart is Restart.TRANSIENT and kind in ORDERLY):
        return Verdict.KEEP
    return Verdict.RESTART


def backoff_delay_s(attempt: int, backoff: Backoff, rng: random.Random) -> float:
    """Return the pause before restart number ``attempt`` (from 1), in seconds: never above the cap."""
    if attempt < 1:
        raise ValueError(f"attempt must be >= 1, not {attempt}")
    whole_s = min(backoff.cap_s, backoff.base_s * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS))
    return whole_s * rng.uniform(0.5, 1.0)


def judge(
    restart: Restart,
    ended: Exit,
    *,
    history: RestartHistory,
    consecutive: int,
    intensity: Intensity,
    backoff: Backoff,
    rng: random.Random,
) -> Decision:
    """Decide about a child that ended at ``ended.ended_s`` after ``consecutive`` crashes in a row."""
    verdict = wants_restart(restart, ended.kind)
    if verdict is not Verdict.RESTART:
        return Decision(verdict, history, consecutive)
    if ended.ready_for_s >= backoff.reset_after_s and ended.handled > 0:
        consecutive = 0
    history = _remember(history, ended, intensity)
    if not ended.has_quarantined:
        consecutive += 1
    why = _exceeded(history, consecutive, intensity, backoff)
    if why:
        return Decision(Verdict.ESCALATE, history, consecutive, why=why)
    is_first = consecutive <= 1 and ended.ready_for_s >= backoff.healthy_s
    delay_s = 0.0 if is_first else backoff_delay_s(max(1, consecutive), backoff, rng)
    return Decision(Verdict.RESTART, history, consecutive, delay_s)


def _remember(history: RestartHistory, ended: Exit, intensity: Intensity) -> RestartHistory:
    now_s = ended.ended_s
    restarts = tuple(t for t in history.restarts if t >= now_s - intensity.period_s)
    quarantines = tuple(t for t in history.quarantines if t >= now_s - 60.0)
    if ended.has_quarantined:
        return RestartHistory(restarts, (*quarantines, now_s))
    return RestartHistory((*restarts, now_s), quarantines)


def _exceeded(history: RestartHistory, consecutive: int, intensity: Intensity, backoff: Backoff) -> str:
    if len(history.restarts) > intensity.max_restarts:
        return f"more than {intensity.max_restarts} restarts in {intensity.period_s:g} s"
    if consecutive > backoff.max_consecutive:
        return f"more than {backoff.max_consecutive} crashes in a row"
    if len(history.quarantines) > QUARANTINES_PER_MINUTE:
        return f"more than {QUARANTINES_PER_MINUTE} poison messages in a minute"
    return ""
