"""Whether, and after how long, a client opens a lost connection again.

Rules kept here:

* The table of close codes is that of docs/protocol.md; a code that is not in it ends the session.
* The waits are the full jitter of Marc Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015): a
  random time up to a bound that doubles, so that the clients of a server that stops do not all come back at once.
* A wait that the server names is kept, and a little more is added, for the same reason.
* No clock and no socket is used here: times and randomness are arguments.
"""

import enum
import math
from collections.abc import Mapping
from random import Random
from typing import Final

import attrs

from sayso_client.errors import ABNORMAL

NORMAL: Final = 1000
RESTARTED: Final = 1012
TRY_LATER: Final = 1013
MISTAKE: Final = 1008


class Return(enum.Enum):
    """A client's reaction to a close code."""

    SOON = "after a short random time that grows with each try"
    AS_TOLD = "after the time that the server named"
    NEVER = "not by itself"


BY_CLOSE_CODE: Final[Mapping[int, Return]] = {
    NORMAL: Return.NEVER,  # bye was answered
    1001: Return.SOON,  # something on the way, such as a proxy that is replaced
    1002: Return.NEVER,  # 1002, 1007, 1008 and 1009: a mistake of this client, which it would make again
    1005: Return.SOON,  # a close frame without a code, and then none at all: the network, or something on the way
    ABNORMAL: Return.SOON,
    1007: Return.NEVER,
    MISTAKE: Return.NEVER,
    1009: Return.NEVER,
    1011: Return.SOON,  # the session failed
    RESTARTED: Return.AS_TOLD,
    TRY_LATER: Return.AS_TOLD,
    4001: Return.NEVER,  # the key is missing, unknown, revoked or expired; the session waits for another key
    4029: Return.AS_TOLD,  # too many wrong keys came from this address
    4008: Return.NEVER,  # idle for too long; connect again when there is input
    4090: Return.NEVER,  # another connection has taken over the session
    4100: Return.SOON,  # the server was too slow, or we were
}


@attrs.frozen
class ReconnectPolicy:
    """How often and how long a client tries to reconnect.

    >>> ReconnectPolicy(give_up_after_s=60.0).wait_s(1006, None, tries=0, away_s=0.0, rng=Random(1)) < 0.5
    True
    """

    first_s: float = attrs.field(default=0.5, validator=attrs.validators.gt(0))
    """The first try comes within this time."""
    longest_s: float = attrs.field(default=20.0, validator=attrs.validators.gt(0))
    """Longest wait between two tries, unless the server names one; below the 30 s that a session waits by default."""
    restart_s: tuple[float, float] = (5.0, 30.0)
    """Wait for a server that is being replaced and named no time: at random between these."""
    give_up_after_s: float = attrs.field(default=300.0, validator=attrs.validators.ge(0))
    """Seconds after which to give up."""
    stable_s: float = attrs.field(default=10.0, validator=attrs.validators.ge(0))
    """A connection that lasted that long begins a new series of tries."""

    def wait_s(self, code: int, retry_after_s: float | None, *, tries: int, away_s: float, rng: Random) -> float | None:
        """Return how long to wait before the next try; None if there shall be none.

        ``code`` is the close code, ``retry_after_s`` what the server asked for, ``tries`` how many have failed, and
        ``away_s`` how long the connection has been lost.
        """
        what = BY_CLOSE_CODE.get(code, Return.NEVER)
        if what is Return.NEVER or away_s >= self.give_up_after_s:
            return None
        jitter_s = rng.uniform(0, min(self.longest_s, self.first_s * 2.0 ** min(tries, 16)))
        if retry_after_s is not None:
            return retry_after_s + jitter_s
        return rng.uniform(*self.restart_s) if code == RESTARTED else jitter_s


@attrs.define
class Tries:
    """The tries to open one session's connection again.

    A connection that was lost soon after it was opened continues the series of tries, so that a session which fails at
    once is not opened for ever.
    """

    policy: ReconnectPolicy | None
    """None: never."""
    rng: Random
    due_at: float | None = None
    """When the next try is due; None while the connection is open, and when there shall be no other."""
    _count: int = 0
    _lost_at: float = -math.inf
    _opened_at: float = -math.inf

    def opened(self, now: float) -> None:
        """Note that the connection is open."""
        self._opened_at, self.due_at = now, None

    def lost(self, code: int, retry_after_s: float | None, now: float) -> None:
        """Note that the connection was lost, or that a try has failed: ``due_at`` says when to try next."""
        self.due_at = None
        if self.policy is None:
            return
        if self._opened_at > self._lost_at and now - self._opened_at >= self.policy.stable_s:
            self._count = 0
        if self._count == 0:
            self._lost_at = now
        away_s = now - self._lost_at
        wait_s = self.policy.wait_s(code, retry_after_s, tries=self._count, away_s=away_s, rng=self.rng)
        self._count += 1
        self.due_at = None if wait_s is None else now + wait_s
