"""The queue of jobs in front of a pool, and its delay; pure but for the event that a caller waits on.

The length of a queue says little; if even the shortest wait in a second is long, the queue is too long. Source: K.
Nichols and V. Jacobson, "Controlling Queue Delay", ACM Queue 2012 (CoDel), in the form of folly's ``Codel.h``.
"""

from collections import deque
from collections.abc import Awaitable, Callable

import attrs
import trio

from runtime.workers.errors import WorkerError
from runtime.workers.frames import Frame

WINDOW_S = 1.0


@attrs.frozen
class QueueDelay:
    """The shortest wait of the last one to two seconds, as a value; times are seconds of any monotonic clock."""

    began_s: float = 0.0
    current_s: float | None = None
    last_s: float | None = None

    def noted(self, delay_s: float, now_s: float) -> "QueueDelay":
        """Return the delay with the wait of one more job."""
        rolled = self._rolled(now_s)
        current_s = delay_s if rolled.current_s is None else min(delay_s, rolled.current_s)
        return attrs.evolve(rolled, current_s=current_s)

    def minimum_s(self, now_s: float, waiting_since_s: float | None = None) -> float:
        """Return the shortest wait; if no job was taken, how long the first of those that still wait has waited."""
        rolled = self._rolled(now_s)
        known_s = [delay_s for delay_s in (rolled.last_s, rolled.current_s) if delay_s is not None]
        if known_s:
            return min(known_s)
        return 0.0 if waiting_since_s is None else now_s - waiting_since_s

    def _rolled(self, now_s: float) -> "QueueDelay":
        windows = (now_s - self.began_s) // WINDOW_S
        if windows < 1:
            return self
        last_s = self.current_s if windows == 1 else None
        return QueueDelay(began_s=self.began_s + windows * WINDOW_S, last_s=last_s)


@attrs.define(eq=False)
class QueuedJob:
    """One queued or running job; ``attempts_left`` counts the attempts that were not begun."""

    frame: Frame
    timeout_s: float
    attempts_left: int
    queued_s: float
    finished: trio.Event = attrs.field(factory=trio.Event)
    answer: Frame | WorkerError | None = None
    is_wanted: bool = True
    take_back: Callable[[], Awaitable[None]] | None = None
    """Asks the job back from its worker, unless that has begun it."""

    def finish(self, answer: Frame | WorkerError) -> None:
        """Give the caller its answer; only the first one counts."""
        if not self.finished.is_set():
            self.answer = answer
            self.finished.set()


class JobQueue:
    """First in, first out; a job that is given back is the next. The caller of ``put`` bounds the length."""

    def __init__(self) -> None:
        self._jobs: deque[QueuedJob] = deque()
        self._delay = QueueDelay()

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: QueuedJob) -> None:
        """Queue a job."""
        self._jobs.append(job)

    def give_back(self, job: QueuedJob, now_s: float) -> None:
        """Queue a job again that a worker could not do."""
        job.queued_s = now_s
        self._jobs.appendleft(job)

    def take(self, now_s: float) -> QueuedJob:
        """Return the next; raises ``IndexError`` if there is none."""
        job = self._jobs.popleft()
        self._delay = self._delay.noted(now_s - job.queued_s, now_s)
        return job

    def discard(self, job: QueuedJob) -> None:
        """Remove a job whose caller has gone, if it still waits."""
        if job in self._jobs:
            self._jobs.remove(job)

    def min_delay_s(self, now_s: float) -> float:
        """Return the shortest wait of the last second or two."""
        return self._delay.minimum_s(now_s, self._jobs[0].queued_s if self._jobs else None)
