"""The jobs assigned to one worker: at most ``CREDIT``, done in order, each with a time that begins with its work."""

from collections import deque

import attrs
import trio

from runtime.workers.errors import JobFailed, NotBegun, WorkerLost
from runtime.workers.frames import Frame

CREDIT = 2  # one in work, and one that is there already when the first is done


@attrs.define(eq=False)
class Assignment:
    """One job and its result."""

    frame: Frame
    timeout_s: float
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    """Ends the wait for it at its deadline."""
    done: trio.Event = attrs.field(factory=trio.Event)
    answer: Frame | None = None
    began_s: float | None = None
    is_revoked: bool = False

    def read_answer(self, who: str, how_it_ended: str) -> Frame:
        """Return the answer; raises ``JobFailed``, ``WorkerLost`` or ``NotBegun``."""
        if self.answer is None and self.began_s is None:
            raise NotBegun(f"{who} has ended before {self.frame.name}")
        if self.answer is None:
            raise WorkerLost(f"{who} {how_it_ended} during {self.frame.name}")
        if self.answer.kind == "revoked":
            raise NotBegun(f"{who} has given back {self.frame.name}")
        if self.answer.kind == "failed":
            raise JobFailed(self.answer.body.decode())
        return self.answer


class Assignments:
    """All assignments of one worker."""

    def __init__(self) -> None:
        self.jobs_done = 0
        self.busy_s = 0.0
        self._held: deque[Assignment] = deque()

    def __len__(self) -> int:
        return len(self._held)

    def accept(self, assignment: Assignment, now_s: float) -> None:
        """Add a job; its time begins if it is the only one."""
        if len(self._held) >= CREDIT:
            raise AssertionError(f"a worker must hold at most {CREDIT} jobs")
        self._held.append(assignment)
        self._begin_next(now_s)

    def settle(self, answer: Frame, now_s: float) -> None:
        """Give an answer to its job, and begin the next one's time."""
        for assignment in self._held:
            if assignment.frame.job_id == answer.job_id:
                self._held.remove(assignment)
                self._count(assignment, answer, now_s)
                assignment.answer = answer
                assignment.done.set()
                self._begin_next(now_s)
                return

    def _count(self, assignment: Assignment, answer: Frame, now_s: float) -> None:
        if answer.kind != "revoked" and assignment.began_s is not None:
            self.jobs_done += 1
            self.busy_s += now_s - assignment.began_s

    def abandon(self) -> None:
        """End all jobs: there will be no answers."""
        while self._held:
            self._held.popleft().done.set()

    def find_unbegun(self) -> Assignment | None:
        """Return a job that waits for another to be done, and has not been asked back."""
        return next(
            (assignment for assignment in self._held if assignment.began_s is None and not assignment.is_revoked), None
        )

    def _begin_next(self, now_s: float) -> None:
        if self._held and self._held[0].began_s is None:
            assignment = self._held[0]
            assignment.began_s = now_s
            assignment.scope.deadline = now_s + assignment.timeout_s
